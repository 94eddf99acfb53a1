"""From screening to a short list: which candidates deserve to be solved exactly, and from which severity and onset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from hydro.complaint import Complaint
from hydro.evidence import Evidence
from hydro.faults import KINDS, Candidate, FaultKind, Scene
from hydro.hypothesis import Family, Fault
from hydro.readings import Floats
from hydro.screening import Screened, Watched, onset_steps, screen, taps_of

Key = tuple[str, tuple[int, ...]]
COMPARED, ALIKE = 400, 0.98
"""So many leads are compared with one another; two whose moves have this cosine are one."""
HEARD = 0.5
"""How well a complaint tells a pressure [m]."""
OF_A_FAMILY = 6
"""How many leads of every family are worth a solve."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A candidate as the linear model sees it.

    ``log_weight``: log of prior times likelihood relative to the screened evidence, over severities and onsets (NaN
    where screening was not asked);
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
    watched = None if complaint is None else Watched(complaint.row, complaint.steps)
    found: list[Lead] = []
    for kind in KINDS:
        candidates = [one for one, _ in priors.values() if one.kind == kind.name]
        severities = kind.severities(scene)
        for screened in screen(evidence, kind, candidates, severities, onsets, taps, scene.law, watched):
            total = screened.ratio + np.stack([kind.log_odds(scene, one, severities) for one in screened.candidates])
            if complaint is not None and screened.lowest is not None:
                total += complaint.log_likelihood(screened.lowest, usual)
            found.extend(_leads_of(screened, total, priors))
    return sorted(found, key=lambda lead: -lead.log_weight)


def choose(found: Sequence[Lead], most: int, floor: float) -> list[Lead]:
    """Return the first ``most`` leads whose log weight reaches ``floor``, and the best few of every family.

    Screening knows the noise of the network as it is, not as a fault would make it: kinds that calm the network down
    look better to it than kinds that stir it up, and only within a kind are its weights to be compared.
    """
    chosen = [lead for lead in found if lead.log_weight > floor][:most]
    for family in [(kind.name, many) for kind in KINDS for many in (False, True)]:
        of_family = [lead for lead in found if lead.fault.family == family][:OF_A_FAMILY]
        chosen.extend(lead for lead in of_family if lead not in chosen)
    return chosen


def unlike(found: Sequence[Lead], evidence: Evidence, steps: NDArray[np.intp], watched: int | None) -> list[Lead]:
    """Return the leads, the best first, without those that move the readings as a better one of their family.

    ``steps``: those in which they are compared; ``watched``: a row that somebody complained of, whose pressure counts
    as if it were read. Only the first ``COMPARED`` and the best few of every family are looked at.
    """
    some = choose(found, COMPARED, -np.inf)
    moves: dict[Key, Floats] = {}
    for kind in KINDS:
        of_kind = [lead for lead in some if lead.fault.candidate.kind == kind.name]
        if of_kind:
            moved = _moves(kind, of_kind, evidence, steps, watched)
            moves |= {lead.key: one for lead, one in zip(of_kind, moved, strict=True)}
    kept: dict[Family, list[Floats]] = {}
    result = []
    for lead in some:
        others, own = kept.setdefault(lead.fault.family, []), moves[lead.key]
        if all(float(own @ other) < ALIKE for other in others):
            others.append(own)
            result.append(lead)
    return result


def _moves(
    kind: FaultKind, leads: Sequence[Lead], evidence: Evidence, steps: NDArray[np.intp], watched: int | None
) -> Floats:
    """Return (C, K·S or more) how leads move the readings in K steps, whitened and of length one."""
    candidates = [lead.fault.candidate for lead in leads]
    severities = np.array([lead.fault.severity for lead in leads])
    parts = []
    for step in steps.tolist():
        snapshot, whitener = evidence.snapshots[step], evidence.whitener[evidence.group[step]]
        every = zip(candidates, severities.tolist(), strict=True)
        sizes = np.array([kind.amplitudes(snapshot, [one], np.array([size]))[0, 0] for one, size in every])
        moved = kind.directions(snapshot, candidates) * sizes
        parts.append(whitener @ moved)
        if watched is not None and kind.hydraulic:
            parts.append(moved[[watched]] / HEARD)
    joined = np.concatenate(parts).T
    return np.asarray(joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-12))


def _leads_of(screened: Screened, total: Floats, priors: Mapping[Key, tuple[Candidate, float]]) -> list[Lead]:
    onsets, _, grid = total.shape
    total = total - np.log(onsets * grid)
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
