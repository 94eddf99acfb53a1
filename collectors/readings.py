"""Readings as columns: what a device said of many points at once, a site makes tens of thousands of them a second."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from collectors.driver import Reading
from models.sample import Quality
from stores.columns import CODES, Columns, Floats, Ints
from stores.instant import instant, microseconds

NEVER = int(np.iinfo(np.int64).min)
"""Stands for a time where there is none [µs]."""
Fault = tuple[Quality, str]
"""How far a value may be believed if it is not simply good, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """N readings, a column each, which are also a sequence of :class:`~collectors.driver.Reading`.

    ``points``: N names; ``value``: (N,) in the points' units; ``faults``: by place, what is not simply good;
    ``time``: (N,) the sources' own [µs since 1970-01-01 UTC], NEVER where there is none, None where none has any.
    """

    points: tuple[str, ...]
    value: Floats
    faults: Mapping[int, Fault] = field(default_factory=dict)
    time: Ints | None = None

    @classmethod
    def of(cls, readings: Sequence[Reading] | Readings) -> Readings:
        """Return readings as columns; columns as they are."""
        if isinstance(readings, Readings):
            return readings
        times = [NEVER if one.time is None else microseconds(one.time) for one in readings]
        return cls(
            tuple(one.point for one in readings),
            np.array([one.value for one in readings], np.float64),
            {
                place: (one.quality, one.reason)
                for place, one in enumerate(readings)
                if one.quality is not Quality.GOOD or one.reason
            },
            np.array(times, np.int64),
        )

    @classmethod
    def silent(cls, points: tuple[str, ...], why: str) -> Readings:
        """Return what stands for readings that could not be had."""
        return cls(points, np.full(len(points), math.nan), dict.fromkeys(range(len(points)), (Quality.BAD, why)))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.points)

    def __getitem__(self, place: int) -> Reading:
        """Return one of them."""
        quality, reason = self.faults.get(place % len(self), (Quality.GOOD, ""))
        time = NEVER if self.time is None else int(self.time[place])
        return Reading(
            self.points[place], float(self.value[place]), quality, reason, None if time == NEVER else instant(time)
        )

    def __iter__(self) -> Iterator[Reading]:
        """Yield each."""
        return (self[place] for place in range(len(self)))

    def take(self, which: Ints) -> Readings:
        """Return some of them, by their places."""
        places = which.tolist()
        return Readings(
            tuple(self.points[place] for place in places),
            self.value[which],
            {number: self.faults[place] for number, place in enumerate(places) if place in self.faults},
            None if self.time is None else self.time[which],
        )

    def sampled(self, names: tuple[str, ...], point: Ints, time: Ints) -> Columns:
        """Return the samples of readings: ``point`` (N,) counts in ``names``; ``time`` (N,) [µs]."""
        quality, reason = np.zeros(len(self), np.uint8), np.zeros(len(self), np.int64)
        reasons = {"": 0}
        for place, (code, why) in self.faults.items():
            quality[place], reason[place] = CODES[code], reasons.setdefault(why, len(reasons))
        return Columns(names, tuple(reasons), point, time, self.value, quality, reason)
