"""From a reading to what it is worth: the time it stands for, and whether its value can be at all."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from collectors.clock import EARLIEST
from collectors.readings import Fault, Readings
from models.point import Point
from models.sample import Quality
from stores.columns import Floats, Ints
from stores.instant import microseconds

AHEAD_US = 15 * 60 * 10**6
"""How far a source's time may be ahead of its device's clock to be believed [µs]."""
_EARLIEST_US = microseconds(EARLIEST)
_MOST = sys.float_info.max
"""A bound that every number is within, and neither infinity nor NaN is."""


def stamps(source: Ints | None, now: int, last: Ints) -> Ints:
    """Return the times of readings [µs]: (N,) the source's own, else ``now``, the device's time when they were read.

    A source that puts a time to changes only shows the one of its ``last`` reading (N,) until the value changes: it
    says that the value still holds, and the sample is one of ``now``.
    """
    if source is None:
        return np.full(len(last), now, np.int64)
    # A server that has never heard of a value may say that it is of 1601, where its count of time begins.
    unset = source < _EARLIEST_US
    times: Ints = np.where(unset | (source == last) | (source > now + AHEAD_US), now, source)
    return times


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """What the values of N points are held against and kept within, (N,) each; what a point lacks bounds nothing."""

    low: Floats
    high: Floats
    clamp_low: Floats
    clamp_high: Floats
    clamps: bool

    @classmethod
    def of(cls, points: Sequence[Point]) -> Ranges:
        """Return the ranges of points."""
        return cls(
            _bounds([point.valid_min for point in points], -_MOST),
            _bounds([point.valid_max for point in points], _MOST),
            _bounds([point.clamp_min for point in points], -_MOST),
            _bounds([point.clamp_max for point in points], _MOST),
            any(point.clamp_min is not None or point.clamp_max is not None for point in points),
        )

    def take(self, which: Ints) -> Ranges:
        """Return the ranges of some of the points."""
        return Ranges(
            self.low[which], self.high[which], self.clamp_low[which], self.clamp_high[which], self.clamps
        )  # fmt: skip

    def judge(self, readings: Readings) -> Readings:
        """Return what readings of these points are worth.

        A value outside its valid range is bad, and says so; one within it is kept within what it is clamped to.
        """
        value = readings.value
        wrong = ~((value >= self.low) & (value <= self.high))
        faults = readings.faults
        if wrong.any():
            faults = self._faults(readings, np.flatnonzero(wrong).tolist())
            value = np.where(np.isfinite(value), value, math.nan)
        if self.clamps:
            clamped = np.minimum(np.maximum(value, self.clamp_low), self.clamp_high)
            bad = [place for place, (quality, _) in faults.items() if quality is Quality.BAD]
            clamped[bad] = value[bad]
            value = clamped
        return replace(readings, value=value, faults=faults)

    def _faults(self, readings: Readings, wrong: Sequence[int]) -> dict[int, Fault]:
        faults = dict(readings.faults)
        for place in wrong:
            quality, reason = faults.get(place, (Quality.GOOD, ""))
            if quality is not Quality.BAD:
                number = math.isfinite(readings.value[place])
                faults[place] = Quality.BAD, "outside valid range" if number else reason or "not a number"
        return faults


def _bounds(given: Sequence[float | None], otherwise: float) -> Floats:
    return np.array([otherwise if one is None else one for one in given], np.float64)
