"""Regimes: groups of steps in which the network works alike, so that one linearisation serves them all.

A day of readings has a hundred steps but few ways of working: night and peak, pump on and pump off. Every step is
solved; the sensitivities are taken at the step in the middle of its regime. The regimes are those of the network
without a fault, the same for every hypothesis: rivals must not be told apart by how their steps were grouped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.network import TANK, Network
from hydro.observables import DEMAND, Observables
from hydro.readings import Floats
from hydro.state import State

SHUT = 10.0
"""How much a shut tank, or a large customer who is away, sets a step apart: more than anything else does.

In units of what is usual [-].
"""
LARGE, AWAY = 0.02, 0.1
"""A customer is large who draws so much of all at his busiest, and away when he draws so much of that [-]."""
ALIKE = 0.04
"""Steps that differ by less than this part of what is usual are one regime [-]."""


def regimes_of(
    network: Network, conditions: Sequence[Conditions], states: Sequence[State], observables: Observables, most: int
) -> NDArray[np.intp]:
    """Return (T,) the regime of each solved step, at most ``most`` of them.

    Farthest-point clustering on headlosses, demands and metered demands: every next regime begins where the steps are
    told worst by those there are. Steps in which other tanks are shut come first: with none open, heads hang on demand
    by many times what they did before. So do those in which a large customer who comes and goes draws: what he draws by
    chance is nothing while he is away, and would be taken for nothing while he is there.
    """
    metered = observables.index[observables.kind == DEMAND]
    demand = np.stack([one.demand for one in conditions])
    blocks = [np.stack([state.headloss for state in states]), demand, *demand[:, metered].T[:, :, None]]
    at_tank = (network.node_kind[network.start] == TANK) | (network.node_kind[network.end] == TANK)
    shut = np.stack([~state.status[at_tank] for state in states]).astype(float)
    apart_by = SHUT * np.hstack([shut, _drawing(demand)])
    features = np.hstack([*(block / _usual(block) for block in blocks), apart_by])
    centres = [int(np.argmin(_distances(features, np.median(features, axis=0))))]
    apart = _distances(features, features[centres[0]])[:, None]
    while len(centres) < min(most, len(states)) and apart.min(axis=1).max() > ALIKE:
        centres.append(int(np.argmax(apart.min(axis=1))))
        apart = np.column_stack([apart, _distances(features, features[centres[-1]])])
    return np.asarray(np.argmin(apart, axis=1), dtype=np.intp)


def _drawing(demand: Floats) -> Floats:
    """Return (T, k) 1 where each of the large customers who come and go draws, else 0, by demands (T, N)."""
    most = demand.max(axis=0)
    comes = (most > LARGE * demand.sum(axis=1).mean()) & (demand.min(axis=0) < AWAY * most)
    return np.asarray(demand[:, comes] > 0.5 * most[comes], dtype=float)


def middles(labels: NDArray[np.intp], size: Floats) -> NDArray[np.intp]:
    """Return (K,) for each regime the step whose ``size`` (T,) is in the middle."""
    chosen = []
    for regime in range(int(labels.max()) + 1):
        steps = np.flatnonzero(labels == regime)
        chosen.append(int(steps[np.argsort(size[steps])[len(steps) // 2]]))
    return np.array(chosen, dtype=np.intp)


def _usual(block: Floats) -> float:
    return max(float(np.linalg.norm(block, axis=1).mean()), 1e-9)


def _distances(features: Floats, other: Floats) -> Floats:
    return np.asarray(np.linalg.norm(features - other, axis=1))
