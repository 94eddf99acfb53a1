"""The linear model of a solved instant: one sparse factorisation serves every sensitivity.

With headloss gradients g' [s/m²] of the open links, incidence A, and the slope of pressure-dependent outflow on the
diagonal, the nodal matrix ``S = Aᵀ diag(1/g') A + diag(∂d/∂h)`` (fixed heads removed) is symmetric positive definite.
A row of sensitivities for each observed value costs one adjoint solve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import SuperLU, splu

from hydro.conditions import Conditions
from hydro.gradients import headloss_gradients
from hydro.network import FCV, JUNCTION, PRV, PSV, Network, PressureDemand
from hydro.observables import DEMAND, FLOW, INFLOW, Observables
from hydro.readings import Floats
from hydro.state import State

LEAST_SLOPE = 1e-6
"""Keeps nodes that a closed valve has cut off from making the matrix singular [m²/s]."""


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """Change of S observed values.

    ``demand``: (S, N) per m³/s of full demand, as far as pressure lets it flow; ``withdrawal``: (S, N) per m³/s of
    outflow that pressure does not limit; ``headloss``: (S, L) per metre of headloss added to a link from start to end;
    ``source``: (S, N) per metre of a fixed head, zero columns at junctions.
    """

    demand: Floats
    withdrawal: Floats
    headloss: Floats
    source: Floats


class Linearisation:
    """The network's response around a solved state."""

    def __init__(
        self, network: Network, state: State, conditions: Conditions, pressure_demand: PressureDemand | None
    ) -> None:
        self._network = network
        self._gradient = headloss_gradients(network, state, conditions)
        self._conductance = np.where(state.status, 1.0 / self._gradient, 0.0)
        held = _held_nodes(network, state)
        self._conductance[held.links] = 0.0
        self._free = np.flatnonzero((network.node_kind == JUNCTION) & ~held.nodes)
        self._place = np.full(len(network.node_ids), -1)
        self._place[self._free] = np.arange(len(self._free))
        self._fraction = np.ones(len(network.node_ids))
        self._outflow_slope = np.zeros(len(network.node_ids))
        if pressure_demand is not None:
            self._fraction = pressure_demand.fraction(state.pressure)
            self._outflow_slope = conditions.demand * pressure_demand.slope(state.pressure)
        # An emitter's outflow c·√p has the slope q/(2p).
        self._outflow_slope = self._outflow_slope + state.leak / (2.0 * np.maximum(state.pressure, 0.1))
        self._incidence = self._incidence_of(np.arange(len(network.link_ids)))
        self._solver = self._factorise()

    def sensitivities(self, observables: Observables) -> Sensitivities:
        """Return what every cause does to each observed value: one adjoint solve a value serves all four."""
        heads, direct = self._adjoint(observables)
        by_demand = -heads
        for row in np.flatnonzero(observables.kind == DEMAND):
            by_demand[row, observables.index[row]] += 1.0
        # Added loss φ on a link drives −φ/g' through it: as if −φ/g' left at its end and came in at its start.
        across = heads[:, self._network.start] - heads[:, self._network.end]
        return Sensitivities(
            demand=by_demand * self._fraction,
            withdrawal=-heads,
            headloss=(across - direct) * self._conductance,
            source=self._by_fixed_head(observables, heads, direct),
        )

    def _by_fixed_head(self, observables: Observables, heads: Floats, direct: Floats) -> Floats:
        result = np.zeros_like(heads)
        for node in self._network.fixed:
            for link in np.flatnonzero((self._network.start == node) | (self._network.end == node)):
                leaves = self._network.start[link] == node
                other = self._network.end[link] if leaves else self._network.start[link]
                sign = 1.0 if leaves else -1.0
                result[:, node] += self._conductance[link] * (heads[:, other] + sign * direct[:, link])
        for row, (kind, index) in enumerate(zip(observables.kind, observables.index, strict=True)):
            if kind < FLOW and self._network.node_kind[index] != JUNCTION:
                result[row, index] += 1.0
        return result

    def thevenin(self, links: NDArray[np.intp]) -> Floats:
        """Return (k,) headloss against flow [s/m²] as seen from each link's ends, the link's own included."""
        right = self._incidence_of(links)
        answer = np.asarray(self._solver.solve(right.toarray()))
        across = np.asarray(right.multiply(answer).sum(axis=0)).ravel()
        conductance = self._conductance[links]
        # The link is in the network too: take it out of the parallel connection to see the rest alone.
        rest = 1.0 / np.maximum(1.0 / np.maximum(across, 1e-12) - conductance, 1e-9)
        return np.asarray(rest + self._gradient[links])

    def _incidence_of(self, links: NDArray[np.intp]) -> csc_array:
        """Return (free nodes, k) with +1 at a link's start and −1 at its end."""
        start, end = self._place[self._network.start[links]], self._place[self._network.end[links]]
        column = np.arange(len(links))
        rows = np.concatenate([start[start >= 0], end[end >= 0]])
        columns = np.concatenate([column[start >= 0], column[end >= 0]])
        values = np.concatenate([np.ones((start >= 0).sum()), -np.ones((end >= 0).sum())])
        return csc_array((values, (rows, columns)), shape=(len(self._free), len(links)))

    def _factorise(self) -> SuperLU:
        weighted = self._incidence @ diags_array(self._conductance)
        matrix = weighted @ self._incidence.T + diags_array(self._outflow_slope[self._free] + LEAST_SLOPE)
        return splu(
            csc_array(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0
        )

    def _adjoint(self, observables: Observables) -> tuple[Floats, Floats]:
        """Return (S, N) change per m³/s put in at a node, and (S, L) direct weight of each link's own flow."""
        nodes, links = len(self._network.node_ids), len(self._network.link_ids)
        right = np.zeros((nodes, len(observables.kind)))
        direct = np.zeros((len(observables.kind), links))
        for row, (kind, index) in enumerate(zip(observables.kind, observables.index, strict=True)):
            if kind == DEMAND:
                right[index, row] = self._outflow_slope[index]
            elif kind == FLOW:
                direct[row, index] = 1.0
            elif kind == INFLOW:
                direct[row, self._network.start == index] = 1.0
                direct[row, self._network.end == index] -= 1.0
            else:
                right[index, row] = 1.0
        flowing = direct * self._conductance
        for row in np.flatnonzero(np.any(flowing != 0.0, axis=1)).tolist():
            for link in np.flatnonzero(flowing[row]).tolist():
                right[self._network.start[link], row] += flowing[row, link]
                right[self._network.end[link], row] -= flowing[row, link]
        heads = np.zeros((len(observables.kind), nodes))
        heads[:, self._free] = np.asarray(self._solver.solve(right[self._free])).T
        return heads, direct


class _Held:
    """Nodes whose head an active valve holds, and the links that no longer couple heads."""

    def __init__(self, nodes: NDArray[np.bool_], links: NDArray[np.intp]) -> None:
        self.nodes, self.links = nodes, links


def _held_nodes(network: Network, state: State) -> _Held:
    nodes = np.zeros(len(network.node_ids), dtype=bool)
    links: list[int] = []
    for link in np.flatnonzero(np.isin(network.link_kind, [PRV, PSV, FCV]) & state.status):
        kind, setting = network.link_kind[link], state.setting[link]
        start, end = network.start[link], network.end[link]
        if kind == PRV and abs(state.pressure[end] - setting) < 0.01:
            nodes[end] = True
            links.append(int(link))
        elif kind == PSV and abs(state.pressure[start] - setting) < 0.01:
            nodes[start] = True
            links.append(int(link))
        elif kind == FCV and abs(state.flow[link] - setting) < 1e-6:
            links.append(int(link))
    return _Held(nodes, np.array(links, dtype=np.intp))
