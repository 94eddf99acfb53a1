"""Readings as the hydraulics see them: one series a point, in SI, at POSIX times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOUNDARIES = frozenset({"level", "status", "setting"})
"""Quantities that drive the model; all others are compared with it (a head at a reservoir drives it too)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What an instrument's reading is worth: standard deviations.

    ``pressure``, ``head`` and ``level`` carry ``pressure_m`` [m]; flows and demands ``flow_fraction`` [-] of the value,
    at least half that fraction of what the point usually shows (a meter is least exact near rest) and ``flow_floor``
    [m³/s].
    """

    pressure_m: float = 0.1
    flow_fraction: float = 0.02
    flow_floor: float = 2e-5

    def deviation(self, quantity: str, value: Floats) -> Floats:
        """Return the standard deviation of a point's readings ``value`` (T,) of ``quantity`` [SI]."""
        if quantity in ("flow", "demand"):
            known = value[np.isfinite(value)]
            usual = float(np.sqrt(np.mean(known**2))) if len(known) else 0.0
            return np.maximum(self.flow_fraction * np.maximum(np.abs(value), usual / 2.0), self.flow_floor)
        return np.full(np.shape(value), self.pressure_m)


@dataclass(frozen=True, slots=True)
class Series:
    """Believed readings of one point, sorted by time.

    ``time``: (K,) [s since 1970-01-01 UTC]; ``value``: (K,) [m of water, m³/s; status 1 open, 0 closed].
    ``deviation`` overrides the instrument's usual noise where it is known [SI].
    """

    point: str
    element: str
    quantity: str
    time: Floats
    value: Floats
    deviation: float | None = None

    def within(self, start: float, end: float) -> Series:
        """Return the readings with ``start <= time < end``."""
        first, last = np.searchsorted(self.time, [start, end])
        return Series(
            self.point, self.element, self.quantity, self.time[first:last], self.value[first:last], self.deviation
        )
