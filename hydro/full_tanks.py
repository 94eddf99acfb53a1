"""Tanks at their limits: full or empty ones let nothing in or out, and a level's noise hides whether they are.

A tank that is full shuts its inlet; a hand's breadth below, it takes a good part of what the pumps deliver. A measured
level within its noise of the limit does not say which. The other readings do: heads all over the network differ by
metres between the two. Each such step is solved both ways, and what suits the readings better is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.network import OFF_LIMIT, TANK, Network
from hydro.readings import Floats
from hydro.state import State
from hydro.window import Window

SURELY = 4.0
"""Standard deviations of its level by which a tank is surely off its limit."""
APART = 0.1
"""Ways that differ nowhere by more than this are one [m]."""
SWING, MOST_SWINGS = 0.1, 3
"""Deviation of the log demand of a step as a whole, before its readings are looked at [-], and how many at most."""
TOGETHER = 4
"""How many tanks of a step are decided together at most: each doubles what is solved."""

Flags = NDArray[np.bool_]


def decide(
    engine: Engine, window: Window, conditions: Sequence[Conditions], misfit: float
) -> tuple[list[Floats], Flags]:
    """Return (N,) heads of every step with each tank near a limit at it or off it, and (T,) whether that was in doubt.

    ``misfit``: what the model may be off beyond a reading's noise, as a part of the reading [-].
    """
    network = engine.network
    ways = [_ways(network, window, one, step) for step, one in enumerate(conditions)]
    asked = [
        replace(conditions[step], head=head) for step, every in enumerate(ways) for head in every if len(every) > 1
    ]
    solved = iter(engine.solve_many(asked))
    busier = iter(engine.solve_many([replace(one, demand=one.demand * np.exp(SWING)) for one in asked]))
    heads, doubtful = [every[0] for every in ways], np.zeros(window.steps, dtype=bool)
    for step, every in enumerate(ways):
        if len(every) > 1:
            states = [(next(solved), next(busier)) for _ in every]
            # The first way has every tank off its limit: it stays unless another one is better.
            best = int(np.argmin([_misfit(network, window, *both, step, misfit) for both in states]))
            heads[step] = every[best]
            pressure = np.stack([state.pressure[network.node_kind != TANK] for state, _ in states])
            doubtful[step] = np.ptp(pressure, axis=0).max() > APART
    return heads, doubtful


def _ways(network: Network, window: Window, condition: Conditions, step: int) -> list[Floats]:
    """Return (N,) heads with each tank near a limit off it or at it, in every combination."""
    measured = window.head[step]
    choices: list[tuple[int, float, float]] = []
    for tank in np.flatnonzero((network.node_kind == TANK) & np.isfinite(measured)).tolist():
        level = measured[tank]
        near = SURELY * window.head_deviation[tank]
        full, empty = network.greatest_head[tank], network.least_head[tank]
        if full - level <= near:
            choices.append((tank, min(level, full - OFF_LIMIT), full))
        elif level - empty <= near:
            choices.append((tank, max(level, empty + OFF_LIMIT), empty))
    ways = []
    for chosen in product((0, 1), repeat=min(len(choices), TOGETHER)):
        head = condition.head.copy()
        for at_limit, (tank, off, limit) in zip(chosen, choices, strict=False):
            head[tank] = limit if at_limit else off
        ways.append(head)
    return ways


def _misfit(network: Network, window: Window, state: State, busier: State, step: int, part: float) -> float:
    """Return how badly a state suits a step's readings; no reading has more of a say than a few others.

    Demand as a whole may stand above or below what is believed: with all tanks shut, heads hang on it by many metres.
    ``busier``: the state where it stands ``SWING`` above.
    """
    modelled, read = window.observables.values(state, network), window.value[:, step]
    known = np.isfinite(read)
    spread = np.hypot(window.deviation[known, step], part * np.abs(read[known]))
    grown = (window.observables.values(busier, network) - modelled)[known] / spread
    swings = np.linspace(-MOST_SWINGS, MOST_SWINGS, 8 * MOST_SWINGS + 1)
    off = ((read - modelled)[known] / spread)[:, None] - grown[:, None] * swings
    return float((np.log1p(off**2).sum(axis=0) + 0.5 * swings**2).min())
