"""From what a server says of a node to a reading: value, status code and source timestamp kept."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from asyncua.ua.uatypes import DataValue

from collectors.driver import Reading
from models.point import Point
from models.quantity import STATES
from models.sample import Quality

_OVERFLOW = 0x480
"""Info bits of a status code: a data value, and changes before it were lost in the server's queue."""


def reading_of(point: Point, value: DataValue) -> Reading:
    """Return the reading of a point."""
    stamped = value.SourceTimestamp or value.ServerTimestamp
    time = None if stamped is None else aware(stamped)
    status = value.StatusCode
    number = number_of(value) * point.scale + point.offset
    if status is not None and not status.is_good():
        quality = Quality.UNCERTAIN if status.is_uncertain() and math.isfinite(number) else Quality.BAD
        return Reading(point.name, number, quality, status.name, time)
    if not math.isfinite(number):
        return Reading(point.name, math.nan, Quality.BAD, "not a number", time)
    return Reading(point.name, number, Quality.GOOD, "", time)


def number_of(value: DataValue) -> float:
    """Return a value as a number, NaN if it is none; the words for a state are numbers too."""
    content = None if value.Value is None else value.Value.Value
    if isinstance(content, str):
        return STATES.get(content.strip().lower(), math.nan)
    return float(content) if isinstance(content, bool | int | float) else math.nan


def overflowed(value: DataValue) -> bool:
    """Tell whether the server had to drop changes of this node before this one."""
    return value.StatusCode is not None and value.StatusCode.value & _OVERFLOW == _OVERFLOW


def aware(time: datetime) -> datetime:
    """Return a time as asyncua gives it, with its offset."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
