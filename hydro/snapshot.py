"""Snapshots: solved steps, each with what the linear model of its regime says about it."""

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
from hydro.slopes import Slopes
from hydro.state import State

SEEPAGE = 1e-6
"""Outflow a metre of head at every node [m²/s]: heads behind a closed valve are then unknown, not infinitely so."""


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """A way of working, linearised once: at the ``state`` that ``conditions`` give at the step in its middle.

    ``number``: the regime of the network without a fault that it comes from. What the ``points`` observed values
    respond to: ``demand`` (S, N) per m³/s of full demand, ``withdrawal`` (S, N) per m³/s of outflow that pressure does
    not limit, ``headloss`` (S, L) per metre of headloss added to a link, ``source`` (S, N) per metre of a fixed head.
    ``slope``: (L,) headloss against flow seen from each link's ends [s/m²] (empty where nobody asked for it). All SI.
    """

    number: int
    network: Network
    conditions: Conditions
    state: State
    points: int
    demand: Slopes
    withdrawal: Slopes
    headloss: Slopes
    source: Slopes
    slope: Floats


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A solved state and its S observed values, all SI; what they respond to, its regime says.

    ``value``: (S,) modelled; ``kind``: (S,) of the observed values.
    """

    conditions: Conditions
    state: State
    value: Floats
    kind: NDArray[np.int8]
    regime: Regime

    @property
    def network(self) -> Network:
        """Return the network."""
        return self.regime.network

    @property
    def demand(self) -> Slopes:
        """Return (S, N) change per m³/s of full demand."""
        return self.regime.demand

    @property
    def withdrawal(self) -> Slopes:
        """Return (S, N) change per m³/s of outflow that pressure does not limit."""
        return self.regime.withdrawal

    @property
    def headloss(self) -> Slopes:
        """Return (S, L) change per metre of headloss added to a link."""
        return self.regime.headloss

    @property
    def source(self) -> Slopes:
        """Return (S, N) change per metre of a fixed head."""
        return self.regime.source

    @property
    def slope(self) -> Floats:
        """Return (L,) headloss against flow seen from each link's ends [s/m²]."""
        return self.regime.slope


@dataclass(frozen=True, slots=True)
class Middle:
    """Where a regime is to be linearised: its ``number``, the conditions in its middle, and its slopes where known."""

    number: int
    conditions: Conditions
    slope: Floats | None


def take_snapshots(
    engine: Engine,
    conditions: Sequence[Conditions],
    observables: Observables,
    labels: Sequence[int],
    middles: Sequence[Middle],
) -> list[Snapshot]:
    """Solve every condition; each belongs to the one of ``middles`` that its label (T,) says, linearised once.

    Slopes are the dearest part of a regime: those that are not known are worked out.
    """
    if not conditions:
        return []
    states = engine.solve_many([*conditions, *(one.conditions for one in middles)])
    solved, at = states[: len(conditions)], states[len(conditions) :]
    regimes = [_linearised(engine, one, state, observables) for one, state in zip(middles, at, strict=True)]
    return [
        Snapshot(condition, state, observables.values(state, engine.network), observables.kind, regimes[label])
        for condition, state, label in zip(conditions, solved, labels, strict=True)
    ]


def _linearised(engine: Engine, middle: Middle, state: State, observables: Observables) -> Regime:
    network = engine.network
    linear = Linearisation(network, state, middle.conditions, engine.pressure_demand, SEEPAGE)
    by = linear.sensitivities(observables)
    return Regime(
        number=middle.number,
        network=network,
        conditions=middle.conditions,
        state=state,
        points=len(observables.kind),
        demand=Slopes.of(by.demand),
        withdrawal=Slopes.of(by.withdrawal),
        headloss=Slopes.of(by.headloss),
        source=Slopes.of(by.source),
        slope=linear.thevenin(np.arange(len(network.link_ids))) if middle.slope is None else middle.slope,
    )
