"""The next best measurement: where a gauge would tell most about which cause it is.

Every hypothesis predicts a pressure at every node and time, with a spread. The information a reading would give about
the hypothesis, in bits, is the entropy of the predictions' mixture less the mean entropy of its parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.diagnosis import Diagnosis
from hydro.hypothesis import Hypothesis
from hydro.network import JUNCTION
from hydro.readings import Floats

READING_NOISE = 0.3
"""Standard deviation of a crew's gauge and of what demands do between planning and reading [m]."""
SPREAD_SHARE = 0.12
"""How well a hypothesis knows its own prediction: the spread of what it changes, as a fraction of that change [-]."""


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


def next_measurements(diagnosis: Diagnosis, most: int = 5) -> list[Measurement]:
    """Return the most telling places for a gauge, one each node, the best first."""
    weights, hypotheses, pressure, spread, steps = _predictions(diagnosis)
    if len(weights) < 2:
        return []
    network = diagnosis.found.case.engine.network
    nodes = np.flatnonzero(network.node_kind == JUNCTION)
    bits = _information(weights, pressure[:, :, nodes], spread[:, :, nodes])
    best_step = np.argmax(bits, axis=0)
    best = bits[best_step, np.arange(len(nodes))]
    result = []
    for place in np.argsort(-best)[:most]:
        step, node = int(best_step[place]), int(nodes[place])
        told = _outcomes(weights, hypotheses, pressure[:, step, node], spread[:, step, node])
        result.append(Measurement(node, int(steps[step]), float(best[place]), told))
    return [one for one in result if one.bits > 0.01]


def _predictions(
    diagnosis: Diagnosis, most: int = 30
) -> tuple[Floats, list[Hypothesis], Floats, Floats, NDArray[np.intp]]:
    """Return weights (H,), hypotheses, pressures and their spread (H, K, N) [m], and the steps (K,) looked at."""
    found = diagnosis.found
    window = found.case.window
    drawn = np.array([condition.demand.sum() for condition in found.case.plain])
    steps = np.unique([window.steps - 1, int(np.argmax(drawn))])
    named = found.explained[:most]
    logs = np.array([found.healthy_log_weight, *(one.log_weight for one in named)])
    weights = np.exp(logs - logs.max())
    healthy = np.stack([found.healthy.snapshots[step].state.pressure for step in steps])
    pressure = np.stack(
        [healthy, *(np.stack([one.evidence.snapshots[step].state.pressure for step in steps]) for one in named)]
    )
    spread = np.sqrt(READING_NOISE**2 + (SPREAD_SHARE * (pressure - healthy)) ** 2)
    return weights / weights.sum(), [(), *(one.hypothesis for one in named)], pressure, spread, steps


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
