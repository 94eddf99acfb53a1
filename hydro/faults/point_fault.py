"""A point that reads wrong: the water is well, the gauge is not. In what ways besides an offset: ``hydro.straying``."""

from __future__ import annotations

import numpy as np

from hydro.conditions import Conditions
from hydro.faults.kind import POINTS, Candidate, Scene
from hydro.network import Network
from hydro.observables import DEMAND, HEAD, PRESSURE
from hydro.readings import Floats
from hydro.snapshot import Snapshot

METER_WEIGHT = 0.1
"""A meter fails less often than a gauge drifts [-]."""
BILLED_WEIGHT = 0.02
"""A customer's own meter is read for money: it fails less often still [-]."""


class PointFault:
    """Severity is an offset: metres at a gauge, a fraction of its usual value at a meter, of either sign."""

    name = "point_fault"
    hydraulic = False
    unrest = 0.0
    proportional = True
    of = POINTS
    abrupt_beyond = np.inf

    def severities(self, scene: Scene) -> Floats:
        """Return offsets of both signs."""
        size = np.geomspace(0.4, 25.0, 8)
        return np.concatenate([-size[::-1], size])

    def log_odds(self, scene: Scene, candidate: Candidate, severities: Floats) -> Floats:
        """Return (G,) zeros: all alike."""
        return np.zeros(len(severities))

    def candidates(self, scene: Scene) -> list[Candidate]:
        """Return every compared point."""
        weight = {PRESSURE: 1.0, HEAD: 1.0, DEMAND: BILLED_WEIGHT}
        return [
            Candidate(self.name, (point,), (row,), weight=weight.get(int(scene.observables.kind[row]), METER_WEIGHT))
            for row, point in enumerate(scene.points)
            if point in scene.fallible
        ]

    def directions(self, snapshot: Snapshot, candidates: list[Candidate]) -> Floats:
        """Return (S, C) one at the point itself."""
        columns = np.zeros((len(snapshot.value), len(candidates)))
        for column, one in enumerate(candidates):
            row = one.indices[0]
            gauge = snapshot.kind[row] in (PRESSURE, HEAD)
            # A meter's offset is counted in twentieths of what it usually shows, so that one grid serves both.
            columns[row, column] = 1.0 if gauge else 0.05 * max(abs(float(snapshot.value[row])), 1e-4)
        return columns

    def amplitudes(self, snapshot: Snapshot, candidates: list[Candidate], severities: Floats) -> Floats:
        """Return (C, G) offsets."""
        return np.broadcast_to(severities, (len(candidates), len(severities)))

    def swollen(self, candidate: Candidate, severity: float, network: Network) -> float:
        """Return 1."""
        return 1.0

    def apply(self, conditions: Conditions, candidate: Candidate, severity: float, network: Network) -> Conditions:
        """Return the conditions unchanged: no water moves."""
        return conditions

    def describe(self, candidate: Candidate, severity: float, snapshot: Snapshot) -> dict[str, float]:
        """Return the offset [m of water, or m³/s]."""
        return {"offset": severity * float(self.directions(snapshot, [candidate])[candidate.indices[0], 0])}
