"""From what a server says of a node to a reading: value, status code and source timestamp kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from asyncua.ua.uatypes import DataValue, NodeId

from collectors.driver import Reading
from collectors.readings import NEVER, Fault, Readings
from models.point import Point
from models.quantity import STATES
from models.sample import Quality
from stores.columns import Floats
from stores.instant import microseconds

_SEVERITY = 0xC0000000
"""The bits of a status code that are set where it is not good."""
_OVERFLOW = 0x480
"""Info bits of a status code: a data value, and changes before it were lost in the server's queue."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """N points that are asked for together: their names and nodes, and what makes values in their units of numbers."""

    points: Sequence[Point]
    names: tuple[str, ...]
    nodes: list[NodeId]
    scale: Floats
    offset: Floats

    @classmethod
    def of(cls, points: Sequence[Point], nodes: list[NodeId]) -> Asked:
        """Return points as they are asked for."""
        scale, offset = [point.scale for point in points], [point.offset for point in points]
        names = tuple(point.name for point in points)
        return cls(points, names, nodes, np.array(scale, np.float64), np.array(offset, np.float64))


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


def readings_of(asked: Asked, values: Sequence[DataValue]) -> Readings:
    """Return the readings of all points that were asked for, which is :func:`reading_of` for many at once."""
    numbers, times, faults = [], [], dict[int, Fault]()
    for place, value in enumerate(values):
        content, status = value.Value, value.StatusCode
        number = None if content is None else content.Value
        numbers.append(number if type(number) is float else number_of(value))
        stamped = value.SourceTimestamp or value.ServerTimestamp
        times.append(NEVER if stamped is None else microseconds(stamped))
        if status is not None and status.value & _SEVERITY:
            faults[place] = (Quality.UNCERTAIN if status.is_uncertain() else Quality.BAD), status.name
    found = np.array(numbers, np.float64) * asked.scale + asked.offset
    for place in np.flatnonzero(~np.isfinite(found)).tolist():
        faults[place] = Quality.BAD, faults.get(place, (None, "not a number"))[1]
    return Readings(asked.names, found, faults, np.array(times, np.int64))


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
