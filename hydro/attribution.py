"""Attribution: metres lost at a node, divided among the causes so that the parts add up to the whole.

The Shapley value of a cause is what curing it gives back, averaged over every order in which the causes could be
cured. Every combination is solved exactly: causes act through one another (a blockage costs more where more is drawn).
Source: L. S. Shapley, "A value for n-person games", 1953.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from math import factorial

import numpy as np

from hydro.conditions import Conditions
from hydro.consequences import likely_place
from hydro.diagnosis import Diagnosis
from hydro.evidence import nodes_beyond
from hydro.hypothesis import Fault, Hypothesis
from hydro.mains import Main
from hydro.resolve import conditions_under


@dataclass(frozen=True, slots=True)
class Resize:
    """A main laid anew: inner diameter [m] and roughness in the network's own unit."""

    main: Main
    name: str
    diameter: float
    roughness: float

    def apply(self, conditions: Conditions) -> Conditions:
        """Return the conditions with the main replaced; its minor losses go with the old pipe."""
        links = list(self.main.links)
        diameter, roughness = conditions.diameter.copy(), conditions.roughness.copy()
        diameter[links], roughness[links] = self.diameter, self.roughness
        return replace(conditions, diameter=diameter, roughness=roughness)


Player = Fault | Resize
"""Something that can be cured: a fault, or a main that is too thin."""


@dataclass(frozen=True, slots=True)
class Term:
    """A cause's share of the head lost [m]."""

    player: Player
    head: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """The terms, and what they add up to: ``now`` and ``cured`` pressures [m] at ``node`` in ``step``."""

    node: int
    step: int
    terms: tuple[Term, ...]
    now: float
    cured: float


def attribute(
    diagnosis: Diagnosis, hypothesis: Hypothesis, resizes: Sequence[Resize], node: int, step: int
) -> Attribution:
    """Return the head lost at a node divided among the faults of a hypothesis and the mains too thin."""
    case = diagnosis.found.case
    place = likely_place(case, diagnosis.answering)
    # What customers drew in that very step, as far as the readings tell it from an average one.
    drawn = np.exp(nodes_beyond(diagnosis.answering.evidence, case.window, case.swing, step))
    players: list[Player] = [fault for fault in hypothesis if fault.kind.hydraulic]
    players += resizes
    subsets = list(_subsets(len(players)))

    def conditions(cured: frozenset[int]) -> Conditions:
        left = tuple(fault for one, fault in enumerate(players) if isinstance(fault, Fault) and one not in cured)
        condition = conditions_under(case, place, left, step)
        condition = replace(condition, demand=condition.demand * drawn)
        for one in cured:
            player = players[one]
            if isinstance(player, Resize):
                condition = player.apply(condition)
        return condition

    states = case.engine.solve_many([conditions(subset) for subset in subsets])
    pressure = {subset: float(state.pressure[node]) for subset, state in zip(subsets, states, strict=True)}
    shares = shapley(len(players), lambda cured: pressure[cured])
    return Attribution(
        node=node,
        step=step,
        terms=tuple(Term(player, share) for player, share in zip(players, shares, strict=True)),
        now=pressure[frozenset()],
        cured=pressure[frozenset(range(len(players)))],
    )


def shapley(players: int, value: Callable[[frozenset[int]], float]) -> list[float]:
    """Return each player's Shapley value of a game; they add up to ``value(all) − value(none)``."""
    shares = []
    for player in range(players):
        others = [one for one in range(players) if one != player]
        share = 0.0
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for chosen in combinations(others, size):
                before = frozenset(chosen)
                share += weight * (value(before | {player}) - value(before))
        shares.append(share)
    return shares


def _subsets(count: int) -> chain[frozenset[int]]:
    return chain.from_iterable(
        (frozenset(chosen) for chosen in combinations(range(count), size)) for size in range(count + 1)
    )


def lowest_step(diagnosis: Diagnosis, node: int) -> int:
    """Return the step in which the leading hypothesis leaves the least pressure at a node."""
    evidence = diagnosis.answering.evidence
    first = min(fault.onset for fault in diagnosis.answering.hypothesis)
    pressures = [one.state.pressure[node] for one in evidence.snapshots[first:]]
    return first + int(np.argmin(pressures))
