"""Demand that has grown: at one customer's node, or all over a zone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csc_array

from hydro.conditions import Conditions
from hydro.faults.kind import NODES, Candidate, Scene
from hydro.network import JUNCTION, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot

MANIFOLD, TAIL = 0.6, 3.0
"""How far beyond its double a demand grows: scale of the logarithm, and degrees of freedom of its Student's t [-]."""


class DemandGrowth:
    """Severity is the growth of the mean demand [m³/s]; it follows the nodes' own pattern through the day."""

    name = "demand_growth"
    hydraulic = True
    unrest = 0.1
    proportional = True
    of = NODES
    abrupt_beyond = np.inf

    def severities(self, scene: Scene) -> Floats:
        """Return growths from a tenth of a litre a second to all that the whole network draws [m³/s]."""
        total = float(scene.network.base_demand.sum())
        return np.geomspace(1e-4, max(total, 1e-3), 16)

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) log odds: a customer may well double his demand; tenfold is rarer, but works do get built."""
        usual = float(scene.network.base_demand[list(candidate.indices)].sum())

        def odds(growth: Floats) -> Floats:
            beyond = np.maximum(np.log(growth / usual), 0.0) / MANIFOLD
            return np.asarray(-0.5 * (TAIL + 1.0) * np.log1p(beyond**2 / TAIL))

        every = odds(self.severities(scene))
        return np.asarray(odds(severities) - np.log(np.mean(np.exp(every))))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return every node that draws water, and every zone; growth that shows is likelier where much is drawn."""
        network, assets = scene.network, scene.assets
        drawing = np.flatnonzero((network.node_kind == JUNCTION) & (network.base_demand > 0))
        usual = float(network.base_demand[drawing].mean()) if len(drawing) else 1.0
        single = [
            Candidate(
                self.name,
                (network.node_ids[node],),
                (int(node),),
                weight=float(np.clip(network.base_demand[node] / usual, 0.2, 10.0)),
            )
            for node in drawing
        ]
        mean = sum(one.weight for one in single) / max(len(single), 1)
        zones = []
        for zone, zone_name in enumerate(assets.zone_names):
            nodes = drawing[assets.zone[drawing] == zone]
            if len(nodes) > 1:
                names = tuple(network.node_ids[node] for node in nodes)
                indices = tuple(int(node) for node in nodes)
                zones.append(Candidate(self.name, names, indices, weight=3.0 * mean, notes={"zone": zone_name}))
        return single + zones

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) change per m³/s drawn more, shared among the nodes as they draw."""
        nodes = [node for one in candidates for node in one.indices]
        columns = np.repeat(np.arange(len(candidates)), [len(one.indices) for one in candidates])
        drawn = snapshot.conditions.demand[nodes]
        whole = np.maximum(np.bincount(columns, drawn, len(candidates)), 1e-12)
        shape = len(snapshot.state.head), len(candidates)
        shares = csc_array((drawn / whole[columns], (nodes, columns)), shape=shape)
        return np.asarray((snapshot.demand.matrix @ shares).toarray())

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) growth at this time of the day [m³/s]."""
        demand, base = snapshot.conditions.demand, snapshot.network.base_demand
        pace = np.array([demand[list(one.indices)].sum() / base[list(one.indices)].sum() for one in candidates])
        return np.asarray(pace[:, None] * severities[None, :])

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return by how much the nodes draw more."""
        return 1.0 + severity / float(network.base_demand[list(candidate.indices)].sum())

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with the nodes' demands scaled up."""
        nodes = list(candidate.indices)
        demand = conditions.demand.copy()
        demand[nodes] *= 1.0 + severity / network.base_demand[nodes].sum()
        return replace(conditions, demand=demand)

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the growth of the mean demand [l/s]."""
        return {"demand_l_s": 1e3 * severity}
