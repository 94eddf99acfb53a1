"""From a reading to a sample: its time, and whether its value can be at all."""

from __future__ import annotations

import math
from datetime import datetime

from collectors.driver import Reading
from models.point import Point
from models.sample import Quality, Sample


def qualify(point: Point, reading: Reading, now: datetime) -> Sample:
    """Return the sample of a reading; a value outside the point's valid range is bad, and says so."""
    time = reading.time or now
    value, quality, reason = reading.value, reading.quality, reading.reason
    if quality is not Quality.BAD and not math.isfinite(value):
        return Sample(point.name, time, float("nan"), Quality.BAD, reason or "not a number")
    low = -math.inf if point.valid_min is None else point.valid_min
    high = math.inf if point.valid_max is None else point.valid_max
    if quality is not Quality.BAD and not low <= value <= high:
        return Sample(point.name, time, value, Quality.BAD, "outside valid range")
    return Sample(point.name, time, value, quality, reason)


def silent(point: Point, now: datetime, reason: str) -> Sample:
    """Return the sample that stands for a reading that could not be had."""
    return Sample(point.name, now, float("nan"), Quality.BAD, reason)
