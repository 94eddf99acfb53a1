"""Tanks at their limits: full or empty ones let nothing in or out, and a level's noise hides whether they are.

A tank that is full shuts its inlet; a hand's breadth below, it takes a good part of what the pumps deliver. A measured
level within its noise of the limit does not say which. The other readings do: heads all over the network differ by
metres between the two. Each such step is solved both ways, and what suits the readings better is believed. Of several
tanks that are doubtful at once, one after the other is turned over as long as that suits the readings better.

A step of several quarters of an hour may hold both: a tank that was full for some of them and not for others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.evidence import Evidence, quadratic
from hydro.network import OFF_LIMIT, TANK, Network
from hydro.readings import Floats
from hydro.window import Window

SURELY = 4.0
"""Standard deviations of its level by which a tank is surely off its limit."""
LIKELY = 2.0
"""A level this many standard deviations off a limit is as likely off it as at it: no tank rests beside its limit."""
MOST_SAY = 10.0
"""How much a step's readings say at most, in units of log-likelihood."""
SWING, MOST_SWINGS = 0.1, 3
"""Deviation of the log demand of a step as a whole, before its readings are looked at [-], and how many at most."""
TOGETHER = 4
"""How many tanks of a step are decided at most."""
PARTS, SELDOM = (0.25, 0.5, 0.75), 1.0
"""For what parts of a step a tank may have been turned over, and how much speaks against such a step beforehand."""
TURNS = 3
"""How often the best way known of a step is looked around at most, one tank turned over."""

Turned = tuple[bool, ...]
"""Of the tanks of a step that are near a limit, which are at it."""


Judge = Callable[[int, Floats, Floats], float]
"""Says how badly modelled values (S,) suit a step's readings; the others are those where demand stands above."""


def decide(
    engine: Engine, window: Window, conditions: Sequence[Conditions], judge: Judge
) -> tuple[list[Floats], Floats]:
    """Return (N,) heads of every step with each tank near a limit at it or off it, and (S, T) doubt in the readings.

    The doubt is by how much readings would be others had it been decided otherwise, as likely as that is [SI].
    """
    near = [_near(engine.network, window, step) for step in range(window.steps)]
    best = [_as_is(one, tanks) for one, tanks in zip(conditions, near, strict=True)]
    tried: list[dict[Turned, _Way]] = [{} for _ in near]
    for _ in range(TURNS):
        wanted = [(step, way) for step, one in enumerate(best) for way in _around(one) if way not in tried[step]]
        asked = [replace(conditions[step], head=_head(conditions[step], near[step], way)) for step, way in wanted]
        busier = [replace(one, demand=one.demand * np.exp(SWING)) for one in asked]
        states = engine.solve_many([*asked, *busier])
        for (step, way), state, more in zip(wanted, states, states[len(asked) :], strict=False):
            values, grown = (window.observables.values(one, engine.network) for one in (state, more))
            odds = judge(step, values, grown) + _odds(near[step], way)
            tried[step][way] = _Way(values, grown, odds)
        best = [_best(ways) for ways in tried]
    heads = [_head(one, tanks, way) for one, tanks, way in zip(conditions, near, best, strict=True)]
    doubt = np.zeros_like(window.value)
    for step, (ways, way) in enumerate(zip(tried, best, strict=True)):
        if ways:
            partly = _mixed(judge, step, near[step], ways, way) if window.weight[step] > 1.0 else []
            doubt[:, step] = _doubt([*ways.values(), *partly], ways[way])
    return heads, doubt


@dataclass(frozen=True, slots=True)
class _Way:
    """What the points read with tanks near a limit off it or at it, and how much speaks against that.

    ``values``: (S,), and ``grown`` where demand stands ``SWING`` above.
    """

    values: Floats
    grown: Floats
    odds: float


@dataclass(frozen=True, slots=True)
class _Near:
    """A tank near a limit: its head [m] off it and at it, and how much its level speaks against the limit."""

    node: int
    off: float
    limit: float
    odds: float


def _around(way: Turned) -> list[Turned]:
    """Return a way and those with one tank turned over; none where no tank is near a limit."""
    return [way, *((*way[:one], not way[one], *way[one + 1 :]) for one in range(len(way)))] if way else []


def _best(ways: Mapping[Turned, _Way]) -> Turned:
    return min(ways, key=lambda way: ways[way].odds, default=())


def _as_is(condition: Conditions, near: Sequence[_Near]) -> Turned:
    return tuple(abs(condition.head[one.node] - one.limit) < OFF_LIMIT for one in near)


def _head(condition: Conditions, near: Sequence[_Near], way: Turned) -> Floats:
    """Return (N,) the heads of a step with its tanks off their limits or at them."""
    head = condition.head.copy()
    for one, at_limit in zip(near, way, strict=True):
        head[one.node] = one.limit if at_limit else one.off
    return head


def _odds(near: Sequence[_Near], way: Turned) -> float:
    """Return how much the tanks' levels speak against a way."""
    return sum(one.odds if at_limit else 0.5 * LIKELY**2 for one, at_limit in zip(near, way, strict=True))


def _mixed(judge: Judge, step: int, near: Sequence[_Near], ways: Mapping[Turned, _Way], best: Turned) -> list[_Way]:
    """Return what the points read in the mean where tanks were turned over for a part of the step."""
    found, one = [], ways[best]
    for way, other in ways.items():
        for part in PARTS if way != best else ():
            values, grown = ((1.0 - part) * mine + part * yours for mine, yours in _pairs(one, other))
            level = 0.5 * (_odds(near, best) + _odds(near, way))
            found.append(_Way(values, grown, judge(step, values, grown) + level + SELDOM))
    return found


def _pairs(one: _Way, other: _Way) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    return (one.values, other.values), (one.grown, other.grown)


def _doubt(ways: Sequence[_Way], best: _Way) -> Floats:
    """Return (S,) by how much readings would be others had it been decided otherwise, as likely as that is."""
    values = np.stack([way.values for way in ways])
    likely = softmax([-way.odds for way in ways])
    return np.asarray(np.sqrt(likely @ (values - best.values) ** 2))


def _near(network: Network, window: Window, step: int) -> list[_Near]:
    """Return the tanks of a step that may be at a limit."""
    measured = window.head[step]
    found = list[_Near]()
    for tank in np.flatnonzero((network.node_kind == TANK) & np.isfinite(measured)).tolist():
        level = measured[tank]
        near = SURELY * window.head_deviation[tank]
        full, empty = network.greatest_head[tank], network.least_head[tank]
        if full - level <= near:
            off, limit = min(level, full - OFF_LIMIT), full
        elif level - empty <= near:
            off, limit = max(level, empty + OFF_LIMIT), empty
        else:
            continue
        found.append(_Near(tank, off, limit, 0.5 * float((level - limit) / window.head_deviation[tank]) ** 2))
    return found[:TOGETHER]


def by_readings(window: Window, misfit: float) -> Judge:
    """Return the judge of a model that is not to be trusted; no reading has more of a say than a few others.

    ``misfit``: what the model may be off beyond a reading's noise, as a part of the reading [-]. Demand as a whole may
    stand above or below what is believed: with all tanks shut, heads hang on it by many metres.
    """
    swings = np.linspace(-MOST_SWINGS, MOST_SWINGS, 8 * MOST_SWINGS + 1)

    def judge(step: int, modelled: Floats, busier: Floats) -> float:
        read = window.value[:, step]
        known = np.isfinite(read)
        spread = np.hypot(window.deviation[known, step], misfit * np.abs(read[known]))
        grown = (busier - modelled)[known] / spread
        off = ((read - modelled)[known] / spread)[:, None] - grown[:, None] * swings
        return float((np.log1p(off**2).sum(axis=0) + 0.5 * swings**2).min())

    return judge


def by_evidence(evidence: Evidence) -> Judge:
    """Return the judge of a model that has learnt from the window; no step has more of a say than ``MOST_SAY``."""
    now = quadratic(evidence, evidence.residual)

    def judge(step: int, modelled: Floats, _busier: Floats) -> float:
        residual = evidence.residual.copy()
        moved = modelled - evidence.snapshots[step].value
        residual[step] -= evidence.whitener[evidence.group[step]] @ moved
        return float(-MOST_SAY * np.tanh((quadratic(evidence, residual) - now) / MOST_SAY))

    return judge
