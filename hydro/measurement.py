"""The next best measurement: where a gauge would tell most about which cause it is.

Every hypothesis predicts a pressure at every node and time, with a spread. The information a reading would give about
the hypothesis, in bits, is the entropy of the predictions' mixture less the mean entropy of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.consequences import likely_place
from hydro.diagnosis import Diagnosis
from hydro.doubt import doubted
from hydro.hypothesis import Hypothesis
from hydro.network import JUNCTION
from hydro.observables import PRESSURE
from hydro.readings import Floats
from hydro.resolve import conditions_under

READING_NOISE = 0.3
"""Standard deviation of a crew's gauge and of what demands do between planning and reading [m]."""
SPREAD_SHARE = 0.12
"""How well a hypothesis knows its own prediction: the spread of what it changes, as a fraction of that change [-]."""

LEAST_BITS = 0.01
"""A reading that tells less is not worth the way [bit]."""
DOUBT = 0.05
"""How much is left, beside a complaint, for a blockage that nothing but the complaint speaks of [-]."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A range of readings [m] and the hypothesis it would make likeliest, with that one's probability then."""

    low: float
    high: float
    probability: float
    hypothesis: Hypothesis
    becomes: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """A pressure to read at ``node`` at the time of day of ``step``; ``bits`` of information expected."""

    node: int
    step: int
    bits: float
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _Predictions:
    """Hypotheses of ``weights`` (H,): their pressures and how well those are known, (H, K, N) [m], in K steps."""

    weights: Floats
    hypotheses: list[Hypothesis]
    pressure: Floats
    spread: Floats
    steps: NDArray[np.intp]


def next_measurements(diagnosis: Diagnosis, most: int = 5) -> list[Measurement]:
    """Return the most telling places for a gauge, one each node, the best first."""
    told = _predictions(diagnosis)
    network = diagnosis.found.case.engine.network
    nodes = np.setdiff1d(np.flatnonzero(network.node_kind == JUNCTION), _read(diagnosis))
    bits = _information(told.weights, told.pressure[:, :, nodes], told.spread[:, :, nodes])
    best_step = np.argmax(bits, axis=0)
    best = bits[best_step, np.arange(len(nodes))]
    result = []
    for place in np.argsort(-best)[:most]:
        step, node = int(best_step[place]), int(nodes[place])
        outcomes = _outcomes(told.weights, told.hypotheses, told.pressure[:, step, node], told.spread[:, step, node])
        result.append(Measurement(node, int(told.steps[step]), float(best[place]), outcomes))
    return [one for one in result if one.bits > LEAST_BITS]


def _read(diagnosis: Diagnosis) -> NDArray[np.intp]:
    """Return the nodes at which a gauge hangs or hung in the window: another one there would read the same."""
    window = diagnosis.found.case.window
    gauge = (window.observables.kind == PRESSURE) & np.isfinite(window.value).any(axis=1)
    return np.unique(window.observables.index[gauge])


def _predictions(diagnosis: Diagnosis, most: int = 30) -> _Predictions:
    """Return what the likeliest hypotheses predict, and beside a complaint what else could be behind it."""
    found = diagnosis.found
    window = found.case.window
    drawn = np.array([condition.demand.sum() for condition in found.case.plain])
    steps = np.unique([window.steps - 1, int(np.argmax(drawn))])
    named = found.explained[:most]
    logs = np.array([found.healthy_log_weight, *(one.log_weight for one in named)])
    weights = np.exp(logs - logs.max())
    evidences = [found.healthy, *(one.evidence for one in named)]
    pressure = np.stack([np.stack([one.snapshots[step].state.pressure for step in steps]) for one in evidences])
    doubts = doubted(diagnosis, int(steps[0]))
    doubt = DOUBT * np.array([weight for _, weight in doubts])
    hypotheses = [(), *(one.hypothesis for one in named), *(hypothesis for hypothesis, _ in doubts)]
    pressure = np.concatenate([pressure, _solved(diagnosis, [one for one, _ in doubts], steps)])
    weights = np.concatenate([weights / weights.sum() * (1.0 - doubt.sum()), doubt])
    spread = np.sqrt(READING_NOISE**2 + (SPREAD_SHARE * (pressure - pressure[0])) ** 2)
    return _Predictions(weights, hypotheses, pressure, spread, steps)


def _solved(diagnosis: Diagnosis, hypotheses: list[Hypothesis], steps: NDArray[np.intp]) -> Floats:
    """Return (H, K, N) pressures [m] under hypotheses, at the leading one's departures."""
    case, place = diagnosis.found.case, likely_place(diagnosis.found.case, diagnosis.leading)
    conditions = [conditions_under(case, place, one, int(step)) for one in hypotheses for step in steps]
    pressures = [state.pressure for state in case.engine.solve_many(conditions)]
    return np.array(pressures).reshape(len(hypotheses), len(steps), len(case.engine.network.node_ids))


def _information(weights: Floats, pressure: Floats, spread: Floats) -> Floats:
    """Return (K, N) expected information [bit] of reading each pressure; arrays are (H, K, N)."""
    low = (pressure - 4 * spread).min(axis=0)
    high = (pressure + 4 * spread).max(axis=0)
    grid = 96
    entropy = np.zeros(low.shape)
    width = (high - low) / grid
    for cell in range(grid):
        value = low + (cell + 0.5) * width
        density = np.exp(-0.5 * ((value - pressure) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        mixture = np.tensordot(weights, density, axes=1)
        entropy -= mixture * np.log2(np.maximum(mixture, 1e-300)) * width
    parts = np.tensordot(weights, 0.5 * np.log2(2 * np.pi * np.e * spread**2), axes=1)
    return np.asarray(np.maximum(entropy - parts, 0.0))


def _outcomes(weights: Floats, hypotheses: list[Hypothesis], pressure: Floats, spread: Floats) -> tuple[Outcome, ...]:
    """Return what ranges of readings would mean: where the likeliest hypothesis changes, a range ends."""
    values = np.linspace(float((pressure - 3 * spread).min()), float((pressure + 3 * spread).max()), 200)
    density = np.exp(-0.5 * ((values[:, None] - pressure) / spread) ** 2) / spread * weights
    leader = np.argmax(density, axis=1)
    edges = np.flatnonzero(np.diff(leader)) + 1
    mass = density.sum(axis=1) / density.sum()
    outcomes = []
    for part in np.split(np.arange(len(values)), edges):
        chosen = int(leader[part[0]])
        probability = float(mass[part].sum())
        becomes = float(density[part, chosen].sum() / max(density[part].sum(), 1e-300))
        if probability > 0.01:
            outcomes.append(
                Outcome(float(values[part[0]]), float(values[part[-1]]), probability, hypotheses[chosen], becomes)
            )
    return tuple(outcomes)
