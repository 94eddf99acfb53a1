"""The search for hypotheses that explain a window: single faults first, then what is left beside the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hydro.complaint import Complaint
from hydro.evidence import Evidence, Place
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Fault, Hypothesis, Priors
from hydro.readings import Floats
from hydro.resolve import Case, evidence_at, settle, try_hypothesis
from hydro.severity import Scan, scan_severities
from hydro.shortlist import Key, Lead, choose, leads
from hydro.unexplained import unexplained_ratio


@dataclass(frozen=True, slots=True)
class Effort:
    """How far to search.

    ``singles`` are scanned exactly, ``exact`` of them (and of pairs, of triples) linearised at their own state; of
    those ``beam`` are extended by the best ``partners``, the best ``fitted`` of which are fitted together.
    """

    singles: int = 24
    exact: int = 8
    beam: int = 3
    partners: int = 6
    fitted: int = 4
    most_faults: int = 3


NEEDED = 1.0
"""An onset whose log-likelihood is this much below the best explains the readings as well."""
ONSET_REACH = 6
"""How many steps around its onset a fault is tried at when faults are fitted together."""
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
    log_prior: float
    onset_bonus: float


@dataclass(frozen=True, slots=True)
class Tried:
    """A hypothesis whose last fault is new, severities scanned with the linearisation that stands without it.

    ``scans``: of each fault beside the others; ``log_prior`` of all of it; ``onset_bonus`` of its last fault;
    ``place`` is a working point near its own, where one is known.
    """

    hypothesis: Hypothesis
    scans: tuple[Scan, ...]
    log_prior: float
    onset_bonus: float
    place: Place | None = None

    @property
    def log_weight(self) -> float:
        """Return the log weight as far as the scan knows it."""
        return self.log_prior + self.scans[-1].peak + self.scans[-1].log_width + self.onset_bonus


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
    usual: float
    effort: Effort


def search(
    case: Case,
    scene: Scene,
    priors: Priors,
    complaint: Complaint | None,
    effort: Effort,
    earlier: Sequence[Explained] = (),
) -> Search:
    """Return the hypotheses worth naming, each with its posterior weight.

    ``earlier`` explained fewer readings of the same window; they are fitted to these and compete with what is new.
    """
    healthy = settle(case)
    usual = 0.0 if complaint is None else float(_watched(healthy, complaint)[complaint.steps].min())
    asked = _Question(case, scene, healthy, priors.of(scene), priors, complaint, usual, effort)
    found = leads(healthy, scene, asked.believed, complaint, usual)
    tried = [
        _try(asked, healthy, (), (), lead, lead.log_prior)
        for lead in choose(found, effort.singles, found[0].log_weight - 2 * FAR)
    ]
    singles = _explain_best(asked, tried)
    again = [_explain(asked, _refit(asked, one)) for one in earlier]
    explained = {_keys(one.hypothesis): one for one in [*singles, *again]}
    generation = sorted(explained.values(), key=lambda one: -one.log_weight)[: effort.beam]
    for _ in range(effort.most_faults - 1):
        parents = [one for one in generation if len(one.hypothesis) < effort.most_faults]
        grown = _explain_best(asked, [child for parent in parents for child in _extend(asked, parent)])
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
        healthy_log_weight=quiet + healthy.log_likelihood + _heard(_watched(healthy, complaint), complaint, usual),
        unexplained_log_weight=unknown + healthy.log_likelihood,
        explained=tuple(sorted(explained.values(), key=lambda one: -one.log_weight)),
        tail=_tail(healthy, found, tried, explained),
    )


def _tail(
    healthy: Evidence, found: Sequence[Lead], tried: Sequence[Tried], explained: Mapping[frozenset[Key], Explained]
) -> tuple[tuple[Fault, float], ...]:
    """Return the single faults that were not solved at their own state, each with the best weight known of it."""
    scanned = {one.hypothesis[0].key: (one.hypothesis[0], one.log_weight) for one in tried}
    rest = {lead.key: (lead.fault, healthy.log_likelihood + lead.log_weight) for lead in found} | scanned
    return tuple(one for key, one in rest.items() if frozenset([key]) not in explained)


def _keys(hypothesis: Hypothesis) -> frozenset[Key]:
    return frozenset(fault.key for fault in hypothesis)


def _extend(asked: _Question, parent: Explained) -> list[Tried]:
    """Return the parent's hypothesis with one more fault, for the likeliest few; the best of them fitted together."""
    taken = _keys(parent.hypothesis)
    rest = {key: one for key, one in asked.believed.items() if key not in taken}
    prior_of_parent = sum(float(np.log(asked.believed[fault.key][1])) for fault in parent.hypothesis)
    # Given one fault, a second certain one has its own share of what another fault is likely at all.
    relative = float(np.log(asked.priors.another / asked.priors.any_fault)) * len(parent.hypothesis)
    every = leads(parent.evidence, asked.scene, rest, asked.complaint, asked.usual)
    # One that makes the whole unlikelier than it is without it is left out early.
    heard = _heard(_watched(parent.evidence, asked.complaint), asked.complaint, asked.usual)
    found = choose(every, asked.effort.partners, heard - FAR / 2 - relative)
    tried = [
        _try(asked, parent.evidence, parent.hypothesis, parent.scans, lead, prior_of_parent + lead.log_prior + relative)
        for lead in found
    ]
    tried.sort(key=lambda one: -one.log_weight)
    fitted = [_fit(asked, parent.evidence, parent.hypothesis, one) for one in tried[: asked.effort.fitted]]
    return fitted + tried[asked.effort.fitted :]


def _refit(asked: _Question, one: Explained) -> Tried:
    """Return an earlier hypothesis fitted to the readings of this question."""
    place = one.evidence.place
    base = evidence_at(asked.case, one.hypothesis, asked.healthy, place)
    same = Tried(one.hypothesis, one.scans, one.log_prior, one.onset_bonus, place)
    return _fit(asked, base, one.hypothesis, same)


def _try(
    asked: _Question, base: Evidence, others: Hypothesis, scans: tuple[Scan, ...], lead: Lead, log_prior: float
) -> Tried:
    """Scan one more fault's severities beside ``others``, whose evidence is ``base``."""
    hypothesis = (*others, lead.fault)
    scan = _scan(asked, base, others, hypothesis, len(others))
    fault = replace(lead.fault, severity=scan.best)
    return Tried((*others, fault), (*scans, scan), log_prior, lead.onset_bonus)


def _fit(asked: _Question, base: Evidence, standing: Hypothesis, one: Tried) -> Tried:
    """Return a hypothesis with each fault's severity found anew beside the others, the new one's last.

    A fault that was found alone has been bent to explain what the new one explains better.
    """
    hypothesis, scans = list(one.hypothesis), list(one.scans)
    for place in range(len(hypothesis)):
        hypothesis[place] = _onset(asked, base, standing, tuple(hypothesis), place)
        scans[place] = _scan(asked, base, standing, tuple(hypothesis), place)
        hypothesis[place] = replace(hypothesis[place], severity=scans[place].best)
    return replace(one, hypothesis=tuple(hypothesis), scans=tuple(scans))


def _onset(asked: _Question, base: Evidence, standing: Hypothesis, hypothesis: Hypothesis, place: int) -> Fault:
    """Return one fault of a hypothesis with the best of the onsets around its own."""
    fault, row = hypothesis[place], asked.complaint.row if asked.complaint else None

    def told(onset: int) -> float:
        now = (*hypothesis[:place], replace(fault, onset=onset), *hypothesis[place + 1 :])
        likelihood, _, watched = try_hypothesis(asked.case, base, standing, now, row)
        return likelihood + _heard(watched, asked.complaint, asked.usual)

    last = asked.case.window.steps - 1
    near = sorted({min(max(fault.onset + shift, 0), last) for shift in range(-ONSET_REACH, ONSET_REACH + 1)})
    values = {onset: told(onset) for onset in near}
    best = max(values.values())
    # Before it shows a fault may have been there or not: it is said to begin where the readings begin to need it.
    return replace(fault, onset=max(onset for onset, value in values.items() if value > best - NEEDED))


def _scan(asked: _Question, base: Evidence, standing: Hypothesis, hypothesis: Hypothesis, place: int) -> Scan:
    """Return the posterior over the severity of one fault of a hypothesis, the others as they are."""
    fault, complaint = hypothesis[place], asked.complaint

    def judge(severity: float) -> tuple[float, Floats]:
        now = (*hypothesis[:place], replace(fault, severity=severity), *hypothesis[place + 1 :])
        row = complaint.row if complaint else None
        told, departures, watched = try_hypothesis(asked.case, base, standing, now, row)
        return told + _heard(watched, complaint, asked.usual), departures

    return scan_severities(fault.kind.severities(asked.scene), fault.severity, judge)


def _explain_best(asked: _Question, tried: Sequence[Tried]) -> list[Explained]:
    """Solve and linearise the best of those tried at their own state; return them, the likeliest first."""
    if not tried:
        return []
    ranked = sorted(tried, key=lambda one: -one.log_weight)
    chosen = [one for one in ranked if one.log_weight > ranked[0].log_weight - FAR][: asked.effort.exact]
    found = sorted((_explain(asked, one) for one in chosen), key=lambda one: -one.log_weight)
    best = [_settled(asked, one) for one in found[: asked.effort.beam]]
    return sorted([*best, *found[asked.effort.beam :]], key=lambda one: -one.log_weight)


def _settled(asked: _Question, one: Explained) -> Explained:
    """Return a hypothesis fitted once more with the linearisation of its own state, where that explains more."""
    base = Tried(one.hypothesis, one.scans, one.log_prior, one.onset_bonus, one.evidence.place)
    again = _explain(asked, _fit(asked, one.evidence, one.hypothesis, base))
    return again if again.log_weight > one.log_weight else one


def _explain(asked: _Question, one: Tried) -> Explained:
    evidence = evidence_at(asked.case, one.hypothesis, asked.healthy, one.place)
    return Explained(
        hypothesis=one.hypothesis,
        log_weight=one.log_prior + _told(asked, evidence) + one.scans[-1].log_width + one.onset_bonus,
        evidence=evidence,
        scans=one.scans,
        log_prior=one.log_prior,
        onset_bonus=one.onset_bonus,
    )


def _told(asked: _Question, evidence: Evidence) -> float:
    """Return the log-probability of readings and complaint."""
    return evidence.log_likelihood + _heard(_watched(evidence, asked.complaint), asked.complaint, asked.usual)


def _watched(evidence: Evidence, complaint: Complaint | None) -> Floats:
    """Return (T,) modelled pressure at the complaint's node."""
    return np.array([0.0 if complaint is None else one.value[complaint.row] for one in evidence.snapshots])


def _heard(pressure: Floats, complaint: Complaint | None, usual: float) -> float:
    """Return the log-probability of the complaint, 0 where there is none."""
    if complaint is None:
        return 0.0
    return float(complaint.log_likelihood(np.asarray(pressure[complaint.steps].min()), usual))
