"""What the customers of each node want at an instant: base · pattern · true factor · slow walk · noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from simulator.condition import ChangedDemand
from simulator.noise import Floats, Stream, normals, walk
from simulator.snapshot import Elements

_NOISE_SLOT_S = 60
"""Noise is drawn anew every minute; between two minutes it stays, whatever the hydraulic step."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How demand departs from its patterns in time; zeros for the expected demand."""

    noise_cv: float = 0.0
    walk_cv: float = 0.0
    walk_s: float = 43_200.0


@dataclass(frozen=True, slots=True)
class TrueDemand:
    """The demand of all junctions. Arrays over C demand categories and N nodes."""

    nodes: npt.NDArray[np.int64]
    """(C,) node of each category."""
    bases: Floats
    """(C,) base demand [m³/s], the file's multiplier included."""
    patterns: npt.NDArray[np.int64]
    """(C,) row of ``factors``."""
    factors: tuple[Floats, ...]
    """Pattern factors, each of its own length; row 0 is constant."""
    pattern_start_s: int
    pattern_step_s: int
    true_factor: Floats
    """(N,) persistent true demand over the file's."""
    zones: npt.NDArray[np.int64]
    """(N,) zone of each node, counted from 0."""
    seed: int
    uncertainty: Uncertainty

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.true_factor)

    def expected(self) -> TrueDemand:
        """Return the same demand without noise and walk."""
        return replace(self, uncertainty=Uncertainty())

    def at(self, elapsed_s: int, time: datetime, changes: Mapping[int, ChangedDemand]) -> Floats:
        """Return the full demand (N,) [m³/s], before pressure has its say.

        ``elapsed_s`` is the network's own time, which the patterns follow; ``time`` is what noise and walk follow.
        """
        period = (elapsed_s + self.pattern_start_s) // self.pattern_step_s
        now = np.array([factors[period % len(factors)] for factors in self.factors])
        shaped = np.bincount(self.nodes, self.bases * now[self.patterns], self.count)
        demand = shaped * self.true_factor
        if changes:
            base = np.bincount(self.nodes, self.bases, self.count)
            for node, change in changes.items():
                # A node without demand of its own draws what is added to it evenly through the day.
                shape = shaped[node] / base[node] if base[node] else 1.0
                demand[node] = demand[node] * change.scale + change.added_l_s * 1e-3 * shape
        return demand * self._chance(time)

    def _chance(self, time: datetime) -> Floats:
        seconds = time.timestamp()
        chance = np.ones(self.count)
        if self.uncertainty.noise_cv:
            noise = normals(self.seed, Stream.DEMAND, int(seconds // _NOISE_SLOT_S), self.count)
            chance = np.maximum(0.0, 1.0 + self.uncertainty.noise_cv * noise)
        if self.uncertainty.walk_cv:
            walks = [
                max(0.1, 1.0 + self.uncertainty.walk_cv * walk(self.seed, zone, seconds, self.uncertainty.walk_s))
                for zone in range(int(self.zones.max(initial=0)) + 1)
            ]
            chance = chance * np.array(walks)[self.zones]
        return chance


def zone_numbers(elements: Elements, zones: Mapping[str, str]) -> npt.NDArray[np.int64]:
    """Return the zone of each node (N,), counted from 0; nodes without one share a zone."""
    names = sorted({zones.get(node, "") for node in elements.node_ids})
    where = {name: number for number, name in enumerate(names)}
    return np.array([where[zones.get(node, "")] for node in elements.node_ids], dtype=np.int64)
