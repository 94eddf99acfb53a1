"""A boundary valve left open: a link that is closed in the model carries water."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hydro.conditions import Conditions
from hydro.faults.kind import LINKS, Candidate, Scene
from hydro.network import PIPES, TCV, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot


class OpenBoundary:
    """Severity is the flow let through [m³/s] in the linear model; solved exactly the link is simply open."""

    name = "open_boundary"
    hydraulic = True
    unrest = 0.15
    proportional = False
    of = LINKS
    abrupt_beyond = np.inf

    def severities(self, scene: Scene) -> Floats:
        """Return flows from half a litre to a hundred litres a second [m³/s]."""
        return np.geomspace(5e-4, 0.1, 8)

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) zeros: all alike."""
        return np.zeros(len(severities))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return every pipe and throttle valve that the model closes."""
        network = scene.network
        closed = np.flatnonzero(np.isin(network.link_kind, [*PIPES, TCV]) & network.initially_closed)
        return [
            Candidate(
                self.name,
                (network.link_ids[link],),
                (int(link),),
                valve_ids=tuple(valve.valve_id for valve in scene.assets.valves_on(int(link))),
            )
            for link in closed
        ]

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) change per m³/s passing from the higher end to the lower one."""
        links = np.array([one.indices[0] for one in candidates])
        start, end = snapshot.network.start[links], snapshot.network.end[links]
        sign = np.sign(snapshot.state.head[start] - snapshot.state.head[end])
        return np.asarray((snapshot.withdrawal.columns(start) - snapshot.withdrawal.columns(end)) * sign)

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) flow [m³/s]."""
        return np.broadcast_to(severities, (len(candidates), len(severities)))

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return 1."""
        return 1.0

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with the link open."""
        status = conditions.status.copy()
        status[candidate.indices[0]] = 1.0
        return replace(conditions, status=status)

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the flow that passes [l/s], positive from start to end."""
        return {"flow_l_s": 1e3 * float(snapshot.state.flow[candidate.indices[0]])}
