"""The linear model of a solved instant: one sparse factorisation serves every sensitivity.

With headloss gradients g' [s/m²], incidence A, and the slope of pressure-dependent outflow on the diagonal, the nodal
matrix is ``S = Aᵀ diag(1/g') A + diag(∂d/∂h)``, fixed heads removed. Where a valve holds a node's head, that node's
column goes and its row is added to that of the node which feeds it. A row of sensitivities for each observed value
costs one adjoint solve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import SuperLU, splu

from hydro.conditions import Conditions
from hydro.coupling import NOBODY, coupling
from hydro.gradients import headloss_gradients
from hydro.network import JUNCTION, Network, PressureDemand
from hydro.observables import DEMAND, FLOW, INFLOW, Observables
from hydro.readings import Floats
from hydro.selected_inverse import resistances
from hydro.state import State

CLOSED = 1e-8 * 0.3048**2
"""What EPANET lets through a closed link [m²/s]."""
LEAST_SLOPE = 1e-14
"""Keeps a part without any source from making the matrix singular [m²/s]."""
FEW_LINKS = 200
"""So many Thévenin equivalents are cheaper one by one than all at once."""


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


@dataclass(frozen=True, slots=True)
class LinkResponse:
    """What headloss added to k links does: ``head``: (N, k) change per metre; ``slope``: (k,) as ``thevenin``."""

    head: Floats
    slope: Floats


class Linearisation:
    """The network's response around a solved state.

    ``seepage``: outflow a metre of head that every node has beside its demand [m²/s].
    """

    def __init__(
        self,
        network: Network,
        state: State,
        conditions: Conditions,
        pressure_demand: PressureDemand | None,
        seepage: float = LEAST_SLOPE,
    ) -> None:
        self._network = network
        self._coupling = coupling(network, state)
        self._gradient = headloss_gradients(network, state, conditions)
        self._conductance = np.where(state.status, 1.0 / self._gradient, CLOSED)
        self._conductance[[one.link for one in self._coupling.holders]] = 0.0
        self._fraction = np.ones(len(network.node_ids))
        self._outflow_slope = np.zeros(len(network.node_ids))
        if pressure_demand is not None:
            # A demand below nought is a supply, which no pressure limits.
            draws = conditions.demand > 0.0
            self._fraction = np.where(draws, pressure_demand.fraction(state.pressure), 1.0)
            self._outflow_slope = np.where(draws, conditions.demand * pressure_demand.slope(state.pressure), 0.0)
        self._outflow_slope = self._outflow_slope + seepage
        # An emitter's outflow c·pⁿ has the slope n·q/p.
        pressure = np.maximum(np.abs(state.pressure), 0.01)
        self._outflow_slope = self._outflow_slope + network.emitter_exponent * np.abs(state.leak) / pressure
        self._solver = self._factorise()

    def sensitivities(self, observables: Observables) -> Sensitivities:
        """Return what every cause does to each observed value: one adjoint solve a value serves all four."""
        parts = self._parts(observables)
        heads = self._adjoint(observables, parts)
        withdrawal = -heads
        by_demand = withdrawal.copy()
        # What pressure does not limit is outflow of a valve's zone, but no customer's demand.
        passed = observables.kind[parts.own_row] != DEMAND
        np.add.at(by_demand, (parts.own_row, parts.node), parts.own)
        np.add.at(withdrawal, (parts.own_row[passed], parts.node[passed]), parts.own[passed])
        # Added loss φ on a link drives −φ/g' through it: as if −φ/g' left at its end and came in at its start.
        headloss = (heads[:, self._network.start] - heads[:, self._network.end]) * self._conductance
        np.subtract.at(headloss, (parts.row, parts.link), parts.weight * self._conductance[parts.link])
        return Sensitivities(
            demand=by_demand * self._fraction,
            withdrawal=withdrawal,
            headloss=headloss,
            source=self._by_fixed_head(observables, heads, parts),
        )

    def gradient(self, weights: Floats) -> Floats:
        """Return (L,) change of ``weights`` (N,) times heads per metre of headloss added to each link."""
        heads = self._received(self._transposed(weights[self._coupling.free][:, None]))[:, 0]
        return np.asarray((heads[self._network.start] - heads[self._network.end]) * self._conductance)

    def of_links(self, links: NDArray[np.intp]) -> LinkResponse:
        """Return what headloss added to each of k links does to every head."""
        solved = np.asarray(self._solver.solve(self._driven(links)))
        head = np.zeros((len(self._network.node_ids), len(links)))
        head[self._coupling.free] = solved * self._conductance[links]
        across = head[self._network.start[links], np.arange(len(links))]
        across = across - head[self._network.end[links], np.arange(len(links))]
        return LinkResponse(head, self._rest(links, across / np.maximum(self._conductance[links], 1e-30)))

    def own_slope(self, links: NDArray[np.intp]) -> Floats:
        """Return (k,) headloss against flow [s/m²] of links themselves."""
        return self._gradient[links]

    def of_withdrawals(self, nodes: NDArray[np.intp]) -> Floats:
        """Return (N, k) change of every head per m³/s that leaves at each of k nodes."""
        right = np.zeros((len(self._coupling.free), len(nodes)))
        place = self._coupling.receiver[nodes]
        right[place[place >= 0], np.flatnonzero(place >= 0)] = -1.0
        head = np.zeros((len(self._network.node_ids), len(nodes)))
        head[self._coupling.free] = np.asarray(self._solver.solve(right))
        return head

    def thevenin(self, links: NDArray[np.intp]) -> Floats:
        """Return (k,) headloss against flow [s/m²] as seen from each link's ends, the link's own included."""
        if len(links) <= FEW_LINKS:
            return self.of_links(links).slope
        place = self._coupling.place
        start, end = place[self._network.start], place[self._network.end]
        # Heads held by valves do not pass on what happens above them, so the valves' own coupling changes nothing here.
        return self._rest(links, resistances(self._matrix(place), start[links], end[links]))

    def _rest(self, links: NDArray[np.intp], across: Floats) -> Floats:
        """Return the slope of the rest of the network and the link's own, from the resistance between its ends.

        The link is in that resistance too: it is taken out of the parallel connection to see the rest alone.
        """
        conductance = self._conductance[links]
        rest = 1.0 / np.maximum(1.0 / np.maximum(across, 1e-12) - conductance, 1e-9)
        return np.asarray(rest + self._gradient[links])

    def _driven(self, links: NDArray[np.intp]) -> Floats:
        """Return (F, k) right-hand sides of a unit flow in at each link's start and out at its end."""
        right = np.zeros((len(self._coupling.free), len(links)))
        columns = np.arange(len(links))
        for ends, sign in ((self._network.start, 1.0), (self._network.end, -1.0)):
            rows = self._coupling.receiver[ends[links]]
            there = rows >= 0
            np.add.at(right, (rows[there], columns[there]), sign)
        return right

    def _received(self, solved: Floats) -> Floats:
        """Return (N, k) change per m³/s put in at every node, from that at free nodes (F, k)."""
        receiver = self._coupling.receiver
        return np.where((receiver >= 0)[:, None], solved[np.maximum(receiver, 0)], 0.0)

    def _by_fixed_head(self, observables: Observables, heads: Floats, parts: _Parts) -> Floats:
        network = self._network
        result = np.zeros_like(heads)
        is_fixed = network.node_kind != JUNCTION
        for here, other, sign in ((network.start, network.end, 1.0), (network.end, network.start, -1.0)):
            links = np.flatnonzero(is_fixed[here])
            np.add.at(result.T, here[links], (heads[:, other[links]] * self._conductance[links]).T)
            near = is_fixed[here[parts.link]]
            through = sign * parts.weight[near] * self._conductance[parts.link[near]]
            np.add.at(result, (parts.row[near], here[parts.link[near]]), through)
        for row in np.flatnonzero(observables.kind < FLOW):
            if is_fixed[observables.index[row]]:
                result[row, observables.index[row]] += 1.0
        return result

    def _matrix(self, receiver: NDArray[np.intp]) -> csc_array:
        """Return (F, F) the nodal matrix, each node's row added to that of the free node in ``receiver`` (N,)."""
        network, place = self._network, self._coupling.place
        links = np.flatnonzero(self._conductance > 0.0)
        start, end, weight = network.start[links], network.end[links], self._conductance[links]
        nodes = np.arange(len(network.node_ids))
        rows = np.concatenate([start, end, start, end, nodes])
        columns = np.concatenate([start, end, end, start, nodes])
        values = np.concatenate([weight, weight, -weight, -weight, self._outflow_slope])
        rows, columns = receiver[rows], place[columns]
        kept = (rows >= 0) & (columns >= 0)
        size = len(self._coupling.free)
        return csc_array((values[kept], (rows[kept], columns[kept])), shape=(size, size))

    def _factorise(self) -> SuperLU:
        return splu(
            self._matrix(self._coupling.receiver),
            permc_spec="MMD_AT_PLUS_A",
            options={"SymmetricMode": True},
            diag_pivot_thresh=0.0,
        )

    def _parts(self, observables: Observables) -> _Parts:
        """Return of which links' flows and nodes' outflows the observed values are made."""
        network = self._network
        holders = {one.link: one for one in self._coupling.holders}
        flows: list[tuple[int, int, float]] = []
        outflows: list[tuple[int, int, float]] = []
        for row, (kind, index) in enumerate(zip(observables.kind, observables.index, strict=True)):
            pending: list[tuple[int, float]] = []
            if kind == DEMAND:
                outflows.append((row, int(index), 1.0))
            elif kind == FLOW:
                pending.append((int(index), 1.0))
            elif kind == INFLOW:
                pending += self._around(int(index), NOBODY, 1.0)
            # A valve's flow is what the node it holds draws and passes on; a ring of valves would have no end.
            for _ in range(len(pending) + len(network.link_ids)):
                if not pending:
                    break
                link, weight = pending.pop()
                holder = holders.get(link)
                if holder is None:
                    flows.append((row, link, weight))
                elif holder.node != NOBODY:
                    weight = weight if holder.into else -weight
                    outflows.append((row, holder.node, weight))
                    pending += self._around(holder.node, link, weight)
        return _Parts.of(flows, outflows)

    def _around(self, node: int, but: int, weight: float) -> list[tuple[int, float]]:
        """Return the links at a node, with ``weight`` where they lead away from it."""
        network = self._network
        leaving, coming = np.flatnonzero(network.start == node).tolist(), np.flatnonzero(network.end == node).tolist()
        both = [(link, weight) for link in leaving] + [(link, -weight) for link in coming]
        return [one for one in both if one[0] != but]

    def _adjoint(self, observables: Observables, parts: _Parts) -> Floats:
        """Return (S, N) change of each observed value per m³/s put in at a node."""
        network = self._network
        right = np.zeros((len(network.node_ids), len(observables.kind)))
        seen = np.flatnonzero(observables.kind < FLOW)
        right[observables.index[seen], seen] = 1.0
        through = parts.weight * self._conductance[parts.link]
        np.add.at(right, (network.start[parts.link], parts.row), through)
        np.subtract.at(right, (network.end[parts.link], parts.row), through)
        np.add.at(right, (parts.node, parts.own_row), parts.own * self._outflow_slope[parts.node])
        return np.ascontiguousarray(self._received(self._transposed(right[self._coupling.free])).T)

    def _transposed(self, right: Floats) -> Floats:
        """Return the solution (F, k) of the transposed system: valves at work make the matrix unsymmetric."""
        return np.asarray(self._solver.solve(right, trans="T"))  # type: ignore[call-overload]  # the stubs lack trans


@dataclass(frozen=True, slots=True)
class _Parts:
    """Observed values as sums: ``weight`` (K,) of the flow of ``link`` and ``own`` (J,) of the outflow at ``node``."""

    row: NDArray[np.intp]
    link: NDArray[np.intp]
    weight: Floats
    own_row: NDArray[np.intp]
    node: NDArray[np.intp]
    own: Floats

    @classmethod
    def of(cls, flows: list[tuple[int, int, float]], outflows: list[tuple[int, int, float]]) -> _Parts:
        def places(terms: list[tuple[int, int, float]]) -> NDArray[np.intp]:
            return np.array([one[:2] for one in terms], dtype=np.intp).reshape(-1, 2).T

        (row, link), (own_row, node) = places(flows), places(outflows)
        weights = (np.array([one[2] for one in terms], dtype=np.float64) for terms in (flows, outflows))
        return cls(row, link, next(weights), own_row, node, next(weights))
