"""A source that gives less head than the model says: a worn pump, a throttled outlet, a lower supply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hydro.conditions import Conditions
from hydro.faults.kind import NODES, Candidate, Scene
from hydro.network import RESERVOIR, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot


class SourceHeadLoss:
    """Severity is the head lost [m] between a reservoir and the network, pumps included."""

    name = "source_head_loss"
    hydraulic = True
    unrest = 0.0
    proportional = True
    of = NODES
    abrupt_beyond = np.inf

    def severities(self, scene: Scene) -> Floats:
        """Return losses from half a metre to thirty [m]."""
        return np.geomspace(0.5, 30.0, 12)

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) zeros: all alike."""
        return np.zeros(len(severities))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return every reservoir; a tank's level is measured."""
        network = scene.network
        return [
            Candidate(self.name, (network.node_ids[node],), (int(node),))
            for node in np.flatnonzero(network.node_kind == RESERVOIR)
        ]

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) change per metre of head lost."""
        return -snapshot.source.columns([one.indices[0] for one in candidates])

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) head lost [m]."""
        return np.broadcast_to(severities, (len(candidates), len(severities)))

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return 1."""
        return 1.0

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with the source's head lowered."""
        head = conditions.head.copy()
        node = candidate.indices[0]
        head[node] -= severity
        return replace(conditions, head=head)

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the head lost [m]."""
        return {"head_m": severity}
