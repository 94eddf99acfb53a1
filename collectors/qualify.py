"""From a reading to a sample: the time it stands for, and whether its value can be at all."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from collectors.driver import Reading
from models.point import Point
from models.sample import Quality, Sample

AHEAD = timedelta(minutes=15)
"""How far a source's time may be ahead of its device's clock to be believed."""


def stamp(reading: Reading, now: datetime, last: datetime | None) -> datetime:
    """Return the time of a reading: the source's own, else ``now``, the device's time when it was read.

    A source that puts a time to changes only shows the one of its ``last`` reading until the value changes: it says
    that the value still holds, and the sample is one of ``now``.
    """
    if reading.time is None or reading.time == last or reading.time > now + AHEAD:
        return now
    return reading.time


def qualify(point: Point, reading: Reading, time: datetime) -> Sample:
    """Return the sample of a reading.

    A value outside the point's valid range is bad, and says so; one within it is kept within what it is clamped to.
    """
    value, quality, reason = reading.value, reading.quality, reading.reason
    if quality is Quality.BAD:
        return Sample(point.name, time, value, quality, reason)
    if not math.isfinite(value):
        return Sample(point.name, time, math.nan, Quality.BAD, reason or "not a number")
    if (point.valid_min is not None and value < point.valid_min) or (
        point.valid_max is not None and value > point.valid_max
    ):
        return Sample(point.name, time, value, Quality.BAD, "outside valid range")
    if point.clamp_min is not None:
        value = max(point.clamp_min, value)
    if point.clamp_max is not None:
        value = min(point.clamp_max, value)
    return Sample(point.name, time, value, quality, reason)


def silent(point: Point, now: datetime, reason: str) -> Sample:
    """Return the sample that stands for a reading that could not be had."""
    return Sample(point.name, now, math.nan, Quality.BAD, reason)
