"""What a cause costs: metres of head at a node, and at every customer, with an interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from hydro.conditions import Conditions
from hydro.departures import in_proportion
from hydro.diagnosis import Cause, Diagnosis
from hydro.errors import SolveError
from hydro.evidence import Evidence, Place, drift_of, lifted, likely_departures, seen_of
from hydro.hypothesis import Fault, Hypothesis
from hydro.readings import Floats
from hydro.resolve import Case, conditions_under
from hydro.response import SLACK
from hydro.weighing import Explained, rescan

PATTERN_DOUBT = 0.15
"""What a customer draws more keeps to his old pattern no better than demands do to theirs: deviation at an hour [-]."""
DRAWS, FEW_DRAWS, UNLIKELY = 120, 40, 0.02
"""How many worlds are drawn from the posterior for an interval, and how many for that of a cause so unlikely."""


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
    return Place(likely_departures(case.departures, evidence), evidence.place.zones)


def head_lost(diagnosis: Diagnosis, cause: Cause, rng: np.random.Generator) -> HeadLost | None:
    """Return what the cause costs.

    None where it has not been solved exactly or moves no water, or where EPANET finds no state as likely as it.
    """
    if cause.explained is None or not cause.fault.kind.hydraulic:
        return None
    case, explained = diagnosis.found.case, cause.explained
    steps = np.arange(cause.fault.onset, case.window.steps)
    if len(steps) == 0:
        return None
    place = likely_place(case, explained)
    try:
        lost = _difference(case, place, explained.hypothesis, cause.fault, steps)
        node, step = _worst(diagnosis, lost)
        drawn = _draws(diagnosis, cause, node, int(steps[step]), rng)
    except SolveError:
        return None
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
    """Return (K,) heads lost at the node in worlds drawn from the posterior of severities and departures."""
    case, explained = diagnosis.found.case, cause.explained
    assert explained is not None
    keys = [fault.key for fault in explained.hypothesis]
    place = keys.index(cause.fault.key)
    scan, freed = rescan(diagnosis.found.asked, explained, place)
    count = DRAWS if cause.probability > UNLIKELY else FEW_DRAWS
    picks = rng.choice(len(scan.weights), p=scan.weights, size=count)
    beside = scan.beside[picks].T + _spread(freed.beside.factor, count, rng)
    seen_as = scan.departures[picks].T - freed.beside.coupling @ beside + _spread(freed.factor, count, rng)
    likely = likely_departures(case.departures, freed)
    departures = case.departures.evened(_departures(case, freed, seen_as, rng), likely)
    conditions: list[Conditions] = []
    for draw, pick in enumerate(picks.tolist()):
        severity = _within(scan.severities, pick, rng)
        if cause.candidate.kind == "demand_growth":
            severity *= float(np.exp(PATTERN_DOUBT * rng.standard_normal()))
        world = _world(explained.hypothesis, place, severity, beside[:, draw])
        drift = drift_of(case.window, case.assets, case.swing, beside[:, draw] - freed.beside.mean)
        there = Place(departures[:, draw], freed.place.zones + in_proportion(drift))
        jitter = np.exp(in_proportion(case.swing.node * rng.standard_normal(len(case.swing.node))))
        for hypothesis in (without(world, cause.fault), world):
            condition = conditions_under(case, there, hypothesis, step)
            conditions.append(replace(condition, demand=condition.demand * jitter))
    states = case.engine.solve_many(conditions)
    heads = np.array([state.head[node] for state in states])
    return np.asarray(heads[0::2] - heads[1::2])


def _spread(factor: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return (r, count) draws with covariance (L Lᵀ)⁻¹ around zero."""
    return np.asarray(solve_triangular(factor.T, rng.standard_normal((len(factor), count)), lower=False))


def _world(hypothesis: Hypothesis, place: int, severity: float, beside: Floats) -> Hypothesis:
    """Return the hypothesis with one severity given and the others moved by the last of ``beside``."""
    free = beside[len(beside) - len(hypothesis) + 1 :]
    shifts = iter(np.exp(SLACK * np.clip(free, -3.0, 3.0)))
    return tuple(
        replace(fault, severity=severity if one == place else fault.severity * float(next(shifts)))
        for one, fault in enumerate(hypothesis)
    )


def _departures(case: Case, evidence: Evidence, seen_as: Floats, rng: np.random.Generator) -> Floats:
    """Return (P, K) departures x drawn among those that are seen as u = ``seen_as`` (r, K).

    Draws from what was believed before are moved by what their u lack: what the readings cannot see stays as drawn.
    """
    drawn = case.departures.draw(rng, seen_as.shape[1])
    missing = seen_as - seen_of(evidence, drawn - case.departures.mean[:, None])
    return np.asarray(drawn + lifted(case.departures, evidence, missing))


def _within(severities: Floats, pick: int, rng: np.random.Generator) -> float:
    """Return a severity from the cell around one that was tried: half-way to its neighbours, even in its logarithm."""
    here = float(severities[pick])
    near = [float(severities[place]) for place in (pick - 1, pick + 1) if 0 <= place < len(severities)]
    if here <= 0.0 or min(near, default=here) <= 0.0:
        return here
    ends = [np.sqrt(here * one) for one in near] + [here] * (2 - len(near))
    return float(np.exp(rng.uniform(np.log(min(ends)), np.log(max(ends)))))
