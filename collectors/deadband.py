"""Which samples are worth keeping: what has changed, and now and then that nothing has. Pure, one device at a time."""

from __future__ import annotations

import math

from models.point import Point
from models.sample import Sample


def width(point: Point) -> float | None:
    """Return by how much a point's value may differ from the one kept last, in its unit; None where all are kept."""
    if point.deadband_percent is not None and point.valid_min is not None and point.valid_max is not None:
        return max(point.deadband_percent / 100.0 * (point.valid_max - point.valid_min), point.deadband or 0.0)
    return point.deadband


class Deadband:
    """Remembers what was kept last of each point that has a deadband."""

    def __init__(self) -> None:
        self._kept: dict[str, Sample] = {}

    def keeps(self, point: Point, sample: Sample) -> bool:
        """Tell whether a sample is worth keeping; if so it is the one that the next are held against."""
        band = width(point)
        if band is None:
            return True
        kept = self._kept.get(point.name)
        if kept is not None and _same(kept, sample, band):
            passed_s = (sample.time - kept.time).total_seconds()
            if 0.0 <= passed_s < point.heartbeat_s:
                return False
        self._kept[point.name] = sample
        return True


def _same(kept: Sample, sample: Sample, band: float) -> bool:
    if (kept.quality, kept.reason) != (sample.quality, sample.reason):
        return False
    if math.isnan(kept.value) or math.isnan(sample.value):
        return math.isnan(kept.value) and math.isnan(sample.value)
    return abs(sample.value - kept.value) <= band
