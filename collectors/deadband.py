"""Which readings are worth keeping: what has changed, and now and then that nothing has. Pure, one device at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from collectors.qualify import Judgement
from models.point import Point
from models.sample import Quality


def width(point: Point) -> float | None:
    """Return by how much a point's value may differ from the one kept last, in its unit; None where all are kept."""
    if point.deadband_percent is not None and point.valid_min is not None and point.valid_max is not None:
        return max(point.deadband_percent / 100.0 * (point.valid_max - point.valid_min), point.deadband or 0.0)
    return point.deadband


class Deadband:
    """Remembers what was kept last of each point that has a deadband."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._bands = {
            point.name: (band, timedelta(seconds=point.heartbeat_s))
            for point in points
            if (band := width(point)) is not None
        }
        self._kept: dict[str, tuple[datetime, Judgement]] = {}

    def spares(self, point: str, time: datetime, judged: Judgement) -> bool:
        """Tell whether a reading need not be kept; if it is kept it is the one that the next are held against."""
        held = self._bands.get(point)
        if held is None:
            return False
        band, heartbeat = held
        kept = self._kept.get(point)
        if kept is not None and kept[0] <= time < kept[0] + heartbeat and _same(kept[1], judged, band):
            return True
        self._kept[point] = time, judged
        return False


def _same(kept: Judgement, judged: Judgement, band: float) -> bool:
    if kept[1] is not judged[1] or kept[2] != judged[2]:
        return False
    # Values that are bad for the same reason are the same, though a NaN is like nothing.
    return judged[1] is Quality.BAD or -band <= judged[0] - kept[0] <= band
