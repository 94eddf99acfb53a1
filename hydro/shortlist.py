"""From screening to a short list: which candidates deserve to be solved exactly, and from which severity and onset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hydro.complaint import Complaint
from hydro.evidence import Evidence
from hydro.faults import KINDS, Candidate, Scene
from hydro.hypothesis import Fault
from hydro.readings import Floats
from hydro.screening import Screened, onset_steps, screen, taps_of

Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Lead:
    """A candidate as the linear model sees it.

    ``log_weight``: log of prior times likelihood relative to the screened evidence, over severities and onsets;
    ``fault``: at its likeliest severity and onset.
    """

    fault: Fault
    log_prior: float
    log_weight: float

    @property
    def key(self) -> Key:
        """Return the cause's key."""
        return self.fault.key


def leads(
    evidence: Evidence,
    scene: Scene,
    priors: Mapping[Key, tuple[Candidate, float]],
    complaint: Complaint | None,
    usual: float,
) -> list[Lead]:
    """Return every candidate of every kind, the likeliest first; ``usual``: pressure where the complaint was [m]."""
    onsets = onset_steps(len(evidence.snapshots))
    taps = taps_of(scene.observables)
    found: list[Lead] = []
    for kind in KINDS:
        candidates = [one for one, _ in priors.values() if one.kind == kind.name]
        if not candidates:
            continue
        screened = screen(evidence, kind, candidates, kind.severities(scene), onsets, taps, scene.law)
        heard = _complaint_term(evidence, screened, complaint, usual)
        odds = np.stack([kind.log_odds(scene, one, screened.severities) for one in candidates])
        found.extend(_leads_of(screened, heard + odds, priors))
    return sorted(found, key=lambda lead: -lead.log_weight)


def choose(found: Sequence[Lead], most: int, floor: float) -> list[Lead]:
    """Return the first ``most`` leads whose log weight reaches ``floor``, and the best of every kind that does."""
    worth = [lead for lead in found if lead.log_weight > floor]
    chosen = worth[:most]
    for kind in KINDS:
        of_kind = [lead for lead in worth if lead.fault.candidate.kind == kind.name][:1]
        chosen.extend(lead for lead in of_kind if lead not in chosen)
    return chosen


def _complaint_term(evidence: Evidence, screened: Screened, complaint: Complaint | None, usual: float) -> Floats:
    """Return (J, C, G) log-probability of the complaint, (relative to none of it when there is no complaint) zero."""
    shape = screened.ratio.shape
    if complaint is None:
        return np.zeros(shape)
    lowest = np.full(shape, np.inf)
    for step in complaint.steps:
        snapshot = evidence.snapshots[step]
        direction = screened.kind.directions(snapshot, screened.candidates)[complaint.row]
        if not screened.kind.hydraulic:
            direction = np.zeros_like(direction)
        amplitude = screened.kind.amplitudes(snapshot, screened.candidates, screened.severities)
        changed = snapshot.value[complaint.row] + direction[:, None] * amplitude
        begun = (screened.onsets <= step)[:, None, None]
        lowest = np.minimum(lowest, np.where(begun, changed[None], snapshot.value[complaint.row]))
    return complaint.log_likelihood(lowest, usual)


def _leads_of(screened: Screened, heard: Floats, priors: Mapping[Key, tuple[Candidate, float]]) -> list[Lead]:
    onsets, _, grid = screened.ratio.shape
    total = screened.ratio + heard - np.log(onsets * grid)
    by_onset = logsumexp(total, axis=2)
    summed = logsumexp(by_onset, axis=0)
    # Of onsets that explain the readings as well as the best, the latest: where they begin to need the fault.
    alike = by_onset > by_onset.max(axis=0) - 1.0
    first = onsets - 1 - np.argmax(alike[::-1], axis=0)
    result = []
    for column, candidate in enumerate(screened.candidates):
        onset = first[column]
        severity = int(np.argmax(total[onset, column]))
        log_prior = float(np.log(priors[(candidate.kind, candidate.indices)][1]))
        result.append(
            Lead(
                fault=Fault(candidate, float(screened.severities[severity]), int(screened.onsets[onset])),
                log_prior=log_prior,
                log_weight=log_prior + float(summed[column]),
            )
        )
    return result
