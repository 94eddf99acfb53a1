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
from hydro.faults import Scene
from hydro.hypothesis import Priors
from hydro.resolve import Case, at_rest, settle
from hydro.shortlist import Key, Lead, choose, leads
from hydro.unexplained import unexplained_ratio
from hydro.weighing import (
    Explained,
    Keys,
    Parent,
    Question,
    Weighed,
    complaint_odds,
    explain,
    free_width,
    keys_of,
    lead_worth,
    log_prior_of,
    polished,
    rest_of,
    scan_lead,
    severity_odds,
    slackened,
    watched_pressure,
)


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


STIRRED = 100.0
"""How much a scan at most holds against a fault whose noise it does not know."""
PROMISED = 50.0
"""How much more a scan at most finds than screening, or the severity that it proposes, promises."""
NEAR = 5.0
"""A hypothesis that cannot come this near to the best is known well enough as a scan knows it."""
FAR = 12.0
"""A hypothesis whose log weight is this far below the best is not worth solving."""
WORTH_GROWING = 3.0
"""A generation whose best is this far below the best of all has explained everything already."""

Ranked = TypeVar("Ranked")


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
    # Where zones alone explain more than departures do, the network has not settled: that is health as well.
    healthy = max(healthy, rest, key=lambda one: one.log_likelihood)
    usual = 0.0 if complaint is None else float(watched_pressure(rest, complaint)[complaint.steps].min())
    asked = Question(case, scene, priors.of(scene), priors, complaint, usual)
    ledger = _Ledger(asked, effort)
    ledger.extend(Explained((), 0.0, rest.log_likelihood, 0.0, rest, slack=np.zeros((*rest.residual.shape, 0))))
    for count in range(1, effort.most_faults):
        for one in ledger.worth_growing(count):
            ledger.extend(one)
    ledger.swap()
    ledger.solve_named()
    heard = complaint_odds(watched_pressure(healthy, complaint), complaint, usual)
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

    def __init__(self, asked: Question, effort: Effort) -> None:
        self._asked, self._effort = asked, effort
        self.explained: dict[Keys, Explained] = {}
        self._weighed: dict[Keys, Weighed] = {}
        self._missed: dict[str, float] = {}

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
        return sorted(grown, key=lambda one: -one.log_weight)[: self._effort.beam]

    def swap(self) -> None:
        """Look what could stand in the place of each fault of the best hypothesis.

        All at the departures which that hypothesis makes likeliest: rivals are to be told apart by what they explain,
        not by how near their own state the network happened to be linearised.
        """
        for _ in range(2):
            best = polished(self._asked, self.best())
            self._keep(best)
            for place in range(len(best.hypothesis)):
                self.extend(rest_of(self._asked, best, place), rival=best)
            if self.best().keys == best.keys:
                return

    def solve_named(self) -> None:
        """Solve the best hypothesis of each of the likeliest causes, so that what each costs can be said."""
        best: dict[Key, Explained | Weighed] = {}
        every: list[Explained | Weighed] = [*self.explained.values(), *self.tail()]
        for one in sorted(every, key=lambda one: -one.log_weight):
            for fault in one.hypothesis:
                best.setdefault(fault.key, one)
        top = self.best().log_weight
        for one in list(best.values())[: self._effort.named]:
            if isinstance(one, Weighed) and one.log_weight > top - FAR and one.keys not in self.explained:
                tried = one if one.scanned else scan_lead(self._asked, one.parent, one.lead)
                self._keep(explain(self._asked, tried))

    def extend(self, explained: Explained, rival: Explained | None = None) -> None:
        """Weigh every hypothesis that has one fault more, the likeliest ones exactly.

        ``rival`` was polished before; what that gave it is given to all that stand beside it.
        """
        asked, standing = self._asked, explained.hypothesis
        if standing:
            self._keep(explained)
        parent = Parent(explained, slackened(explained))
        rest = {key: one for key, one in asked.believed.items() if key not in keys_of(standing)}
        every = leads(parent.evidence, asked.scene, rest, asked.complaint, asked.usual)
        likely = self._worth_scanning(parent, every)
        tried = sorted((scan_lead(asked, parent, lead) for lead in likely), key=lambda one: -one.log_weight)
        solved = self._solve(tried, rival)
        polish = 0.0
        if rival is not None and rival.keys in solved:
            polish = max(0.0, rival.log_weight - solved[rival.keys].log_weight)
        for exact in solved.values():
            self._keep(replace(exact, told=exact.told + polish))
        # What a scan misses of those solved it misses of the others of its generation too.
        gains = _gains(tried, solved)
        self._weigh_leads(parent, every, {kind: polish + gain for kind, gain in gains.items()})
        for one in tried:
            self._weigh(replace(one, log_weight=one.log_weight + polish + gains.get(_kind(one), 0.0)))

    def _worth_scanning(self, parent: Parent, every: Sequence[Lead]) -> list[Lead]:
        """Return the best few leads, and the best of every kind that may come anywhere near them."""
        chosen = choose(every, self._effort.tried, every[0].log_weight - FAR) if every else []
        told = parent.evidence.log_likelihood
        solved = [(lead_worth(self._asked, parent, lead), lead) for lead in chosen]
        ranked = [lead for _, lead in sorted(solved, key=lambda one: -one[0])]
        promised = {lead.key: max(worth, told + lead.log_weight) for worth, lead in solved}
        likely = _some_of_each(ranked, _kind_of_lead, self._effort.scanned)
        floor = max((promised[lead.key] for lead in likely), default=0.0) - STIRRED - PROMISED
        return [lead for lead in likely if promised[lead.key] > floor]

    def _solve(self, tried: Sequence[Weighed], rival: Explained | None) -> dict[Keys, Explained]:
        """Solve the best few of those tried, and the best of every kind, as long as they may come near the best.

        What a scan misses is much the same for all of a kind and a generation, so the first one solved tells what to
        hope for of the next, and before it what the kind's were found to be beside other faults. Beside a ``rival``
        known far better than any scan says, nothing is known before one is solved.
        """
        solved: dict[Keys, Explained] = {}
        missed: dict[str, float] = {}
        usual = self._missed if rival is None else {}
        best = self.best().log_weight if self.explained and rival is None else -np.inf
        near = [one for one in tried if one.log_weight > tried[0].log_weight - STIRRED]
        for one in _some_of_each(near, _kind, self._effort.exact):
            kind = _kind(one)
            if one.log_weight + missed.get(kind, usual.get(kind, STIRRED)) < best - NEAR:
                continue
            exact = solved[one.keys] = explain(self._asked, one)
            best = max(best, exact.log_weight)
            missed[kind] = max(exact.log_weight - one.log_weight, missed.get(kind, -np.inf))
        if len(near) and len(near[0].hypothesis) > 1:
            self._missed.update(missed)
        return solved

    def _weigh_leads(self, parent: Parent, every: Sequence[Lead], gains: Mapping[str, float]) -> None:
        """Note what screening says of every hypothesis that has one fault more than the parent."""
        asked, standing = self._asked, parent.explained.hypothesis
        width = free_width(asked, standing)
        told = parent.evidence.log_likelihood + severity_odds(asked, standing) + width
        for lead in every:
            prior = log_prior_of(asked, (*standing, lead.fault)) - lead.log_prior
            weight = prior + told + lead.log_weight + gains.get(lead.fault.candidate.kind, 0.0)
            self._weigh(Weighed((*standing, lead.fault), weight, width, parent, lead, scanned=False))

    def _weigh(self, one: Weighed) -> None:
        """Note a rough weight; a later one is a better one, for it stands nearer, unless the one before was scanned."""
        known = self._weighed.get(one.keys)
        if known is None or one.scanned or not known.scanned:
            self._weighed[one.keys] = one

    def _keep(self, one: Explained) -> None:
        known = self.explained.get(one.keys)
        if known is None or one.log_weight > known.log_weight:
            self.explained[one.keys] = one


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
        exact = solved.get(one.keys)
        if exact is not None:
            missed.setdefault(_kind(one), []).append(exact.log_weight - one.log_weight)
    return {kind: float(np.median(values)) for kind, values in missed.items()}
