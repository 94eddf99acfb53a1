"""Weighing: what a hypothesis is worth, from a glance to a scan over the severity and onset of its last fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydro.complaint import Complaint
from hydro.evidence import Evidence
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Hypothesis, Priors
from hydro.onsets import ByOnset, Onsets
from hydro.readings import Floats
from hydro.resolve import Case, deaf
from hydro.response import SLACK, Response, slack
from hydro.severity import Judge, Scan, glance, scan_severities
from hydro.shortlist import Key, Lead
from hydro.straying import is_gauge, likeliest, straying

FREE = 2.0
"""How far a severity known already moves at most, in standard deviations of its slack."""

Keys = frozenset[Key]


@dataclass(frozen=True, slots=True)
class Explained:
    """A hypothesis solved and linearised at its own state.

    ``told``: log-probability of readings, complaint and severities at their likeliest; ``log_width``: log of how much
    of the severities and onsets believed possible explains the readings; ``slack``: (T, S, K) what the observed values
    move as the severity of each of its K faults grows.
    """

    hypothesis: Hypothesis
    log_prior: float
    told: float
    log_width: float
    evidence: Evidence
    slack: Floats

    @property
    def keys(self) -> Keys:
        """Return the causes that it names."""
        return keys_of(self.hypothesis)

    @property
    def log_weight(self) -> float:
        """Return the log of prior × likelihood, severities and onsets summed out."""
        return self.log_prior + self.told + self.log_width


@dataclass(frozen=True, slots=True)
class Parent:
    """A hypothesis to be extended: ``evidence`` at its own state, its severities free to move beside the departures."""

    explained: Explained
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Weighed:
    """A hypothesis judged with the linearisation of its ``parent``, as screening or a scan knows it."""

    hypothesis: Hypothesis
    log_weight: float
    log_width: float
    parent: Parent
    lead: Lead
    scanned: bool

    @property
    def keys(self) -> Keys:
        """Return the causes that it names."""
        return keys_of(self.hypothesis)


@dataclass(frozen=True, slots=True)
class Question:
    """What a search is about; the same for every hypothesis.

    ``usual``: pressure where the complaint was [m]; ``enough``: log-likelihood at which the readings are explained as
    well as their noise allows; ``settled``: the network without a fault where it makes the departures likeliest.
    """

    case: Case
    scene: Scene
    believed: Mapping[Key, tuple[Candidate, float]]
    priors: Priors
    complaint: Complaint | None
    usual: float
    enough: float
    settled: Evidence


def rescan(asked: Question, explained: Explained, place: int) -> tuple[Scan, Evidence]:
    """Return the posterior over one fault's severity at the hypothesis' own state, and the evidence it was found with.

    The other faults' severities are free to move beside it: in the evidence they stand in the order of the hypothesis.
    """
    hypothesis, base = explained.hypothesis, explained.evidence
    others = [one for one in range(len(hypothesis)) if one != place]
    freed = base.with_beside(explained.slack[:, :, others])
    return _scan(asked, freed, hypothesis, hypothesis, place), freed


def keys_of(hypothesis: Hypothesis) -> Keys:
    """Return the causes that a hypothesis names."""
    return frozenset(fault.key for fault in hypothesis)


def free_width(asked: Question, hypothesis: Hypothesis) -> float:
    """Return the log of the share of their prior range that ``SLACK`` spans, for faults that are free to move.

    Their onsets stand: each is one of as many as the window has steps.
    """
    total = 0.0
    for fault in hypothesis:
        grid = np.abs(fault.kind.severities(asked.scene))
        span = float(np.log(grid.max() / grid.min()))
        total += min(0.0, float(np.log(SLACK * np.sqrt(2 * np.pi) / span))) - float(np.log(asked.case.window.steps))
    return total


def log_prior_of(asked: Question, hypothesis: Hypothesis) -> float:
    """Return the log prior of a hypothesis: given one fault, each other has its own share of another's likelihood."""
    alone = sum(float(np.log(asked.believed[fault.key][1])) for fault in hypothesis)
    relative = float(np.log(asked.priors.another / asked.priors.any_fault))
    return alone + relative * sum(range(len(hypothesis)))


def severity_odds(asked: Question, hypothesis: Hypothesis) -> float:
    """Return how likely the severities of a hypothesis are among those of their kinds, as a logarithm."""
    return sum(
        float(fault.kind.log_odds(asked.scene, fault.candidate, np.array([fault.severity]))[0]) for fault in hypothesis
    )


def slackened(explained: Explained) -> Evidence:
    """Return the evidence of a hypothesis with the severities of all its faults free to move."""
    return explained.evidence.with_beside(explained.slack) if explained.hypothesis else explained.evidence


def scan_lead(asked: Question, parent: Parent, lead: Lead) -> Weighed:
    """Scan one more fault's severities beside the parent's faults, and move those to where they suit it."""
    standing = parent.explained.hypothesis
    hypothesis = (*standing, lead.fault)
    scan = _scan(asked, parent.evidence, standing, hypothesis, len(standing))
    prior, free = log_prior_of(asked, hypothesis), free_width(asked, standing)
    width = scan.log_width + free
    moved = _moved(asked, hypothesis, len(standing), scan)
    weighed = Weighed(moved, prior + scan.peak + width, width, parent, lead, scanned=True)
    if not is_gauge(asked.case.window, lead.fault):
        return weighed
    strayed = likeliest(asked.case.window, parent.evidence, lead.fault)
    width = strayed.log_width + free
    other = Weighed((*standing, strayed.fault), prior + strayed.peak + width, width, parent, lead, scanned=True)
    return max(weighed, other, key=lambda one: one.log_weight)


def lead_worth(asked: Question, parent: Parent, lead: Lead) -> float:
    """Return the log weight of a lead at its likeliest severity, as seen at a glance: fewest steps solved."""
    standing, fault = parent.explained.hypothesis, lead.fault
    if is_gauge(asked.case.window, fault):
        return lead.log_prior + likeliest(asked.case.window, parent.evidence, fault).peak
    hypothesis = (*standing, fault)
    judge = _judge(asked, parent.evidence, standing, hypothesis, len(standing), asked.case.fewest)
    return lead.log_prior + glance(fault.kind.severities(asked.scene), fault.severity, judge)


def _moved(asked: Question, hypothesis: Hypothesis, place: int, scan: Scan) -> Hypothesis:
    """Return the hypothesis with one fault at its likeliest severity and onset and the others where they suit it."""
    others = [one for one in range(len(hypothesis)) if one != place]
    moved = list(shifted(asked, hypothesis, others, scan.beside[scan.likeliest]))
    moved[place] = replace(hypothesis[place], severity=scan.best, onset=scan.onset)
    return tuple(moved)


def shifted(asked: Question, hypothesis: Hypothesis, places: Sequence[int], shifts: Floats) -> Hypothesis:
    """Return the hypothesis with the severities at ``places`` moved by the last of ``shifts``, deviations of slack."""
    moved = list(hypothesis)
    last = np.clip(shifts[len(shifts) - len(places) :], -FREE, FREE)
    for place, shift in zip(places, last, strict=True):
        fault = hypothesis[place]
        grid = np.sort(np.abs(fault.kind.severities(asked.scene)))
        size = np.clip(abs(fault.severity) * np.exp(SLACK * shift), grid[0], grid[-1])
        moved[place] = replace(fault, severity=float(np.sign(fault.severity) * size))
    return tuple(moved)


def _scan(asked: Question, base: Evidence, standing: Hypothesis, hypothesis: Hypothesis, place: int) -> Scan:
    """Return the posterior over severity and onset of one fault of a hypothesis beside the others."""
    fault = hypothesis[place]
    judge = _judge(asked, base, standing, hypothesis, place)
    return scan_severities(fault.kind.severities(asked.scene), fault.severity, judge, stands=hypothesis == standing)


def _judge(
    asked: Question,
    base: Evidence,
    standing: Hypothesis,
    hypothesis: Hypothesis,
    place: int,
    alike: NDArray[np.intp] | None = None,
) -> Judge:
    """Return what judges the severities of one fault of a hypothesis beside the others."""
    fault = hypothesis[place]
    response = Response(asked.case, base, standing, hypothesis, place, alike)
    onsets = Onsets(base, response.off)
    beside = severity_odds(asked, (*hypothesis[:place], *hypothesis[place + 1 :]))

    def judge(severity: float, lower: float, upper: float) -> ByOnset:
        on = response.on(severity, lower, upper)
        judged = onsets.judge(on, fault.kind.unrest * (on - response.calm))
        odds = beside + severity_odds(asked, (replace(fault, severity=severity),))
        heard = _heard_by_onset(asked, base, response.off, on)
        return replace(judged, log_likelihood=judged.log_likelihood + odds + heard)

    return judge


def _heard_by_onset(asked: Question, base: Evidence, off: Floats, on: Floats) -> Floats:
    """Return (T,) log-probability of the complaint for a fault that begins at each step."""
    complaint = asked.complaint
    if complaint is None:
        return np.zeros(len(off))
    plain = watched_pressure(base, complaint)
    without, with_fault = plain + off[:, complaint.row], plain + on[:, complaint.row]
    begun = np.arange(len(off))[:, None] <= complaint.steps[None, :]
    lowest = np.where(begun, with_fault[complaint.steps], without[complaint.steps]).min(axis=1)
    return complaint.log_likelihood(lowest, asked.usual)


def stood(asked: Question, hypothesis: Hypothesis, log_width: float, evidence: Evidence) -> Explained:
    """Return a hypothesis with what it makes of readings and complaint, its severities as they stand."""
    evidence = with_gauges_straying(asked, hypothesis, evidence)
    told = told_of(asked, hypothesis, evidence)
    moves = slack(asked.case, evidence, hypothesis)
    return Explained(hypothesis, log_prior_of(asked, hypothesis), told, log_width, evidence, moves)


def with_gauges_straying(asked: Question, hypothesis: Hypothesis, evidence: Evidence) -> Evidence:
    """Return the evidence with spoilt gauges straying in whatever way explains most."""
    gauges = [fault for fault in hypothesis if is_gauge(asked.case.window, fault)]
    if not gauges:
        return evidence
    strayed = evidence
    for fault in gauges:
        strayed = max(strayed, straying(asked.case.window, strayed, fault), key=lambda one: one.log_likelihood)
    return max(strayed, deaf(asked.case, hypothesis, evidence), key=lambda one: one.log_likelihood)


def freed(one: Explained, count: int) -> Explained:
    """Return a hypothesis with the severities of its first ``count`` faults free to move beside the departures."""
    freed = one.evidence.with_beside(one.slack[:, :, :count])
    return replace(one, told=one.told + freed.log_likelihood - one.evidence.log_likelihood)


def told_of(asked: Question, hypothesis: Hypothesis, evidence: Evidence) -> float:
    """Return the log-probability of readings, complaint and severities."""
    heard = complaint_odds(watched_pressure(evidence, asked.complaint), asked.complaint, asked.usual)
    return evidence.log_likelihood + heard + severity_odds(asked, hypothesis)


def watched_pressure(evidence: Evidence, complaint: Complaint | None) -> Floats:
    """Return (T,) modelled pressure at the complaint's node."""
    return np.array([0.0 if complaint is None else one.value[complaint.row] for one in evidence.snapshots])


def complaint_odds(pressure: Floats, complaint: Complaint | None, usual: float) -> float:
    """Return the log-probability of the complaint, 0 where there is none."""
    if complaint is None:
        return 0.0
    return float(complaint.log_likelihood(np.asarray(pressure[complaint.steps].min()), usual))
