"""What a cause costs: metres of head at a node, and at every customer, with an interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.diagnosis import Cause, Diagnosis
from hydro.evidence import Evidence, Place
from hydro.hypothesis import Fault, Hypothesis
from hydro.readings import Floats
from hydro.resolve import Case, conditions_under
from hydro.search import Explained

MARGINAL = 0.2
"""A scan holds the other faults fixed; severities that trade against one another vary several times as
much: the power to which its weights are raised [-]."""
DRAWS = 60
"""How many worlds are drawn from the posterior for an interval."""


@dataclass(frozen=True, slots=True)
class HeadLost:
    """Head [m] that curing one cause alone would give back at ``node``, at the worst ``step`` of the window.

    ``interval``: 5th and 95th percentile; ``everywhere``: (N,) [m] at every node in that step.
    """

    node: int
    step: int
    metres: float
    interval: tuple[float, float]
    everywhere: Floats


def likely_place(case: Case, explained: Explained) -> Place:
    """Return the working point moved to the departures that the hypothesis makes likeliest."""
    return place_of(case, explained.evidence)


def place_of(case: Case, evidence: Evidence) -> Place:
    """Return the working point moved to the departures that the evidence makes likeliest."""
    departures = case.departures.mean + case.departures.root @ evidence.mean
    return Place(departures, evidence.place.zones)


def head_lost(diagnosis: Diagnosis, cause: Cause, rng: np.random.Generator) -> HeadLost | None:
    """Return what the cause costs; None where it has not been solved exactly or moves no water."""
    if cause.explained is None or not cause.fault.kind.hydraulic:
        return None
    case, explained = diagnosis.found.case, cause.explained
    steps = np.arange(cause.fault.onset, case.window.steps)
    if len(steps) == 0:
        return None
    place = likely_place(case, explained)
    lost = _difference(case, place, explained.hypothesis, cause.fault, steps)
    node, step = _worst(diagnosis, lost)
    drawn = _draws(diagnosis, cause, node, int(steps[step]), rng)
    middle = float(lost[step, node])
    low, high = np.percentile(drawn, [5, 95])
    return HeadLost(
        node=node,
        step=int(steps[step]),
        metres=middle,
        interval=(float(min(low, middle)), float(max(high, middle))),
        everywhere=lost[step],
    )


def without(hypothesis: Hypothesis, cured: Fault) -> Hypothesis:
    """Return the hypothesis with one fault cured."""
    return tuple(fault for fault in hypothesis if fault.key != cured.key)


def _difference(case: Case, place: Place, hypothesis: Hypothesis, cured: Fault, steps: NDArray[np.intp]) -> Floats:
    """Return (K, N) head gained in each step by curing one fault of a hypothesis [m]."""
    cures = [conditions_under(case, place, without(hypothesis, cured), int(step)) for step in steps]
    as_is = [conditions_under(case, place, hypothesis, int(step)) for step in steps]
    states = case.engine.solve_many([*cures, *as_is])
    head = np.stack([state.head for state in states])
    return np.asarray(head[: len(steps)] - head[len(steps) :])


def _worst(diagnosis: Diagnosis, lost: Floats) -> tuple[int, int]:
    """Return (node, place in steps): the complaint's node, else the customer harmed most, in its worst step."""
    case = diagnosis.found.case
    complaint = diagnosis.complaint
    if complaint is not None:
        node = case.engine.network.node_index[complaint.node]
        return node, int(np.argmax(lost[:, node]))
    customers = np.where(case.assets.customers > 0, 1.0, np.nan)
    if np.all(np.isnan(customers)):
        customers = np.ones_like(customers)
    step, worst = np.unravel_index(int(np.nanargmax(lost * customers)), lost.shape)
    return int(worst), int(step)


def _draws(diagnosis: Diagnosis, cause: Cause, node: int, step: int, rng: np.random.Generator) -> Floats:
    """Return (DRAWS,) heads lost at the node in worlds drawn from the posterior of severities and departures."""
    case, explained = diagnosis.found.case, cause.explained
    assert explained is not None
    root = explained.evidence.root()
    conditions: list[Conditions] = []
    noise = case.spread.demand_noise_cv / np.sqrt(np.maximum(case.assets.customers, 1))
    for _ in range(DRAWS):
        moved = explained.evidence.mean + root @ rng.standard_normal(len(explained.evidence.mean))
        world = []
        for fault, scan in zip(explained.hypothesis, explained.scans, strict=True):
            wide = scan.weights**MARGINAL
            pick = int(rng.choice(len(wide), p=wide / wide.sum()))
            world.append(replace(fault, severity=_within(scan.severities, pick, rng)))
            if fault.key == cause.fault.key:
                moved = moved + scan.departures[pick] - scan.departures[int(np.argmax(scan.weights))]
        place = Place(case.departures.mean + case.departures.root @ moved, explained.evidence.place.zones)
        jitter = np.exp(noise * rng.standard_normal(len(noise)))
        for hypothesis in (without(tuple(world), cause.fault), tuple(world)):
            condition = conditions_under(case, place, hypothesis, step)
            conditions.append(replace(condition, demand=condition.demand * jitter))
    states = case.engine.solve_many(conditions)
    heads = np.array([state.head[node] for state in states])
    return np.asarray(heads[0::2] - heads[1::2])


def _within(severities: Floats, pick: int, rng: np.random.Generator) -> float:
    """Return a severity from the cell around one that was tried: half-way to its neighbours, even in its logarithm."""
    here = float(severities[pick])
    near = [float(severities[place]) for place in (pick - 1, pick + 1) if 0 <= place < len(severities)]
    if here <= 0.0 or min(near, default=here) <= 0.0:
        return here
    ends = [np.sqrt(here * one) for one in near] + [here] * (2 - len(near))
    return float(np.exp(rng.uniform(np.log(min(ends)), np.log(max(ends)))))
