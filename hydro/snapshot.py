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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A solved state and the response of S observed values to every cause, all SI.

    ``value``: (S,) modelled; ``demand``: (S, N) per m³/s of full demand; ``withdrawal``: (S, N) per m³/s of outflow that
    pressure does not limit; ``headloss``: (S, L) per metre of added headloss start→end; ``source``: (S, N) per metre of
    fixed head (zero columns at junctions); ``slope``: (L,) headloss against flow seen from the link's ends [s/m²].
    """

    network: Network
    conditions: Conditions
    state: State
    value: Floats
    demand: Floats
    withdrawal: Floats
    headloss: Floats
    source: Floats
    slope: Floats
    kind: NDArray[np.int8]


def take_snapshots(
    engine: Engine, conditions: Sequence[Conditions], observables: Observables, *, slopes: bool = True
) -> list[Snapshot]:
    """Solve and linearise every condition; ``slopes`` off leaves ``slope`` NaN where large changes are not asked for."""
    states = engine.solve_many(conditions)
    return [
        _snapshot(engine, condition, state, observables, slopes)
        for condition, state in zip(conditions, states, strict=True)
    ]


def _snapshot(
    engine: Engine, conditions: Conditions, state: State, observables: Observables, slopes: bool
) -> Snapshot:
    linear = Linearisation(engine.network, state, conditions, engine.pressure_demand)
    links = np.arange(len(engine.network.link_ids))
    return Snapshot(
        network=engine.network,
        conditions=conditions,
        state=state,
        value=observables.values(state, engine.network),
        demand=linear.demand_sensitivity(observables),
        withdrawal=linear.withdrawal_sensitivity(observables),
        headloss=linear.headloss_sensitivity(observables),
        source=linear.head_sensitivity(observables),
        slope=linear.thevenin(links) if slopes else np.full(len(links), np.nan),
        kind=observables.kind,
    )
