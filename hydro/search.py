"""The search for the hypotheses that explain a window: single faults first, then what is left beside the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hydro.complaint import Complaint
from hydro.evidence import Evidence
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Fault, Hypothesis, Priors
from hydro.readings import Floats
from hydro.resolve import Case, evidence_at, settle, try_fault
from hydro.severity import Scan, scan_severities
from hydro.shortlist import Key, Lead, choose, leads
from hydro.unexplained import unexplained_ratio


@dataclass(frozen=True, slots=True)
class Effort:
    """How far to search.

    ``singles`` are scanned exactly, ``exact`` of them (and of pairs, of triples) linearised at their own state; of
    those ``beam`` are extended by the best ``partners``.
    """

    singles: int = 24
    exact: int = 8
    beam: int = 3
    partners: int = 6
    most_faults: int = 3


FAR = 12.0
"""A hypothesis whose log weight is this far below the best is not worth solving at its own state."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A hypothesis solved exactly.

    ``log_weight``: log of prior × likelihood, severity and onset of its last fault summed out; ``scans``: the
    severities of each fault, the others as they are.
    """

    hypothesis: Hypothesis
    log_weight: float
    evidence: Evidence
    scans: tuple[Scan, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One more fault beside ``others``, its severities scanned with the linearisation that stands without it."""

    others: Hypothesis
    other_scans: tuple[Scan, ...]
    lead: Lead
    scan: Scan
    log_prior: float
    log_weight: float

    @property
    def fault(self) -> Fault:
        """Return the fault at its likeliest severity."""
        return Fault(self.lead.fault.candidate, self.scan.best, self.lead.fault.onset)


@dataclass(frozen=True, slots=True)
class Search:
    """All that was found: ``healthy`` evidence and log weight, exact hypotheses, and the tail of single faults.

    ``tail``: faults that were judged by screening or a scan alone, with their log weights.
    """

    case: Case
    scene: Scene
    healthy: Evidence
    healthy_log_weight: float
    unexplained_log_weight: float
    explained: tuple[Explained, ...]
    tail: tuple[tuple[Fault, float], ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """What a search is about; the same for every hypothesis."""

    case: Case
    scene: Scene
    healthy: Evidence
    believed: Mapping[Key, tuple[Candidate, float]]
    priors: Priors
    complaint: Complaint | None
    effort: Effort


def search(case: Case, scene: Scene, priors: Priors, complaint: Complaint | None, effort: Effort) -> Search:
    """Return the hypotheses worth naming, each with its posterior weight."""
    healthy = settle(case)
    asked = _Question(case, scene, healthy, priors.of(scene), priors, complaint, effort)
    found = leads(healthy, scene, asked.believed, complaint)
    tried = [
        _try(asked, healthy, (), (), lead, lead.log_prior)
        for lead in choose(found, effort.singles, found[0].log_weight - 2 * FAR)
    ]
    singles = _explain_best(asked, tried)
    explained = {_keys(one.hypothesis): one for one in singles}
    generation = singles[: effort.beam]
    for _ in range(effort.most_faults - 1):
        grown = _explain_best(asked, [child for parent in generation for child in _extend(asked, parent)])
        grown = [_polish(asked, one) if place < effort.beam else one for place, one in enumerate(grown)]
        fresh = {_keys(one.hypothesis): one for one in grown if _keys(one.hypothesis) not in explained}
        explained |= fresh
        best = max(one.log_weight for one in explained.values())
        worth = [one for one in fresh.values() if one.log_weight > best - FAR]
        generation = sorted(worth, key=lambda one: -one.log_weight)[: effort.beam]
    quiet = float(np.log(max(1e-9, 1.0 - priors.any_fault - priors.unexplained)))
    unknown = float(np.log(priors.unexplained)) + unexplained_ratio(healthy, case.window)
    return Search(
        case=case,
        scene=scene,
        healthy=healthy,
        healthy_log_weight=quiet + healthy.log_likelihood + _heard(_watched(healthy, complaint), complaint),
        unexplained_log_weight=unknown + healthy.log_likelihood,
        explained=tuple(sorted(explained.values(), key=lambda one: -one.log_weight)),
        tail=_tail(healthy, found, tried, explained),
    )


def _tail(
    healthy: Evidence, found: Sequence[Lead], tried: Sequence[Tried], explained: Mapping[frozenset[Key], Explained]
) -> tuple[tuple[Fault, float], ...]:
    """Return the single faults that were not solved at their own state, each with the best weight known of it."""
    scanned = {one.lead.key: (one.fault, one.log_weight) for one in tried}
    rest = {lead.key: (lead.fault, healthy.log_likelihood + lead.log_weight) for lead in found} | scanned
    return tuple(one for key, one in rest.items() if frozenset([key]) not in explained)


def _keys(hypothesis: Hypothesis) -> frozenset[Key]:
    return frozenset(fault.key for fault in hypothesis)


def _extend(asked: _Question, parent: Explained) -> list[Tried]:
    """Return the parent's hypothesis with one more fault, for the likeliest few."""
    taken = _keys(parent.hypothesis)
    rest = {key: one for key, one in asked.believed.items() if key not in taken}
    prior_of_parent = sum(float(np.log(asked.believed[fault.key][1])) for fault in parent.hypothesis)
    # Given one fault, a second certain one has its own share of what another fault is likely at all.
    relative = float(np.log(asked.priors.another / asked.priors.any_fault)) * len(parent.hypothesis)
    every = leads(parent.evidence, asked.scene, rest, asked.complaint)
    # One that makes the whole unlikelier than it is without it is left out early.
    found = choose(every, asked.effort.partners, -FAR / 2 - relative)
    return [
        _try(asked, parent.evidence, parent.hypothesis, parent.scans, lead, prior_of_parent + lead.log_prior + relative)
        for lead in found
    ]


def _try(
    asked: _Question, base: Evidence, others: Hypothesis, scans: tuple[Scan, ...], lead: Lead, log_prior: float
) -> Tried:
    """Scan one more fault's severities beside ``others``, whose evidence is ``base``."""
    complaint = asked.complaint

    def judge(severity: float) -> tuple[float, Floats]:
        added = Fault(lead.fault.candidate, severity, lead.fault.onset)
        told, departures, watched = try_fault(asked.case, base, others, added, complaint.row if complaint else None)
        return told + _heard(watched, complaint), departures

    scan = scan_severities(lead.severities, lead.fault.severity, judge)
    weight = log_prior + scan.peak + scan.log_width + lead.onset_bonus
    return Tried(others, scans, lead, scan, log_prior, weight)


def _explain_best(asked: _Question, tried: Sequence[Tried]) -> list[Explained]:
    """Solve and linearise the best of those tried at their own state; return them, the likeliest first."""
    ranked = sorted(tried, key=lambda one: -one.log_weight)
    chosen = [one for one in ranked if one.log_weight > ranked[0].log_weight - FAR][: asked.effort.exact]
    return sorted((_explain(asked, one) for one in chosen), key=lambda one: -one.log_weight)


def _explain(asked: _Question, one: Tried) -> Explained:
    hypothesis = (*one.others, one.fault)
    evidence = evidence_at(asked.case, hypothesis, asked.healthy)
    return Explained(
        hypothesis=hypothesis,
        log_weight=one.log_prior + _told(asked, evidence) + one.scan.log_width + one.lead.onset_bonus,
        evidence=evidence,
        scans=(*one.other_scans, one.scan),
    )


def _polish(asked: _Question, one: Explained) -> Explained:
    """Return a hypothesis of several faults with each one's severity found anew beside the others."""
    for place in range(len(one.hypothesis) - 1):
        fault = one.hypothesis[place]
        others = (*one.hypothesis[:place], *one.hypothesis[place + 1 :])
        scans = (*one.scans[:place], *one.scans[place + 1 :])
        base = evidence_at(asked.case, others, asked.healthy)
        grid = fault.kind.severities(asked.scene)
        again = _try(asked, base, others, scans, Lead(fault, 0.0, 0.0, 0.0, grid), 0.0)
        hypothesis = (*others, again.fault)
        evidence = evidence_at(asked.case, hypothesis, asked.healthy)
        gained = _told(asked, evidence) - _told(asked, one.evidence)
        if gained > 0:
            order = {fault.key: rank for rank, fault in enumerate(one.hypothesis)}
            pairs = sorted(zip(hypothesis, (*scans, again.scan), strict=True), key=lambda pair: order[pair[0].key])
            one = Explained(
                hypothesis=tuple(fault for fault, _ in pairs),
                log_weight=one.log_weight + gained,
                evidence=evidence,
                scans=tuple(scan for _, scan in pairs),
            )
    return one


def _told(asked: _Question, evidence: Evidence) -> float:
    """Return the log-probability of readings and complaint."""
    return evidence.log_likelihood + _heard(_watched(evidence, asked.complaint), asked.complaint)


def _watched(evidence: Evidence, complaint: Complaint | None) -> Floats:
    """Return (T,) modelled pressure at the complaint's node."""
    return np.array([0.0 if complaint is None else one.value[complaint.row] for one in evidence.snapshots])


def _heard(pressure: Floats, complaint: Complaint | None) -> float:
    """Return the log-probability of the complaint, 0 where there is none."""
    if complaint is None:
        return 0.0
    return float(complaint.log_likelihood(np.asarray(pressure[complaint.steps].min())))
