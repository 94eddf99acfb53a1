"""A closed or partly closed valve or an obstructed pipe: a minor loss that the model does not have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hydro.conditions import Conditions
from hydro.faults.kind import LINKS, Candidate, Scene
from hydro.network import PIPES, Network
from hydro.readings import Floats
from hydro.snapshot import Snapshot

GRAVITY = 9.80665
SMOOTH, SMOOTH_WEIGHT = ("PE", "HDPE", "MDPE", "PVC"), 0.3
"""Materials to whose walls nothing clings, and how likely such a pipe is to be obstructed beside others [-]."""
LEAST_PRESSURE = 0.5
"""Pressure that a blockage may always take away [m]."""
CLOSED = 1e9
"""A minor loss that stands for a closed valve where a formula wants a number [-]."""
NEARLY_CLOSED = 1e5
"""Minor loss beyond which a valve may as well be closed: what is behind it then hangs on nothing any more [-]."""


def added_headloss(snapshot: Snapshot, links: np.ndarray, minor_loss: Floats) -> Floats:
    """Return (k, G) headloss [m] of minor losses added to links.

    Seen from the link, the rest of the network is a straight line of headloss against flow with ``snapshot.slope``;
    the added loss is where that line meets K·q²·8/(gπ²D⁴): a quadratic in the flow that remains.
    """
    diameter = snapshot.network.diameter[links][:, None]
    flow = snapshot.state.flow[links][:, None]
    slope = np.maximum(snapshot.slope[links], 1e-9)[:, None]
    curve = minor_loss[None, :] * 8.0 / (GRAVITY * np.pi**2 * diameter**4)
    # q + (curve/slope) q² = |q0| for the remaining flow's size.
    ratio = curve / slope
    remaining = 2.0 * np.abs(flow) / (1.0 + np.sqrt(1.0 + 4.0 * ratio * np.abs(flow)))
    # No more is lost than the pressure below: where it is gone, no water is drawn.
    below = np.where(flow[:, 0] > 0, snapshot.network.end[links], snapshot.network.start[links])
    most = np.maximum(snapshot.state.pressure[below], LEAST_PRESSURE)[:, None]
    return np.asarray(np.sign(flow) * np.minimum(slope * (np.abs(flow) - remaining), most))


def blockage_for(snapshot: Snapshot, link: int, headloss: float) -> float:
    """Return the minor loss [-] that adds a headloss [m] to a link; a closed valve's where none is enough."""
    flow, slope = abs(float(snapshot.state.flow[link])), max(float(snapshot.slope[link]), 1e-9)
    remaining = flow - headloss / slope
    if remaining <= 0.0:
        return CLOSED
    curve = headloss / remaining**2
    return float(curve * GRAVITY * np.pi**2 * snapshot.network.diameter[link] ** 4 / 8.0)


class BlockedLink:
    """Candidates are all open pipes; the register's valves and the pipe's age weigh them."""

    name = "blocked_link"
    hydraulic = True
    unrest = 0.15
    proportional = False
    of = LINKS
    abrupt_beyond = NEARLY_CLOSED

    def severities(self, scene: Scene) -> Floats:
        """Return minor losses from a barely noticeable one to a nearly closed valve [-]."""
        return np.append(np.logspace(1.0, 6.0, 16), CLOSED)

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) zeros: all alike."""
        return np.zeros(len(severities))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return every pipe that is open in the model."""
        network = scene.network
        pipes = np.flatnonzero(np.isin(network.link_kind, PIPES) & ~network.initially_closed)
        return [
            Candidate(
                self.name,
                (network.link_ids[link],),
                (int(link),),
                weight=_weight(scene, int(link)),
                valve_ids=tuple(valve.valve_id for valve in scene.assets.valves_on(int(link))),
            )
            for link in pipes
        ]

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) change per metre of added headloss."""
        return snapshot.headloss.columns([one.indices[0] for one in candidates])

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) added headloss [m]."""
        return added_headloss(snapshot, np.array([one.indices[0] for one in candidates]), severities)

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return 1: its amplitude is of the flow there, as it is."""
        return 1.0

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions with the minor loss added to the link's own; a closed valve is a closed link."""
        link = candidate.indices[0]
        if severity >= CLOSED:
            status = conditions.status.copy()
            status[link] = 0.0
            return replace(conditions, status=status)
        minor_loss = conditions.minor_loss.copy()
        own = network.minor_loss[link] if np.isnan(minor_loss[link]) else minor_loss[link]
        minor_loss[link] = own + severity
        return replace(conditions, minor_loss=minor_loss)

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the minor loss [-]."""
        return {"minor_loss": severity}


def _weight(scene: Scene, link: int) -> float:
    """Return how much likelier than an average pipe this one is to be throttled.

    A gate valve that nobody has turned for decades fills with debris or loses its spindle; a plain pipe silts up
    rarely, an unlined old one sooner, a smooth plastic one hardly ever. The figures are a utility's to edit; they
    order, they do not decide.
    """
    material = scene.assets.link_material[link].upper()
    weight = SMOOTH_WEIGHT if material.startswith(SMOOTH) else 1.0
    for valve in scene.assets.valves_on(link):
        age = 15.0 if np.isnan(valve.age) else valve.age
        idle = min(age, 10.0) if np.isnan(valve.idle) else valve.idle
        weight += 0.25 + min(age, 40.0) / 40.0 + min(idle, 20.0) / 20.0
    age = scene.assets.link_age[link]
    if np.isfinite(age) and "IRON" in material:
        weight += min(age, 60.0) / 60.0
    return weight
