"""A leak or burst: water that leaves at a node as pressure drives it, day and night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hydro.conditions import Conditions
from hydro.faults.kind import NODES, Candidate, Scene
from hydro.network import JUNCTION, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot

REFERENCE_PRESSURE = 30.0
"""Pressure [m] at which a leak's severity is its outflow."""


class Leak:
    """Severity is the outflow at 30 m of pressure [m³/s], exponent 0.5."""

    name = "leak"
    hydraulic = True
    unrest = 0.05
    proportional = True
    of = NODES
    abrupt_beyond = np.inf

    def severities(self, scene: Scene) -> Floats:
        """Return outflows from 0.3 l/s to 60, or to half of what the whole network draws [m³/s]."""
        total = float(scene.network.base_demand.sum())
        return np.geomspace(3e-4, max(6e-2, total / 2.0), 15)

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) zeros: all alike."""
        return np.zeros(len(severities))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return every junction, weighed by the length of pipe that meets there and its age."""
        network = scene.network
        length = np.zeros(len(network.node_ids))
        age = np.where(np.isfinite(scene.assets.link_age), scene.assets.link_age, 20.0)
        for end in (network.start, network.end):
            np.add.at(length, end, network.length * (1.0 + age / 30.0) / 2.0)
        junctions = np.flatnonzero(network.node_kind == JUNCTION)
        return [
            Candidate(self.name, (network.node_ids[node],), (int(node),), weight=float(length[node]) + 1.0)
            for node in junctions
        ]

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) change per m³/s of outflow."""
        return snapshot.withdrawal.columns([one.indices[0] for one in candidates])

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) outflow at the node's pressure [m³/s]."""
        nodes = [one.indices[0] for one in candidates]
        drive = np.sqrt(np.maximum(snapshot.state.pressure[nodes], 0.0) / REFERENCE_PRESSURE)
        return np.asarray(drive[:, None] * severities[None, :])

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return 1: its amplitude is of the pressure there, as it is."""
        return 1.0

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with an emitter at the node."""
        leak = conditions.leak.copy()
        leak[candidate.indices[0]] += severity / np.sqrt(REFERENCE_PRESSURE)
        return replace(conditions, leak=leak)

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the outflow [l/s] in that state."""
        return {"leak_l_s": 1e3 * float(snapshot.state.leak[candidate.indices[0]])}
