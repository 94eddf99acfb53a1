"""The samples of a device: each of its readings gets its time and is judged, and what is worth keeping is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from collectors.deadband import Deadband
from collectors.driver import Reading
from collectors.health import DeviceHealth
from collectors.qualify import Ranges, stamps
from collectors.readings import NEVER, Readings
from models.point import Point
from models.sample import Quality
from stores.columns import CODES, Columns, Ints, joined
from stores.instant import microseconds

_BAD = CODES[Quality.BAD]


class Sampler:
    """Makes samples of what a device says of its points, and notes in its health what they are worth."""

    def __init__(self, points: Sequence[Point], health: DeviceHealth | None = None) -> None:
        self._names = tuple(point.name for point in points)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._health = health
        self._ranges = Ranges.of(points)
        self._deadband = Deadband(points)
        self._source = np.full(len(points), NEVER, np.int64)
        self._bad = np.zeros(len(points), np.bool_)
        self._asked: Sequence[Point] = ()
        self._asked_place = np.empty(0, np.int64)
        self._asked_ranges = self._ranges.take(self._asked_place)

    def read(self, points: Sequence[Point], readings: Sequence[Reading] | Readings, now: datetime) -> Columns:
        """Return the samples of readings of points in their order, read at ``now``."""
        # The same points are asked for again and again; a sequence that was asked for is kept, so it is still the same.
        if points is not self._asked:
            self._asked, self._asked_place = points, self._places([point.name for point in points])
            self._asked_ranges = self._ranges.take(self._asked_place)
        given, place = Readings.of(readings), self._asked_place
        time = stamps(given.time, microseconds(now), self._source[place])
        if given.time is not None:
            self._source[place] = np.where(given.time == NEVER, self._source[place], given.time)
        return self._kept(self._asked_ranges.judge(given), place, time)

    def told(self, readings: Sequence[Reading], now: datetime) -> Columns:
        """Return the samples of changes, in order; one whose time is known already was read before it was told."""
        given, parts = Readings.of(readings), list[Columns]()
        for which in _rounds(self._places(given.points)):
            one = given.take(which)
            place, unknown = self._places(one.points), np.full(len(one), NEVER, np.int64)
            source, last = unknown if one.time is None else one.time, self._source[place]
            time = stamps(source, microseconds(now), unknown)
            self._source[place] = np.maximum(source, last)
            judged = self._ranges.take(place).judge(one)
            parts.append(self._kept(judged, place, time, (source == NEVER) | (source != last)))
        return joined(parts)

    def remembered(self, readings: Sequence[Reading]) -> Columns:
        """Return the samples of what a device remembers, which has times of its own; all are kept."""
        given = Readings.of([one for one in readings if one.time is not None])
        place = self._places(given.points)
        assert given.time is not None
        return self._ranges.take(place).judge(given).sampled(self._names, place, given.time)

    def silent(self, points: Sequence[Point], now: datetime, why: str) -> Columns:
        """Return what stands for readings that could not be had."""
        names = tuple(point.name for point in points)
        time = np.full(len(names), microseconds(now), np.int64)
        return self._kept(Readings.silent(names, why), self._places(names), time)

    def _kept(self, judged: Readings, place: Ints, time: Ints, news: np.ndarray | None = None) -> Columns:
        samples = judged.sampled(self._names, place, time)
        if news is not None and not news.all():
            samples = samples.take(news)
        if self._health is not None:
            self._health.samples += len(samples)
            if judged.faults or self._health.bad:
                self._bad[samples.point] = samples.quality == _BAD
                self._health.bad = int(np.count_nonzero(self._bad))
        return self._deadband.keep(samples)

    def _places(self, names: Sequence[str]) -> Ints:
        return np.array([self._numbers[name] for name in names], np.int64)


def _rounds(place: Ints) -> Iterator[Ints]:
    """Yield the first of each place, then the second of each and so on, so that a round has each at most once."""
    order = np.argsort(place, kind="stable")
    begins = np.flatnonzero(np.append(True, place[order][1:] != place[order][:-1])) if len(place) else order
    turn = np.arange(len(place)) - np.repeat(begins, np.diff(np.append(begins, len(place))))
    for number in range(int(turn.max(initial=-1)) + 1):
        yield np.sort(order[turn == number])
