"""From a reading to a sample: the time it stands for, and whether its value can be at all."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from collectors.driver import Reading
from models.point import Point
from models.sample import Quality, Sample

AHEAD = timedelta(minutes=15)
"""How far a source's time may be ahead of its device's clock to be believed."""
Judgement = tuple[float, Quality, str]
"""A value in its point's unit, how far it may be believed, and why not further."""


def stamp(reading: Reading, now: datetime, last: datetime | None) -> datetime:
    """Return the time of a reading: the source's own, else ``now``, the device's time when it was read.

    A source that puts a time to changes only shows the one of its ``last`` reading until the value changes: it says
    that the value still holds, and the sample is one of ``now``.
    """
    if reading.time is None or reading.time == last or reading.time > now + AHEAD:
        return now
    return reading.time


def judge(point: Point, reading: Reading) -> Judgement:
    """Return what a reading is worth.

    A value outside the point's valid range is bad, and says so; one within it is kept within what it is clamped to.
    """
    _, value, quality, reason, _ = reading
    if quality is Quality.BAD:
        return value, quality, reason
    if not math.isfinite(value):
        return math.nan, Quality.BAD, reason or "not a number"
    if (point.valid_min is not None and value < point.valid_min) or (
        point.valid_max is not None and value > point.valid_max
    ):
        return value, Quality.BAD, "outside valid range"
    if point.clamp_min is not None:
        value = max(point.clamp_min, value)
    if point.clamp_max is not None:
        value = min(point.clamp_max, value)
    return value, quality, reason


def qualify(point: Point, reading: Reading, time: datetime) -> Sample:
    """Return the sample of a reading."""
    value, quality, reason = judge(point, reading)
    return Sample(point.name, time, value, quality, reason)


def silent(reason: str) -> Judgement:
    """Return what stands for a reading that could not be had."""
    return math.nan, Quality.BAD, reason
