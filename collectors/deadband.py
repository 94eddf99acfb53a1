"""Which samples are worth keeping: what has changed, and now and then that nothing has. Pure, one device at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from collectors.readings import NEVER
from models.point import Point
from models.sample import Quality
from stores.columns import CODES, Columns

_BAD = CODES[Quality.BAD]


def width(point: Point) -> float | None:
    """Return by how much a point's value may differ from the one kept last, in its unit; None where all are kept."""
    if point.deadband_percent is not None and point.valid_min is not None and point.valid_max is not None:
        return max(point.deadband_percent / 100.0 * (point.valid_max - point.valid_min), point.deadband or 0.0)
    return point.deadband


class Deadband:
    """Remembers what was kept last of each of N points."""

    def __init__(self, points: Sequence[Point]) -> None:
        bands = [width(point) for point in points]
        # A value that differs from another is never within NaN of it.
        self._band = np.array([math.nan if band is None else band for band in bands], np.float64)
        self._heartbeat = np.array([round(1e6 * point.heartbeat_s) for point in points], np.int64)
        self._any = any(band is not None for band in bands)
        self._reasons: dict[str, int] = {}
        self._time = np.full(len(points), NEVER, np.int64)
        self._value = np.full(len(points), math.nan)
        self._quality = np.zeros(len(points), np.uint8)
        self._reason = np.zeros(len(points), np.int64)

    def keep(self, samples: Columns) -> Columns:
        """Return the samples worth keeping; ``samples.point`` counts in the N points, each at most once."""
        if not self._any or not len(samples):
            return samples
        place = samples.point
        numbers = [self._reasons.setdefault(why, len(self._reasons)) for why in samples.reasons]
        reason, band = np.array(numbers, np.int64)[samples.reason], self._band[place]
        kept, heartbeat = self._time[place], self._heartbeat[place]
        # Values that are bad for the same reason are the same, though a NaN is like nothing.
        same = (np.abs(samples.value - self._value[place]) <= band) | ((samples.quality == _BAD) & ~np.isnan(band))
        same &= (samples.quality == self._quality[place]) & (reason == self._reason[place])
        worth = ~(same & (kept != NEVER) & (kept <= samples.time) & (samples.time - heartbeat < kept))
        if not worth.all():
            samples, reason = samples.take(worth), reason[worth]
            place = samples.point
        self._time[place], self._value[place] = samples.time, samples.value
        self._quality[place], self._reason[place] = samples.quality, reason
        return samples
