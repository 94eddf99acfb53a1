"""The ledger of a search: every hypothesis that was looked at, with its posterior weight, however roughly it is known.

A pipe that explains a complaint as well as its neighbour must not lose to it because the neighbour was solved first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

import numpy as np

from hydro.errors import SolveError
from hydro.evidence import Evidence
from hydro.fitting import explain, polished, rest_of
from hydro.hypothesis import Family, Fault, Hypothesis
from hydro.kin import kin
from hydro.resolve import Case, decided_under, evidence_at, placed, tanks_alike
from hydro.shortlist import Key, Lead, choose, leads, unlike
from hydro.weighing import (
    Explained,
    Keys,
    Parent,
    Question,
    Weighed,
    free_width,
    keys_of,
    lead_worth,
    log_prior_of,
    scan_lead,
    severity_odds,
    slackened,
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How far to search.

    Of every generation ``tried`` hypotheses are solved as screening proposes them, the best ``scanned`` of those at
    other severities too, and the best ``exact`` solved and linearised at their own state; ``beam`` of them are extended
    by one more fault. ``near`` of what stands near a fault of the best is scanned beside what screening proposes. The
    ``named`` likeliest causes are solved in any case. Where nothing explains the readings, ``lost`` more are solved,
    and the search begins again ``turns`` times at most, with tanks as one of the best hypotheses has them. Beside the
    best its like is looked for ``spread`` times over.
    """

    tried: int = 24
    scanned: int = 10
    exact: int = 5
    near: int = 6
    lost: int = 12
    turns: int = 2
    spread: int = 2
    beam: int = 1
    named: int = 8
    most_faults: int = 3


MISSED, STIRRED = 20.0, 0.9
"""By how much a scan underrates a hypothesis at most, and that as a part of what it leaves unexplained [-]."""
SURE, DOUBTFUL = 2.0, 1.0
"""By how much screening is off at least, and as a part of what it finds."""
AT_A_LOSS = 200.0
"""Nothing explains the readings where so much of their log-likelihood is missing."""
AT_LEAST = 4
"""So many leads are scanned however far they are from the best."""
NEAR = 5.0
"""A hypothesis that cannot come this near to the best is known well enough as a scan knows it."""
WORTH_NAMING = 5.0
"""A cause whose log weight is this far below the best is listed as a scan knows it."""
FAR = 12.0
"""A hypothesis whose log weight is this far below the best is not worth solving."""
TURN, TURNED = 20.0, 4
"""By how much tanks that are decided anew must explain more, and under how many hypotheses they are."""
WORTH_GROWING = 3.0
"""A generation whose best is this far below the best of all has explained everything already."""

Ranked = TypeVar("Ranked")
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Ledger:
    """Every hypothesis looked at, by the causes it names; ``faultless``: the network without one, wherever solved."""

    def __init__(self, asked: Question, effort: Effort) -> None:
        self.asked, self._effort = asked, effort
        self.explained: dict[Keys, Explained] = {}
        self.faultless: list[Evidence] = []
        self._weighed: dict[Keys, Weighed] = {}

    @property
    def case(self) -> Case:
        """Return what is to be explained."""
        return self.asked.case

    def turned(self) -> Case | None:
        """Return the case with tanks decided anew as one of the best hypotheses has the network.

        None where none of them explains more for it, or where everything is explained.
        """
        if self.best().told > self.asked.enough - TURN:
            return None
        turned, reached = None, self.best().evidence.log_likelihood + TURN
        for hypothesis, evidence in self._likeliest():
            other = solvable(decided_under, self.case, hypothesis, evidence)
            if other is None or tanks_alike(other, self.case):
                continue
            there = solvable(placed, other, hypothesis, evidence, evidence.place)
            if there is not None and there.log_likelihood > reached:
                turned, reached = other, there.log_likelihood
        return turned

    def _likeliest(self) -> Iterator[tuple[Hypothesis, Evidence]]:
        """Return the best few hypotheses, and as a scan has them where that is since another time.

        Where a tank is taken for full that is not, a fault was moved to when that no longer matters.
        """
        for one in sorted(self.explained.values(), key=lambda one: -one.log_weight)[:TURNED]:
            yield one.hypothesis, one.evidence
            scanned = self._weighed[one.keys].hypothesis if one.keys in self._weighed else one.hypothesis
            if [fault.onset for fault in scanned] != [fault.onset for fault in one.hypothesis]:
                evidence = solvable(evidence_at, self.case, scanned, one.evidence, one.hypothesis)
                if evidence is not None:
                    yield scanned, evidence

    def tail(self) -> tuple[Weighed, ...]:
        """Return the hypotheses that were not solved at their own state, the likeliest first.

        None of them is taken to be as likely as the best one solved: what is still so after the likeliest were solved
        was overrated as they were.
        """
        top = self.best().log_weight
        rough = [
            replace(one, log_weight=min(one.log_weight, top - (WORTH_NAMING if one.scanned else FAR)))
            for one in self._rough()
        ]
        return tuple(sorted(rough, key=lambda one: -one.log_weight))

    def _rough(self) -> list[Weighed]:
        """Return the hypotheses that were not solved at their own state."""
        return [one for keys, one in self._weighed.items() if keys not in self.explained]

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
        best = self._polish()
        for place in range(len(best.hypothesis)):
            rest = solvable(rest_of, self.asked, best, place)
            if rest is not None:
                if not rest.hypothesis:
                    self.faultless.append(rest.evidence)
                self.extend(rest, rival=best, swapped=best.hypothesis[place])
        if self.best().log_weight > best.log_weight:
            self._polish()

    def _polish(self) -> Explained:
        """Fit the best hypothesis to the end."""
        known = self.best()
        fitted = solvable(polished, self.asked, known)
        if fitted is not None:
            self._keep(fitted)
        return self.explained[known.keys]

    def solve_named(self) -> None:
        """Solve the best hypothesis of each of the likeliest causes, so that what each costs can be said."""
        best: dict[Key, Explained | Weighed] = {}
        every: list[Explained | Weighed] = [*self.explained.values(), *self._rough()]
        for one in sorted(every, key=lambda one: -one.log_weight):
            for fault in one.hypothesis:
                best.setdefault(fault.key, one)
        top = self.best().log_weight
        for one in list(best.values())[: self._effort.named]:
            if isinstance(one, Weighed) and one.log_weight > top - WORTH_NAMING and one.keys not in self.explained:
                tried = one if one.scanned else solvable(scan_lead, self.asked, one.parent, one.lead)
                exact = None if tried is None else solvable(explain, self.asked, tried)
                if exact is None:
                    self._weighed.pop(one.keys, None)
                else:
                    self._keep(exact)

    def extend(self, explained: Explained, rival: Explained | None = None, swapped: Fault | None = None) -> None:
        """Weigh every hypothesis that has one fault more, the likeliest ones exactly.

        ``rival`` was polished before; what that gave it is given to all that stand beside it. What stands in the place
        of its fault ``swapped`` may be near it in the network, and what is better than the best scanned near that: such
        faults are looked at without being asked of screening.
        """
        asked, standing = self.asked, explained.hypothesis
        if standing:
            self._keep(explained)
        parent = Parent(explained, slackened(explained))
        rest = {key: one for key, one in asked.believed.items() if key not in keys_of(standing)}
        every = leads(parent.evidence, asked.scene, rest, asked.complaint, asked.usual)
        screened = self._as_screened(parent, every)
        promising = self._promising(parent, screened)
        if swapped is None:
            row = None if asked.complaint is None else asked.complaint.row
            promising = unlike(promising, parent.evidence, asked.case.compared, row)
        likely, others = self._worth_scanning(parent, promising)
        if swapped is not None and all(lead.key != swapped.key for lead in likely):
            # Beside its rivals, and from where they start: it may have stopped short of where it explains most.
            likely += [replace(lead, fault=swapped) for lead in every if lead.key == swapped.key]
        tried = self._scanned(parent, likely)
        for fault in _leaders(tried) if swapped is None else [swapped]:
            near = self._near(parent, fault, tried)
            tried = sorted([*tried, *self._scanned(parent, near)], key=lambda one: -one.log_weight)
        solved = self._solve(tried, rival)
        if not standing and self._at_a_loss(solved):
            more = self._scanned(parent, others)
            found = [solvable(explain, asked, one) for one in more[: self._effort.lost]]
            solved |= {one.keys: one for one in found if one is not None}
            tried += more
        if swapped is not None:
            tried, solved = self._spread(parent, tried, solved, rival)
        polish = 0.0
        if rival is not None and rival.keys in solved:
            polish = max(0.0, rival.log_weight - solved[rival.keys].log_weight)
        for exact in solved.values():
            self._keep(replace(exact, told=exact.told + polish))
        # What a scan misses of those solved it misses of the others of its generation too.
        gains = _gains(tried, solved)
        for one in screened:
            self._weigh(replace(one, log_weight=one.log_weight + polish + gains.get(_family(one), 0.0)))
        for one in tried:
            self._weigh(replace(one, log_weight=one.log_weight + polish + gains.get(_family(one), 0.0)))

    def _spread(
        self, parent: Parent, tried: list[Weighed], solved: dict[Keys, Explained], rival: Explained | None
    ) -> tuple[list[Weighed], dict[Keys, Explained]]:
        """Return what was tried and solved, and what stands near any of those that explain as much as the best.

        Readings that cannot tell a main from its neighbour cannot tell that one from the next.
        """
        looked: set[Keys] = set()
        for _ in range(self._effort.spread):
            floor = max((one.log_weight for one in solved.values()), default=0.0) - WORTH_NAMING
            edge = [one for one in solved.values() if one.log_weight > floor and one.keys not in looked]
            looked |= {one.keys for one in edge}
            more = list[Weighed]()
            for one in edge:
                more += self._scanned(parent, self._near(parent, one.hypothesis[-1], [*tried, *more]))
            more.sort(key=lambda one: -one.log_weight)
            tried = sorted([*tried, *more], key=lambda one: -one.log_weight)
            solved = {**solved, **self._solve(more, rival)}
        return tried, solved

    def _promising(self, parent: Parent, screened: Sequence[Weighed]) -> list[Lead]:
        """Return the leads that may come near the best hypothesis known, as far as screening is to be trusted.

        What it says of a fault that explains little is true; the more a fault explains, the further off it may be.
        """
        if not self.explained:
            return [one.lead for one in screened]
        # Beside what screening says of the parent itself, whose severities are as free there as with one fault more.
        standing = parent.explained.hypothesis
        told = parent.evidence.log_likelihood + severity_odds(self.asked, standing)
        alone = log_prior_of(self.asked, standing) + told + free_width(self.asked, standing)
        floor = self.best().log_weight - parent.explained.log_weight + alone
        return [one.lead for one in screened if one.log_weight + _doubt(one.lead) > floor]

    def _as_screened(self, parent: Parent, every: Sequence[Lead]) -> list[Weighed]:
        """Return what screening says of every hypothesis that has one fault more than the parent."""
        asked, standing = self.asked, parent.explained.hypothesis
        width = free_width(asked, standing)
        told = parent.evidence.log_likelihood + severity_odds(asked, standing) + width
        weighed = []
        for lead in every:
            prior = log_prior_of(asked, (*standing, lead.fault)) - lead.log_prior
            weight = prior + told + lead.log_weight
            weighed.append(Weighed((*standing, lead.fault), weight, width, parent, lead, scanned=False))
        return weighed

    def _scanned(self, parent: Parent, some: Sequence[Lead]) -> list[Weighed]:
        """Return the leads scanned, the likeliest first."""
        scans = [solvable(scan_lead, self.asked, parent, lead) for lead in some]
        return sorted((one for one in scans if one is not None), key=lambda one: -one.log_weight)

    def _worths(self, parent: Parent, some: Sequence[Lead]) -> list[tuple[float, Lead]]:
        """Return the leads with what they are worth at a glance, the best first."""
        worths = [(solvable(lead_worth, self.asked, parent, lead), lead) for lead in some]
        return sorted(((worth, lead) for worth, lead in worths if worth is not None), key=lambda one: -one[0])

    def _at_a_loss(self, solved: Mapping[Keys, Explained]) -> bool:
        """Return whether nothing that was solved explains the readings at all: then no scan told what was worth it."""
        best = max((one.told for one in solved.values()), default=-np.inf)
        return best < self.asked.enough - AT_A_LOSS

    def _worth_scanning(self, parent: Parent, every: Sequence[Lead]) -> tuple[list[Lead], list[Lead]]:
        """Return the best few leads and the best of every kind that may come near them, and the other good ones."""
        chosen = choose(every, self._effort.tried, every[0].log_weight - FAR) if every else []
        solved = self._worths(parent, chosen)
        if not solved:
            return [], []
        floor = solved[0][0] - self._missed_at_most(solved[0][0], solved[0][0])
        near = [lead for place, (worth, lead) in enumerate(solved) if worth > floor or place < AT_LEAST]
        likely = _some_of_each(near, _family_of_lead, self._effort.scanned)
        return likely, [lead for _, lead in solved if lead not in likely]

    def _near(self, parent: Parent, fault: Fault, known: Sequence[Weighed]) -> list[Lead]:
        """Return the best few leads near a fault that are not known yet."""
        beside = {fault.key, *(one.lead.key for one in known), *keys_of(parent.explained.hypothesis)}
        others = [one for one in kin(self.asked, fault) if one.key not in beside]
        return [lead for _, lead in self._worths(parent, others)[: self._effort.near]]

    def _solve(self, tried: Sequence[Weighed], rival: Explained | None) -> dict[Keys, Explained]:
        """Solve the best few of those tried, and the best of every kind, as long as they may come near the best.

        What a scan underrates one by it underrates others of its kind by as well. Beside a ``rival`` known far better
        than any scan says, nothing is known before one is solved.
        """
        solved: dict[Keys, Explained] = {}
        missed: dict[Family, float] = {}
        best = self.best().log_weight if self.explained and rival is None else -np.inf
        for one in _some_of_each(tried, _family, self._effort.exact):
            hoped = one.log_weight + max(missed.get(_family(one), 0.0), self._missed_at_most(one.log_weight, best))
            if hoped > best - NEAR:
                exact = solvable(explain, self.asked, one)
                if exact is None:
                    continue
                solved[one.keys] = exact
                best = max(best, exact.log_weight)
                missed[_family(one)] = max(missed.get(_family(one), 0.0), exact.log_weight - one.log_weight)
        return solved

    def _missed_at_most(self, log_weight: float, best: float) -> float:
        """Return by how much a scan may underrate a hypothesis: by more, the more it leaves unexplained.

        ``best``: the log weight of what explains most so far.
        """
        return MISSED + STIRRED * max(0.0, max(self.asked.enough, best) - log_weight)

    def _weigh(self, one: Weighed) -> None:
        """Note a rough weight; a later one is a better one, for it stands nearer, unless the one before was scanned."""
        known = self._weighed.get(one.keys)
        if known is None or one.scanned or not known.scanned:
            self._weighed[one.keys] = one

    def _keep(self, one: Explained) -> None:
        known = self.explained.get(one.keys)
        if known is None or one.log_weight > known.log_weight:
            self.explained[one.keys] = one


def solvable(question: Callable[Asked, Answer], *asked: Asked.args, **more: Asked.kwargs) -> Answer | None:
    """Return what a question gives, None where EPANET finds no state: no network works as such a hypothesis has it."""
    try:
        return question(*asked, **more)
    except SolveError:
        return None


def _doubt(lead: Lead) -> float:
    """Return by how much screening may be off [-]."""
    return max(SURE, DOUBTFUL * abs(lead.log_weight - lead.log_prior))


def _family(one: Weighed) -> Family:
    return one.hypothesis[-1].family


def _family_of_lead(lead: Lead) -> Family:
    return lead.fault.family


def _leaders(tried: Sequence[Weighed]) -> list[Fault]:
    """Return the last fault of the best of each family, of those that may be as good as the best of all."""
    best: dict[Family, Weighed] = {}
    for one in tried:
        if one.log_weight > tried[0].log_weight - WORTH_NAMING:
            best.setdefault(_family(one), one)
    return [one.hypothesis[-1] for one in best.values()]


def _some_of_each(found: Sequence[Ranked], family: Callable[[Ranked], Family], most: int) -> list[Ranked]:
    """Return the first ``most``, and the best of every family beyond."""
    chosen = list(found[:most])
    seen = {family(one) for one in chosen}
    for one in found[most:]:
        if family(one) not in seen:
            chosen.append(one)
            seen.add(family(one))
    return chosen


def _gains(tried: Sequence[Weighed], solved: Mapping[Keys, Explained]) -> dict[Family, float]:
    """Return by family what a scan misses of the hypotheses solved: in the middle."""
    missed: dict[Family, list[float]] = {}
    for one in tried:
        exact = solved.get(one.keys)
        if exact is not None:
            missed.setdefault(_family(one), []).append(exact.log_weight - one.log_weight)
    return {kind: float(np.median(values)) for kind, values in missed.items()}
