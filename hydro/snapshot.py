"""Snapshots: solved steps, each with what the linear model of its regime says about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.linear import Linearisation, Sensitivities
from hydro.network import Network
from hydro.observables import Observables
from hydro.readings import Floats
from hydro.regimes import middles
from hydro.state import State

SEEPAGE = 1e-6
"""Outflow a metre of head at every node [m²/s]: heads behind a closed valve are then unknown, not infinitely so."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A solved state and the response of S observed values to every cause, all SI.

    ``value``: (S,) modelled; ``kind``: (S,) of the observed values; ``by``: the regime's sensitivities, taken at the
    step in its middle; ``slope``: (L,) headloss against flow seen from each link's ends [s/m²], of the regime too
    (empty where nobody asked for it).
    """

    network: Network
    conditions: Conditions
    state: State
    value: Floats
    kind: NDArray[np.int8]
    regime: int
    by: Sensitivities
    slope: Floats

    @property
    def demand(self) -> Floats:
        """Return (S, N) change per m³/s of full demand."""
        return self.by.demand

    @property
    def withdrawal(self) -> Floats:
        """Return (S, N) change per m³/s of outflow that pressure does not limit."""
        return self.by.withdrawal

    @property
    def headloss(self) -> Floats:
        """Return (S, L) change per metre of headloss added to a link."""
        return self.by.headloss

    @property
    def source(self) -> Floats:
        """Return (S, N) change per metre of a fixed head."""
        return self.by.source


def take_snapshots(
    engine: Engine,
    conditions: Sequence[Conditions],
    observables: Observables,
    regimes: NDArray[np.intp],
    slopes: bool = True,
) -> list[Snapshot]:
    """Solve every condition and linearise each of the ``regimes`` (T,) once; ``slopes`` are the dearest part."""
    if not conditions:
        return []
    network, states = engine.network, engine.solve_many(conditions)
    steps = middles(regimes, np.array([float(one.demand.sum()) for one in conditions]))
    law = engine.pressure_demand
    linear = [Linearisation(network, states[step], conditions[step], law, SEEPAGE) for step in steps]
    by = [one.sensitivities(observables) for one in linear]
    every = np.arange(len(network.link_ids))
    slope = [one.thevenin(every) if slopes else np.empty(0) for one in linear]
    return [
        Snapshot(
            network=network,
            conditions=condition,
            state=state,
            value=observables.values(state, network),
            kind=observables.kind,
            regime=int(regime),
            by=by[regime],
            slope=slope[regime],
        )
        for condition, state, regime in zip(conditions, states, regimes, strict=True)
    ]
