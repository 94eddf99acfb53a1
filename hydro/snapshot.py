"""A snapshot: one solved instant with everything the linear model says about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.linear import Linearisation
from hydro.network import Network
from hydro.observables import Observables
from hydro.readings import Floats
from hydro.state import State

CALIBRATED_SLOPE = 1e-6
"""Outflow a metre of head that the diagnosis has been calibrated with at every node; EPANET has none [m²/s]."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A solved state and the response of S observed values to every cause, all SI.

    ``value``: (S,) modelled; ``kind``: (S,) of the observed values; ``demand``, ``withdrawal``, ``source``: (S, N) and
    ``headloss``: (S, L) sensitivities; ``slope``: (L,) headloss against flow seen from the link's ends [s/m²].
    """

    network: Network
    conditions: Conditions
    state: State
    value: Floats
    kind: NDArray[np.int8]
    demand: Floats
    withdrawal: Floats
    headloss: Floats
    source: Floats
    slope: Floats


def take_snapshots(
    engine: Engine,
    conditions: Sequence[Conditions],
    observables: Observables,
    slopes: Sequence[Floats] | None = None,
) -> list[Snapshot]:
    """Solve and linearise every condition; ``slopes`` known from a state nearby spare the dearest part."""
    states = engine.solve_many(conditions)
    return [
        _snapshot(engine, condition, state, observables, None if slopes is None else slopes[step])
        for step, (condition, state) in enumerate(zip(conditions, states, strict=True))
    ]


def _snapshot(
    engine: Engine, conditions: Conditions, state: State, observables: Observables, slope: Floats | None
) -> Snapshot:
    network = engine.network
    linear = Linearisation(network, state, conditions, engine.pressure_demand, CALIBRATED_SLOPE)
    by = linear.sensitivities(observables)
    return Snapshot(
        network=network,
        conditions=conditions,
        state=state,
        value=observables.values(state, network),
        kind=observables.kind,
        demand=by.demand,
        withdrawal=by.withdrawal,
        headloss=by.headloss,
        source=by.source,
        slope=linear.thevenin(np.arange(len(network.link_ids))) if slope is None else slope,
    )
