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
    """How far to search: short list of single faults, beams of pairs and triples, partners tried for each."""

    singles: int = 24
    beam: int = 3
    partners: int = 6
    most_faults: int = 3


@dataclass(frozen=True, slots=True)
class Explained:
    """A hypothesis solved exactly.

    ``log_weight``: log of prior × likelihood, severity and onset of its last fault summed out; ``scan``: the
    severities of that last fault.
    """

    hypothesis: Hypothesis
    log_weight: float
    evidence: Evidence
    scan: Scan


@dataclass(frozen=True, slots=True)
class Search:
    """All that was found: ``healthy`` evidence and log weight, exact hypotheses, and the linear tail of the others."""

    case: Case
    scene: Scene
    healthy: Evidence
    healthy_log_weight: float
    unexplained_log_weight: float
    explained: tuple[Explained, ...]
    tail: tuple[Lead, ...]


def search(case: Case, scene: Scene, priors: Priors, complaint: Complaint | None, effort: Effort) -> Search:
    """Return the hypotheses worth naming, each with its posterior weight."""
    believed = priors.of(scene)
    healthy = settle(case)
    found = leads(healthy, scene, believed, complaint)
    heard = _heard(_watched(healthy, complaint), complaint)
    quiet = float(np.log(max(1e-9, 1.0 - priors.any_fault - priors.unexplained)))
    singles = [
        _explain(case, healthy, healthy, (), lead, lead.log_prior, complaint) for lead in choose(found, effort.singles)
    ]
    explained = {frozenset(fault.key for fault in one.hypothesis): one for one in singles}
    generation = sorted(singles, key=lambda one: -one.log_weight)[: effort.beam]
    for _ in range(effort.most_faults - 1):
        grown = [
            child for parent in generation for child in _extend(case, scene, healthy, parent, believed, priors, complaint, effort)
        ]
        fresh = [one for one in grown if frozenset(fault.key for fault in one.hypothesis) not in explained]
        explained.update({frozenset(fault.key for fault in one.hypothesis): one for one in fresh})
        best = max(explained.values(), key=lambda one: one.log_weight).log_weight
        generation = sorted(
            (one for one in fresh if one.log_weight > best - 6.0), key=lambda one: -one.log_weight
        )[: effort.beam]
    named = {key for keys in explained for key in keys if len(keys) == 1}
    return Search(
        case=case,
        scene=scene,
        healthy=healthy,
        healthy_log_weight=quiet + healthy.log_likelihood + heard,
        unexplained_log_weight=float(np.log(priors.unexplained))
        + healthy.log_likelihood
        + unexplained_ratio(healthy, case.window),
        explained=tuple(sorted(explained.values(), key=lambda one: -one.log_weight)),
        tail=tuple(lead for lead in found if lead.key not in named),
    )


def _extend(
    case: Case,
    scene: Scene,
    healthy: Evidence,
    parent: Explained,
    believed: Mapping[Key, tuple[Candidate, float]],
    priors: Priors,
    complaint: Complaint | None,
    effort: Effort,
) -> list[Explained]:
    """Return the parent's hypothesis with one more fault, for the likeliest few."""
    taken = {fault.key for fault in parent.hypothesis}
    rest = {key: one for key, one in believed.items() if key not in taken}
    found = choose(leads(parent.evidence, scene, rest, complaint), effort.partners, each_kind=1)
    prior_of_parent = sum(float(np.log(believed[fault.key][1])) for fault in parent.hypothesis)
    # Given one fault, a second certain one has its own share of what another fault is likely at all.
    relative = float(np.log(priors.another / priors.any_fault))
    extra = relative * len(parent.hypothesis)
    return [
        _explain(case, healthy, parent.evidence, parent.hypothesis, lead, prior_of_parent + lead.log_prior + extra, complaint)
        for lead in found
    ]


def _explain(
    case: Case,
    healthy: Evidence,
    base: Evidence,
    others: Hypothesis,
    lead: Lead,
    log_prior: float,
    complaint: Complaint | None,
) -> Explained:
    """Solve one more fault beside ``others`` exactly over its severities; ``base`` is the evidence with the others."""

    def judge(severity: float) -> tuple[float, Floats]:
        added = Fault(lead.fault.candidate, severity, lead.fault.onset)
        told, departures, watched = try_fault(case, base, others, added, complaint.row if complaint else None)
        return told + _heard(watched, complaint), departures

    scan = scan_severities(lead.severities, lead.fault.severity, judge)
    best = Fault(lead.fault.candidate, scan.best, lead.fault.onset)
    evidence = evidence_at(case, healthy.place, (*others, best), healthy)
    exact = evidence.log_likelihood + _heard(_watched(evidence, complaint), complaint)
    return Explained(
        hypothesis=(*others, best),
        log_weight=log_prior + exact + scan.log_width + lead.onset_bonus,
        evidence=evidence,
        scan=scan,
    )


def _watched(evidence: Evidence, complaint: Complaint | None) -> Floats:
    """Return (T,) modelled pressure at the complaint's node."""
    return np.array([0.0 if complaint is None else one.value[complaint.row] for one in evidence.snapshots])


def _heard(pressure: Floats, complaint: Complaint | None) -> float:
    """Return the log-probability of the complaint, 0 where there is none."""
    if complaint is None:
        return 0.0
    return float(complaint.log_likelihood(np.asarray(pressure[complaint.steps].min())))
