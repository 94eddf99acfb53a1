"""When to ask for what: points in groups of one period, each with its next due time. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from models.point import Point


@dataclass
class Schedule:
    """The groups of one device by period [s], and when each is due [s since 1970-01-01 UTC, of the plant].

    ``together`` holds the points of periods that were due at once: whoever gets them can tell that they are the same.
    Due times lie on the period's grid, so that devices of one period answer for the same instants. A slot that was
    missed is not made up: the past cannot be read.
    """

    groups: dict[float, tuple[Point, ...]]
    due: dict[float, float] = field(default_factory=dict)
    together: dict[tuple[float, ...], tuple[Point, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Sequence[Point]) -> Schedule:
        """Return the schedule of a device's points; everything is due at once."""
        groups: dict[float, list[Point]] = defaultdict(list)
        for point in points:
            groups[point.period_s].append(point)
        return cls({period: tuple(group) for period, group in groups.items()})

    def take(self, now: datetime) -> tuple[Point, ...]:
        """Return the points that are due, and set when they are due next."""
        stamp = now.timestamp()
        periods: tuple[float, ...] = ()
        for period in self.groups:
            due = self.due.get(period, -math.inf)
            # Due in more than two periods: the clock was set back, and what it showed before no longer counts.
            if stamp >= due or due - stamp > 2.0 * period:
                periods += (period,)
                self.due[period] = (math.floor(stamp / period) + 1) * period
        if periods not in self.together:
            self.together[periods] = tuple(point for period in periods for point in self.groups[period])
        return self.together[periods]

    def take_all(self, now: datetime) -> tuple[Point, ...]:
        """Return every point, due or not."""
        self.due.clear()
        return self.take(now)

    def put_back(self, shown: datetime) -> None:
        """Make due again what was taken too early: the device's own clock, which is only guessed, showed less."""
        stamp = shown.timestamp()
        for period, due in self.due.items():
            if 0.0 < due - period - stamp <= period:
                self.due[period] = due - period

    def left_s(self, now: datetime) -> float:
        """Return in how many plant seconds something is due; at most 0 if it is."""
        if len(self.due) < len(self.groups):
            return 0.0
        return min(self.due.values(), default=math.inf) - now.timestamp()


@dataclass
class Backoff:
    """How long to leave something silent alone: doubling from ``first_s`` to ``most_s`` wall seconds."""

    first_s: float = 0.5
    most_s: float = 5.0
    wait_s: float = 0.0

    def failed(self) -> float:
        """Return how long to wait after one more failure [s]."""
        self.wait_s = min(self.most_s, self.wait_s * 2.0 if self.wait_s else self.first_s)
        return self.wait_s

    def succeeded(self) -> None:
        """Forget the failures."""
        self.wait_s = 0.0
