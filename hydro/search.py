"""The search for hypotheses that explain a window.

Every hypothesis that was looked at stands in a ledger with its posterior weight, however roughly it is known: a pipe
that explains a complaint as well as its neighbour must not lose to it because the neighbour was solved first. The
search grows the best hypotheses by a fault at a time, then takes each fault of the best one away in turn and looks
what else could stand in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from hydro.complaint import Complaint
from hydro.evidence import Evidence
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Hypothesis, Priors
from hydro.readings import Floats
from hydro.resolve import Case, at_rest, evidence_at, recentred, settle
from hydro.response import SLACK, ByOnset, Response, by_onset, slack
from hydro.severity import Judge, Scan, scan_severities
from hydro.shortlist import Key, Lead, choose, leads
from hydro.unexplained import unexplained_ratio


@dataclass(frozen=True, slots=True)
class Effort:
    """How far to search.

    Of every generation ``tried`` hypotheses are solved as screening proposes them, the best ``scanned`` of those at
    other severities too, and the best ``exact`` solved and linearised at their own state; ``beam`` of them are extended
    by one more fault. The ``named`` likeliest causes are solved in any case.
    """

    tried: int = 16
    scanned: int = 8
    exact: int = 6
    beam: int = 2
    named: int = 8
    most_faults: int = 3


FREE = 2.0
"""How far a severity known already moves at most, in standard deviations of its slack."""
ROUNDS, SETTLED = 4, 0.02
"""How often departures and severities are fitted in turn at most, and the relative change that is none."""
GAINED = 0.05
"""A step that explains less more than this is not taken."""
STIRRED = 100.0
"""How much a scan at most holds against a fault whose noise it does not know."""
FAR = 12.0
"""A hypothesis whose log weight is this far below the best is not worth solving."""
WORTH_GROWING = 3.0
"""A generation whose best is this far below the best of all has explained everything already."""

Keys = frozenset[Key]
Ranked = TypeVar("Ranked")


@dataclass(frozen=True, slots=True)
class Explained:
    """A hypothesis solved and linearised at its own state.

    ``told``: log-probability of readings, complaint and severities at their likeliest; ``log_width``: log of how much
    of the severities and onsets believed possible explains the readings.
    """

    hypothesis: Hypothesis
    log_prior: float
    told: float
    log_width: float
    evidence: Evidence

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


@dataclass(frozen=True, slots=True)
class Question:
    """What a search is about; the same for every hypothesis."""

    case: Case
    scene: Scene
    believed: Mapping[Key, tuple[Candidate, float]]
    priors: Priors
    complaint: Complaint | None
    usual: float
    effort: Effort


@dataclass(frozen=True, slots=True)
class Search:
    """All that was found: ``healthy`` evidence and log weight, exact hypotheses, and those judged more roughly.

    Both are sorted, the likeliest first; no set of causes is in both.
    """

    asked: Question
    healthy: Evidence
    healthy_log_weight: float
    unexplained_log_weight: float
    explained: tuple[Explained, ...]
    tail: tuple[Weighed, ...]

    @property
    def case(self) -> Case:
        """Return what was explained."""
        return self.asked.case


def search(case: Case, scene: Scene, priors: Priors, complaint: Complaint | None, effort: Effort) -> Search:
    """Return the hypotheses worth naming, each with its posterior weight."""
    healthy, rest = settle(case), at_rest(case)
    usual = 0.0 if complaint is None else float(_watched(rest, complaint)[complaint.steps].min())
    asked = Question(case, scene, priors.of(scene), priors, complaint, usual, effort)
    ledger = _Ledger(asked)
    ledger.extend(Explained((), 0.0, rest.log_likelihood, 0.0, rest))
    for count in range(1, effort.most_faults):
        for one in ledger.worth_growing(count):
            ledger.extend(one)
    ledger.swap()
    ledger.solve_named()
    heard = _heard(_watched(healthy, complaint), complaint, usual)
    quiet = float(np.log(max(1e-9, 1.0 - priors.any_fault - priors.unexplained)))
    unknown = float(np.log(priors.unexplained)) + unexplained_ratio(healthy, case.window)
    return Search(
        asked=asked,
        healthy=healthy,
        healthy_log_weight=quiet + healthy.log_likelihood + heard,
        unexplained_log_weight=unknown + healthy.log_likelihood,
        explained=tuple(sorted(ledger.explained.values(), key=lambda one: -one.log_weight)),
        tail=ledger.tail(),
    )


class _Ledger:
    """Every hypothesis looked at, by the causes it names."""

    def __init__(self, asked: Question) -> None:
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
            best = _polished(self._asked, self.best())
            self._keep(best)
            for place in range(len(best.hypothesis)):
                self.extend(_rest(self._asked, best, place), rival=best)
            if _keys(self.best().hypothesis) == _keys(best.hypothesis):
                return

    def solve_named(self) -> None:
        """Solve the best hypothesis of each of the likeliest causes, so that what each costs can be said."""
        best: dict[Key, Explained | Weighed] = {}
        every: list[Explained | Weighed] = [*self.explained.values(), *self.tail()]
        for one in sorted(every, key=lambda one: -one.log_weight):
            for fault in one.hypothesis:
                best.setdefault(fault.key, one)
        top = self.best().log_weight
        for one in list(best.values())[: self._asked.effort.named]:
            if isinstance(one, Weighed) and one.log_weight > top - FAR and _keys(one.hypothesis) not in self.explained:
                tried = one if one.scanned else _try(self._asked, one.parent, one.lead)
                self._keep(_explain(self._asked, tried))

    def extend(self, explained: Explained, rival: Explained | None = None) -> None:
        """Weigh every hypothesis that has one fault more, the likeliest ones exactly.

        ``rival`` was polished before; what that gave it is given to all that stand beside it.
        """
        asked, standing = self._asked, explained.hypothesis
        if standing:
            self._keep(explained)
        parent = Parent(explained, _slackened(asked, explained))
        rest = {key: one for key, one in asked.believed.items() if key not in _keys(standing)}
        every = leads(parent.evidence, asked.scene, rest, asked.complaint, asked.usual)
        chosen = choose(every, asked.effort.tried, every[0].log_weight - FAR) if every else []
        near = sorted(((_worth(asked, parent, lead), place) for place, lead in enumerate(chosen)), reverse=True)
        likely = _some_of_each([chosen[place] for _, place in near], _kind_of_lead, asked.effort.scanned)
        tried = sorted((_try(asked, parent, lead) for lead in likely), key=lambda one: -one.log_weight)
        solved = {_keys(one.hypothesis): _explain(asked, one) for one in self._worth_solving(tried, rival)}
        polish = 0.0
        if rival is not None and _keys(rival.hypothesis) in solved:
            polish = max(0.0, rival.log_weight - solved[_keys(rival.hypothesis)].log_weight)
        for exact in solved.values():
            self._keep(replace(exact, told=exact.told + polish))
        # What a scan misses of those solved it misses of the others of its generation too.
        gains = _gains(tried, solved)
        self._weigh_leads(parent, every, {kind: polish + gain for kind, gain in gains.items()})
        for one in tried:
            self._weigh(replace(one, log_weight=one.log_weight + polish + gains.get(_kind(one), 0.0)))

    def _weigh_leads(self, parent: Parent, every: Sequence[Lead], gains: Mapping[str, float]) -> None:
        """Note what screening says of every hypothesis that has one fault more than the parent."""
        asked, standing = self._asked, parent.explained.hypothesis
        width = _free_width(asked, standing)
        told = parent.evidence.log_likelihood + _odds(asked, standing) + width
        for lead in every:
            prior = _log_prior(asked, (*standing, lead.fault)) - lead.log_prior
            weight = prior + told + lead.log_weight + gains.get(lead.fault.candidate.kind, 0.0)
            self._weigh(Weighed((*standing, lead.fault), weight, width, parent, lead, scanned=False))

    def _worth_solving(self, tried: Sequence[Weighed], rival: Explained | None) -> list[Weighed]:
        """Return the best few of those tried, unless something known is far better than all of them.

        A ``rival`` stands among those tried: what a scan misses of it, it misses of the others.
        """
        known = max((one.log_weight for one in self.explained.values()), default=-np.inf)
        if rival is not None:
            known = min([known, *(one.log_weight for one in tried if _keys(one.hypothesis) == _keys(rival.hypothesis))])
        if not tried or tried[0].log_weight < known - 2.0 * FAR:
            return []
        near = [one for one in tried if one.log_weight > tried[0].log_weight - STIRRED]
        return _some_of_each(near, _kind, self._asked.effort.exact)

    def _weigh(self, one: Weighed) -> None:
        """Note a rough weight; a later one is a better one, for it stands nearer, unless the one before was scanned."""
        known = self._weighed.get(_keys(one.hypothesis))
        if known is None or one.scanned or not known.scanned:
            self._weighed[_keys(one.hypothesis)] = one

    def _keep(self, one: Explained) -> None:
        known = self.explained.get(_keys(one.hypothesis))
        if known is None or one.log_weight > known.log_weight:
            self.explained[_keys(one.hypothesis)] = one


def _kind(one: Weighed) -> str:
    return one.hypothesis[-1].candidate.kind


def _kind_of_lead(lead: Lead) -> str:
    return lead.fault.candidate.kind


def _some_of_each(found: Sequence[Ranked], kind: Callable[[Ranked], str], most: int) -> list[Ranked]:
    """Return the first ``most``, and the best of every kind beyond."""
    chosen = list(found[:most])
    seen = {kind(one) for one in chosen}
    for one in found[most:]:
        if kind(one) not in seen:
            chosen.append(one)
            seen.add(kind(one))
    return chosen


def _gains(tried: Sequence[Weighed], solved: Mapping[Keys, Explained]) -> dict[str, float]:
    """Return by kind what a scan misses of the hypotheses solved: in the middle."""
    missed: dict[str, list[float]] = {}
    for one in tried:
        exact = solved.get(_keys(one.hypothesis))
        if exact is not None:
            missed.setdefault(_kind(one), []).append(exact.log_weight - one.log_weight)
    return {kind: float(np.median(values)) for kind, values in missed.items()}


def rescan(asked: Question, explained: Explained, place: int) -> tuple[Scan, Evidence]:
    """Return the posterior over one fault's severity at the hypothesis' own state, and the evidence it was found with.

    The other faults' severities are free to move beside it: in the evidence they stand in the order of the hypothesis.
    """
    hypothesis, base = explained.hypothesis, explained.evidence
    others = [one for one in range(len(hypothesis)) if one != place]
    freed = base.with_beside(slack(asked.case, base, hypothesis, hypothesis, others))
    return _scan(asked, freed, hypothesis, hypothesis, place), freed


def _polished(asked: Question, one: Explained) -> Explained:
    """Return a hypothesis fitted where it makes the departures likeliest, which moves as severities do."""
    fitted = one
    for _ in range(ROUNDS):
        before = [abs(fault.severity) for fault in fitted.hypothesis]
        fitted = replace(fitted, evidence=recentred(asked.case, fitted.hypothesis, fitted.evidence))
        fitted = _fitted(asked, fitted)
        if np.allclose(before, [abs(fault.severity) for fault in fitted.hypothesis], rtol=SETTLED, atol=0.0):
            break
    free = range(len(one.hypothesis) - 1)
    return _told(asked, fitted.hypothesis, one.log_prior, one.log_width, fitted.evidence, free)


def _fitted(asked: Question, one: Explained, rounds: int = 3) -> Explained:
    """Return a hypothesis with all severities moved together to where readings and departures want them."""
    for _ in range(rounds):
        shifts = _slackened(asked, one).beside.mean
        hypothesis = _shifted(asked, one.hypothesis, range(len(one.hypothesis)), shifts)
        evidence = evidence_at(asked.case, hypothesis, one.evidence, one.hypothesis)
        moved = _told(asked, hypothesis, one.log_prior, one.log_width, evidence, ())
        if moved.told < _told(asked, one.hypothesis, one.log_prior, one.log_width, one.evidence, ()).told + GAINED:
            return one
        one = moved
    return one


def _rest(asked: Question, one: Explained, place: int) -> Explained:
    """Return a hypothesis with one of its faults taken away, solved at the same departures."""
    hypothesis = (*one.hypothesis[:place], *one.hypothesis[place + 1 :])
    evidence = evidence_at(asked.case, hypothesis, one.evidence, one.hypothesis)
    prior = _log_prior(asked, hypothesis) if hypothesis else 0.0
    free = range(len(hypothesis))
    return _told(asked, hypothesis, prior, _free_width(asked, hypothesis), evidence, free)


def _keys(hypothesis: Hypothesis) -> Keys:
    return frozenset(fault.key for fault in hypothesis)


def _free_width(asked: Question, hypothesis: Hypothesis) -> float:
    """Return the log of the share of their prior range that ``SLACK`` spans, for faults that are free to move.

    Their onsets stand: each is one of as many as the window has steps.
    """
    total = 0.0
    for fault in hypothesis:
        grid = np.abs(fault.kind.severities(asked.scene))
        span = float(np.log(grid.max() / grid.min()))
        total += min(0.0, float(np.log(SLACK * np.sqrt(2 * np.pi) / span))) - float(np.log(asked.case.window.steps))
    return total


def _log_prior(asked: Question, hypothesis: Hypothesis) -> float:
    """Return the log prior of a hypothesis: given one fault, each other has its own share of another's likelihood."""
    alone = sum(float(np.log(asked.believed[fault.key][1])) for fault in hypothesis)
    relative = float(np.log(asked.priors.another / asked.priors.any_fault))
    return alone + relative * sum(range(len(hypothesis)))


def _odds(asked: Question, hypothesis: Hypothesis) -> float:
    """Return how likely the severities of a hypothesis are among those of their kinds, as a logarithm."""
    return sum(
        float(fault.kind.log_odds(asked.scene, fault.candidate, np.array([fault.severity]))[0]) for fault in hypothesis
    )


def _slackened(asked: Question, explained: Explained) -> Evidence:
    """Return the evidence of a hypothesis with the severities of all its faults free to move."""
    hypothesis, base = explained.hypothesis, explained.evidence
    places = range(len(hypothesis))
    return base.with_beside(slack(asked.case, base, hypothesis, hypothesis, places)) if hypothesis else base


def _try(asked: Question, parent: Parent, lead: Lead) -> Weighed:
    """Scan one more fault's severities beside the parent's faults, and move those to where they suit it."""
    standing = parent.explained.hypothesis
    hypothesis = (*standing, lead.fault)
    scan = _scan(asked, parent.evidence, standing, hypothesis, len(standing))
    width = scan.log_width + _free_width(asked, standing)
    weight = _log_prior(asked, hypothesis) + scan.peak + width
    return Weighed(_moved(asked, hypothesis, len(standing), scan), weight, width, parent, lead, scanned=True)


def _worth(asked: Question, parent: Parent, lead: Lead) -> float:
    """Return the log weight of a lead, solved at the severity that screening proposes alone."""
    standing = parent.explained.hypothesis
    hypothesis = (*standing, lead.fault)
    told = _judge(asked, parent.evidence, standing, hypothesis, len(standing))
    severity = lead.fault.severity
    return lead.log_prior + float(told(severity, severity, severity).log_likelihood.max())


def _moved(asked: Question, hypothesis: Hypothesis, place: int, scan: Scan) -> Hypothesis:
    """Return the hypothesis with one fault at its likeliest severity and onset and the others where they suit it."""
    others = [one for one in range(len(hypothesis)) if one != place]
    moved = list(_shifted(asked, hypothesis, others, scan.beside[scan.likeliest]))
    moved[place] = replace(hypothesis[place], severity=scan.best, onset=scan.onset)
    return tuple(moved)


def _shifted(asked: Question, hypothesis: Hypothesis, places: Sequence[int], shifts: Floats) -> Hypothesis:
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
    return scan_severities(fault.kind.severities(asked.scene), fault.severity, judge)


def _judge(asked: Question, base: Evidence, standing: Hypothesis, hypothesis: Hypothesis, place: int) -> Judge:
    """Return what judges the severities of one fault of a hypothesis beside the others."""
    fault = hypothesis[place]
    response = Response(asked.case, base, standing, hypothesis, place)
    beside = _odds(asked, (*hypothesis[:place], *hypothesis[place + 1 :]))

    def judge(severity: float, lower: float, upper: float) -> ByOnset:
        on = response.on(severity, lower, upper)
        judged = by_onset(base, response.off, on)
        odds = beside + _odds(asked, (replace(fault, severity=severity),))
        heard = _heard_by_onset(asked, base, response.off, on)
        return replace(judged, log_likelihood=judged.log_likelihood + odds + heard)

    return judge


def _heard_by_onset(asked: Question, base: Evidence, off: Floats, on: Floats) -> Floats:
    """Return (T,) log-probability of the complaint for a fault that begins at each step."""
    complaint = asked.complaint
    if complaint is None:
        return np.zeros(len(off))
    plain = _watched(base, complaint)
    without, with_fault = plain + off[:, complaint.row], plain + on[:, complaint.row]
    begun = np.arange(len(off))[:, None] <= complaint.steps[None, :]
    lowest = np.where(begun, with_fault[complaint.steps], without[complaint.steps]).min(axis=1)
    return complaint.log_likelihood(lowest, asked.usual)


def _explain(asked: Question, one: Weighed) -> Explained:
    """Solve and linearise a hypothesis at its own state, where it makes departures and zones likeliest."""
    standing = one.parent.explained.hypothesis
    evidence = evidence_at(asked.case, one.hypothesis, one.parent.explained.evidence, standing)
    evidence = recentred(asked.case, one.hypothesis, evidence)
    there = Explained(one.hypothesis, _log_prior(asked, one.hypothesis), 0.0, one.log_width, evidence)
    there = _fitted(asked, there, rounds=1)
    return _told(asked, there.hypothesis, there.log_prior, one.log_width, there.evidence, range(len(standing)))


def _told(
    asked: Question,
    hypothesis: Hypothesis,
    log_prior: float,
    log_width: float,
    evidence: Evidence,
    free: Sequence[int],
) -> Explained:
    """Return a hypothesis with what it makes of readings and complaint, some of its severities ``free`` to move."""
    freed = evidence
    if free:
        freed = evidence.with_beside(slack(asked.case, evidence, hypothesis, hypothesis, free))
    heard = _heard(_watched(evidence, asked.complaint), asked.complaint, asked.usual)
    told = freed.log_likelihood + heard + _odds(asked, hypothesis)
    return Explained(hypothesis, log_prior, told, log_width, evidence)


def _watched(evidence: Evidence, complaint: Complaint | None) -> Floats:
    """Return (T,) modelled pressure at the complaint's node."""
    return np.array([0.0 if complaint is None else one.value[complaint.row] for one in evidence.snapshots])


def _heard(pressure: Floats, complaint: Complaint | None, usual: float) -> float:
    """Return the log-probability of the complaint, 0 where there is none."""
    if complaint is None:
        return 0.0
    return float(complaint.log_likelihood(np.asarray(pressure[complaint.steps].min()), usual))
