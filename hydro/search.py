"""The search for hypotheses that explain a window.

Every hypothesis that was looked at stands in a ledger with its posterior weight, however roughly it is known: a pipe
that explains a complaint as well as its neighbour must not lose to it because the neighbour was solved first. The
search grows the best hypotheses by a fault at a time, then takes each fault of the best one away in turn and looks
what else could stand in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hydro.complaint import Complaint
from hydro.evidence import Evidence
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Hypothesis, Priors
from hydro.readings import Floats
from hydro.resolve import Case, evidence_at, recentred, settle
from hydro.response import Response, by_onset
from hydro.severity import Judged, Scan, scan_severities
from hydro.shortlist import Key, Lead, choose, leads
from hydro.unexplained import unexplained_ratio


@dataclass(frozen=True, slots=True)
class Effort:
    """How far to search.

    Of every generation ``scanned`` hypotheses have their last fault's severity scanned exactly, the best ``fitted`` of
    those all their faults, and the best ``exact`` are solved and linearised at their own state; ``beam`` of them are
    extended by one more fault. The ``named`` likeliest causes are solved in any case.
    """

    scanned: int = 16
    fitted: int = 2
    exact: int = 4
    beam: int = 2
    named: int = 8
    most_faults: int = 3


FAR = 12.0
"""A hypothesis whose log weight is this far below the best is not worth solving."""
WORTH_GROWING = 3.0
"""A generation whose best is this far below the best of all has explained everything already."""

Keys = frozenset[Key]


@dataclass(frozen=True, slots=True)
class Explained:
    """A hypothesis solved and linearised at its own state.

    ``scans``: of each fault, the others as they are; ``told``: log-probability of readings, complaint and severities.
    """

    hypothesis: Hypothesis
    scans: tuple[Scan, ...]
    log_prior: float
    told: float
    evidence: Evidence

    @property
    def log_weight(self) -> float:
        """Return the log of prior × likelihood, severities and onsets summed out."""
        return self.log_prior + self.told + _spread(self.scans)


@dataclass(frozen=True, slots=True)
class Tried:
    """A hypothesis scanned with the linearisation of ``base``, the evidence under the ``standing`` faults."""

    hypothesis: Hypothesis
    scans: tuple[Scan, ...]
    log_prior: float
    base: Evidence
    standing: Hypothesis

    @property
    def log_weight(self) -> float:
        """Return the log weight as far as the scan knows it."""
        return self.log_prior + self.scans[-1].peak + _spread(self.scans)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A hypothesis with its log weight as screening or a scan knows it, beside what its ``parent`` explains already."""

    hypothesis: Hypothesis
    log_weight: float
    parent: Explained
    lead: Lead


@dataclass(frozen=True, slots=True)
class Search:
    """All that was found: ``healthy`` evidence and log weight, exact hypotheses, and those judged more roughly.

    Both are sorted, the likeliest first; no set of causes is in both.
    """

    case: Case
    scene: Scene
    healthy: Evidence
    healthy_log_weight: float
    unexplained_log_weight: float
    explained: tuple[Explained, ...]
    tail: tuple[Weighed, ...]


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


def search(case: Case, scene: Scene, priors: Priors, complaint: Complaint | None, effort: Effort) -> Search:
    """Return the hypotheses worth naming, each with its posterior weight."""
    healthy = settle(case)
    usual = 0.0 if complaint is None else float(_watched(healthy, complaint)[complaint.steps].min())
    asked = _Question(case, scene, healthy, priors.of(scene), priors, complaint, usual, effort)
    ledger = _Ledger(asked)
    ledger.extend(Explained((), (), 0.0, healthy.log_likelihood, healthy))
    for count in range(1, effort.most_faults):
        for parent in ledger.worth_growing(count):
            ledger.extend(parent)
    ledger.swap()
    ledger.solve_named()
    heard = _heard(_watched(healthy, complaint), complaint, usual)
    quiet = float(np.log(max(1e-9, 1.0 - priors.any_fault - priors.unexplained)))
    unknown = float(np.log(priors.unexplained)) + unexplained_ratio(healthy, case.window)
    return Search(
        case=case,
        scene=scene,
        healthy=healthy,
        healthy_log_weight=quiet + healthy.log_likelihood + heard,
        unexplained_log_weight=unknown + healthy.log_likelihood,
        explained=tuple(sorted(ledger.explained.values(), key=lambda one: -one.log_weight)),
        tail=ledger.tail(),
    )


class _Ledger:
    """Every hypothesis looked at, by the causes it names."""

    def __init__(self, asked: _Question) -> None:
        self._asked = asked
        self.explained: dict[Keys, Explained] = {}
        self._weighed: dict[Keys, Weighed] = {}

    def tail(self) -> tuple[Weighed, ...]:
        """Return the hypotheses that were not solved at their own state, the likeliest first."""
        rough = [one for keys, one in self._weighed.items() if keys not in self.explained]
        return tuple(sorted(rough, key=lambda one: -one.log_weight))

    def best(self) -> Explained:
        """Return the likeliest hypothesis solved exactly."""
        return max(self.explained.values(), key=lambda one: one.log_weight)

    def worth_growing(self, count: int) -> list[Explained]:
        """Return the best few hypotheses of ``count`` faults, unless fewer faults explain everything."""
        floor = self.best().log_weight - WORTH_GROWING
        grown = [one for one in self.explained.values() if len(one.hypothesis) == count and one.log_weight > floor]
        return sorted(grown, key=lambda one: -one.log_weight)[: self._asked.effort.beam]

    def swap(self) -> None:
        """Look what could stand in the place of each fault of the best hypothesis.

        All at the departures which that hypothesis makes likeliest: rivals are to be told apart by what they explain,
        not by how near their own state the network happened to be linearised.
        """
        for _ in range(2):
            best = self._polished(self.best())
            for place in range(len(best.hypothesis)):
                self.extend(self._rest(best, place))
            if _keys(self.best().hypothesis) == _keys(best.hypothesis):
                return

    def _polished(self, one: Explained) -> Explained:
        """Return a hypothesis fitted once more, linearised where it makes the departures likeliest."""
        asked = self._asked
        near = recentred(asked.case, one.hypothesis, one.evidence)
        again = _explain(asked, _fit(asked, Tried(one.hypothesis, one.scans, one.log_prior, near, one.hypothesis)))
        self._keep(again)
        return again

    def _rest(self, one: Explained, place: int) -> Explained:
        """Return a hypothesis with one of its faults taken away, solved at the same departures."""
        hypothesis = (*one.hypothesis[:place], *one.hypothesis[place + 1 :])
        scans = (*one.scans[:place], *one.scans[place + 1 :])
        rest = _explain(self._asked, Tried(hypothesis, scans, 0.0, one.evidence, one.hypothesis))
        if hypothesis:
            self._keep(rest)
        return rest

    def solve_named(self) -> None:
        """Solve the best hypothesis of each of the likeliest causes, so that what each costs can be said."""
        asked = self._asked
        best: dict[Key, Explained | Weighed] = {}
        every: list[Explained | Weighed] = [*self.explained.values(), *self.tail()]
        for one in sorted(every, key=lambda one: -one.log_weight):
            for fault in one.hypothesis:
                best.setdefault(fault.key, one)
        top = self.best().log_weight
        for one in list(best.values())[: asked.effort.named]:
            if isinstance(one, Weighed) and one.log_weight > top - FAR and _keys(one.hypothesis) not in self.explained:
                self._keep(_explain(asked, _try(asked, one.parent, one.lead)))

    def extend(self, parent: Explained) -> None:
        """Weigh every hypothesis that has one fault more than the parent, the likeliest ones exactly."""
        asked, standing, base = self._asked, parent.hypothesis, parent.evidence
        rest = {key: one for key, one in asked.believed.items() if key not in _keys(standing)}
        every = leads(base, asked.scene, rest, asked.complaint, asked.usual)
        told = base.log_likelihood + _spread(parent.scans) + _odds(asked, standing)
        for lead in every:
            prior = _log_prior(asked, (*standing, lead.fault)) - lead.log_prior
            self._weigh(Weighed((*standing, lead.fault), prior + told + lead.log_weight, parent, lead))
        lead_of = {lead.key: lead for lead in every}
        tried = self._scan(parent, every)
        for one in tried:
            self._weigh(Weighed(one.hypothesis, one.log_weight, parent, lead_of[one.hypothesis[-1].key]))
        for one in self._worth_solving(tried):
            self._keep(_explain(asked, one))

    def _scan(self, parent: Explained, every: Sequence[Lead]) -> list[Tried]:
        """Return the likeliest hypotheses with their severities scanned, the best first."""
        effort = self._asked.effort
        chosen = choose(every, effort.scanned, every[0].log_weight - FAR)
        tried = sorted((_try(self._asked, parent, lead) for lead in chosen), key=lambda one: -one.log_weight)
        if not parent.hypothesis:
            return tried
        fitted = [_fit(self._asked, one) for one in tried[: effort.fitted]]
        return sorted([*fitted, *tried[effort.fitted :]], key=lambda one: -one.log_weight)

    def _worth_solving(self, tried: Sequence[Tried]) -> list[Tried]:
        """Return the best few of those tried, unless something known is far better."""
        known = [one.log_weight for one in self.explained.values()]
        top = max(known + [one.log_weight for one in tried])
        return [one for one in tried if one.log_weight > top - FAR or not self.explained][: self._asked.effort.exact]

    def _weigh(self, one: Weighed) -> None:
        """Note a rough weight; a later one is a better one, for it stands nearer."""
        self._weighed[_keys(one.hypothesis)] = one

    def _keep(self, one: Explained) -> None:
        known = self.explained.get(_keys(one.hypothesis))
        if known is None or one.log_weight > known.log_weight:
            self.explained[_keys(one.hypothesis)] = one


def _keys(hypothesis: Hypothesis) -> Keys:
    return frozenset(fault.key for fault in hypothesis)


def _spread(scans: Sequence[Scan]) -> float:
    """Return the log of how much of the severities and onsets believed possible explains the readings."""
    return sum(scan.log_width for scan in scans)


def _log_prior(asked: _Question, hypothesis: Hypothesis) -> float:
    """Return the log prior of a hypothesis: given one fault, each other has its own share of another's likelihood."""
    alone = sum(float(np.log(asked.believed[fault.key][1])) for fault in hypothesis)
    relative = float(np.log(asked.priors.another / asked.priors.any_fault))
    return alone + relative * sum(range(len(hypothesis)))


def _odds(asked: _Question, hypothesis: Hypothesis) -> float:
    """Return how likely the severities of a hypothesis are among those of their kinds, as a logarithm."""
    return sum(
        float(fault.kind.log_odds(asked.scene, fault.candidate, np.array([fault.severity]))[0]) for fault in hypothesis
    )


def _try(asked: _Question, parent: Explained, lead: Lead) -> Tried:
    """Scan one more fault's severities beside the parent's faults."""
    standing = parent.hypothesis
    hypothesis = (*standing, lead.fault)
    scan = _scan(asked, parent.evidence, standing, hypothesis, len(standing))
    fault = replace(lead.fault, severity=scan.best, onset=scan.onset)
    log_prior = _log_prior(asked, hypothesis)
    return Tried((*standing, fault), (*parent.scans, scan), log_prior, parent.evidence, standing)


def _fit(asked: _Question, one: Tried) -> Tried:
    """Return a hypothesis with each fault's severity and onset found anew beside the others, the new one's last.

    A fault that was found alone has been bent to explain what the new one explains better.
    """
    hypothesis, scans = list(one.hypothesis), list(one.scans)
    for place in range(len(hypothesis)):
        scan = _scan(asked, one.base, one.standing, tuple(hypothesis), place)
        scans[place] = scan
        hypothesis[place] = replace(hypothesis[place], severity=scan.best, onset=scan.onset)
    return replace(one, hypothesis=tuple(hypothesis), scans=tuple(scans))


def _scan(asked: _Question, base: Evidence, standing: Hypothesis, hypothesis: Hypothesis, place: int) -> Scan:
    """Return the posterior over severity and onset of one fault of a hypothesis, the others as they are."""
    fault = hypothesis[place]
    response = Response(asked.case, base, standing, hypothesis, place)
    beside = _odds(asked, (*hypothesis[:place], *hypothesis[place + 1 :]))

    def judge(severity: float, lower: float, upper: float) -> Judged:
        on = response.on(severity, lower, upper)
        told, departures = by_onset(base, response.off, on)
        odds = beside + _odds(asked, (replace(fault, severity=severity),))
        return Judged(told + odds + _heard_by_onset(asked, base, response.off, on), departures)

    return scan_severities(fault.kind.severities(asked.scene), fault.severity, judge)


def _heard_by_onset(asked: _Question, base: Evidence, off: Floats, on: Floats) -> Floats:
    """Return (T,) log-probability of the complaint for a fault that begins at each step."""
    complaint = asked.complaint
    if complaint is None:
        return np.zeros(len(off))
    plain = _watched(base, complaint)
    without, with_fault = plain + off[:, complaint.row], plain + on[:, complaint.row]
    begun = np.arange(len(off))[:, None] <= complaint.steps[None, :]
    lowest = np.where(begun, with_fault[complaint.steps], without[complaint.steps]).min(axis=1)
    return complaint.log_likelihood(lowest, asked.usual)


def _explain(asked: _Question, one: Tried) -> Explained:
    """Solve and linearise a hypothesis at its own state."""
    evidence = evidence_at(asked.case, one.hypothesis, one.base, one.standing)
    heard = _heard(_watched(evidence, asked.complaint), asked.complaint, asked.usual)
    return Explained(
        hypothesis=one.hypothesis,
        scans=one.scans,
        log_prior=_log_prior(asked, one.hypothesis),
        told=evidence.log_likelihood + heard + _odds(asked, one.hypothesis),
        evidence=evidence,
    )


def _watched(evidence: Evidence, complaint: Complaint | None) -> Floats:
    """Return (T,) modelled pressure at the complaint's node."""
    return np.array([0.0 if complaint is None else one.value[complaint.row] for one in evidence.snapshots])


def _heard(pressure: Floats, complaint: Complaint | None, usual: float) -> float:
    """Return the log-probability of the complaint, 0 where there is none."""
    if complaint is None:
        return 0.0
    return float(complaint.log_likelihood(np.asarray(pressure[complaint.steps].min()), usual))
