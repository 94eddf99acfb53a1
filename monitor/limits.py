"""Limit alarms on points: low and high limit with a delay and a deadband. They need no model and no network.

A limit is passed when good or uncertain samples have stood beyond it for ``limit_delay_s`` of plant time without one
that did not; it is over when a sample stands back inside by ``limit_deadband``. A bad sample says nothing: it neither
raises nor clears, nor does it break a delay that runs. Samples that are older than the newest seen are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from models.alarm import AlarmKind, Priority, limit_key
from models.point import Point
from models.sample import Quality, Sample
from monitor.alarms import Condition


class Side(StrEnum):
    """Which limit."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class SideWatch:
    """One limit of a point. ``beyond_since`` is when the value first stood beyond it, ``active`` whether it alarms."""

    side: Side
    limit: float
    active: bool = False
    beyond_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A limit that was passed, or is over; ``value`` and ``limit`` are in the point's unit."""

    point: str
    side: Side
    active: bool
    time: datetime
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class LimitWatch:
    """What is known of one point's limits after the samples seen so far."""

    point: Point
    sides: tuple[SideWatch, ...]
    newest: Sample | None = None
    """The newest sample that says anything."""


def watch_limits(point: Point, open_alarms: Collection[str] = ()) -> LimitWatch:
    """Return the watch of a point; a limit whose alarm key is among ``open_alarms`` starts as passed.

    A monitor that starts again so neither clears an alarm before it has seen a sample nor waits the delay again.
    """
    limits = {Side.LOW: point.low_limit, Side.HIGH: point.high_limit}
    sides = tuple(
        SideWatch(side, limit, limit_key(point.name, side) in open_alarms)
        for side, limit in limits.items()
        if limit is not None
    )
    return LimitWatch(point, sides)


def see(watch: LimitWatch, sample: Sample) -> tuple[LimitWatch, tuple[Transition, ...]]:
    """Return the watch after a sample, and what changed with it."""
    if sample.quality is Quality.BAD or not math.isfinite(sample.value):
        return watch, ()
    if watch.newest is not None and sample.time <= watch.newest.time:
        return watch, ()
    sides = tuple(_see(side, sample, watch.point) for side in watch.sides)
    changed = tuple(
        Transition(sample.point, after.side, after.active, sample.time, sample.value, after.limit)
        for before, after in zip(watch.sides, sides, strict=True)
        if before.active != after.active
    )
    return replace(watch, sides=sides, newest=sample), changed


def _see(side: SideWatch, sample: Sample, point: Point) -> SideWatch:
    beyond = side.limit - sample.value if side.side is Side.LOW else sample.value - side.limit
    if side.active:
        over = -beyond >= point.limit_deadband
        return replace(side, active=False, beyond_since=None) if over else side
    if beyond <= 0:
        return replace(side, beyond_since=None)
    since = side.beyond_since or sample.time
    return replace(side, beyond_since=since, active=sample.time - since >= timedelta(seconds=point.limit_delay_s))


def limit_conditions(watch: LimitWatch) -> tuple[Condition, ...]:
    """Return the limits that are passed now, as conditions with the newest value."""
    if watch.newest is None:
        return ()
    point, value = watch.point, watch.newest.value
    return tuple(
        Condition(
            key=limit_key(point.name, side.side),
            kind=AlarmKind.LIMIT,
            source=point.name,
            code=f"{side.side}_limit",
            priority=Priority.HIGH,
            details={
                "element": point.element,
                "quantity": point.quantity,
                "value": value,
                "limit": side.limit,
                "unit": point.unit,
            },
        )
        for side in watch.sides
        if side.active
    )


@dataclass
class LimitBoard:
    """The watches of every point of a site that has a limit."""

    _watches: dict[str, LimitWatch] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Iterable[Point], open_alarms: Collection[str] = ()) -> LimitBoard:
        """Return the board for ``points``, going on where ``open_alarms`` (alarm keys) left off."""
        watches = (watch_limits(point, open_alarms) for point in points)
        return cls({watch.point.name: watch for watch in watches if watch.sides})

    def see(self, samples: Iterable[Sample]) -> tuple[Transition, ...]:
        """Look at samples in any order of points, in time order for each point; return what changed."""
        changed: list[Transition] = []
        for sample in samples:
            watch = self._watches.get(sample.point)
            if watch is not None:
                self._watches[sample.point], news = see(watch, sample)
                changed.extend(news)
        return tuple(changed)

    def conditions(self) -> tuple[Condition, ...]:
        """Return every limit that is passed now."""
        return tuple(condition for watch in self._watches.values() for condition in limit_conditions(watch))

    def unknown(self) -> frozenset[str]:
        """Return the alarm keys of points of which nothing was seen yet: those are neither raised nor cleared."""
        return frozenset(
            limit_key(watch.point.name, side.side)
            for watch in self._watches.values()
            if watch.newest is None
            for side in watch.sides
        )
