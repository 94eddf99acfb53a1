"""The plant's clock as a collector knows it: the wall's, or learnt from what devices say of theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LEARN_S, REFRESH_S = 0.1, 2.0
"""Wall seconds between two looks at a device's clock: until its rate is known, and after."""
FORGET_S = 30.0
"""Wall seconds over which the rate of a device's clock is learnt."""


@dataclass
class PlantClock:
    """Maps the monotonic clock to plant time by a straight line through what was heard.

    With ``follows_devices`` off it is the wall's clock. ``heard`` holds (monotonic [s], device [s since 1970]).
    """

    follows_devices: bool
    wall_start: datetime
    monotonic_start: float
    heard: list[tuple[float, float]] = field(default_factory=list)

    def hear(self, monotonic: float, time: datetime) -> None:
        """Learn from a device's clock read at a monotonic instant; older ones that go back are not believed."""
        if not self.follows_devices:
            return
        stamp = time.timestamp()
        if self.heard and (monotonic <= self.heard[-1][0] or stamp < self.heard[-1][1]):
            return
        self.heard.append((monotonic, stamp))
        while len(self.heard) > 2 and monotonic - self.heard[0][0] > FORGET_S:
            self.heard.pop(0)

    @property
    def sure(self) -> bool:
        """Whether the clock's rate is known."""
        return not self.follows_devices or len(self.heard) >= 2

    def wants(self, monotonic: float) -> bool:
        """Return whether a device should be asked for its time now, though nothing else is due."""
        if not self.follows_devices:
            return False
        return not self.heard or monotonic - self.heard[-1][0] > (REFRESH_S if self.sure else LEARN_S)

    @property
    def knows(self) -> bool:
        """Whether plant time can be told."""
        return not self.follows_devices or len(self.heard) > 0

    def rate(self) -> float:
        """Return plant seconds a wall second; 1 until two readings are known."""
        if len(self.heard) < 2:
            return 1.0
        (first, begun), (last, now) = self.heard[0], self.heard[-1]
        return max((now - begun) / (last - first), 1e-3)

    def now(self, monotonic: float) -> datetime:
        """Return plant time at a monotonic instant, going on at the learnt rate when devices are silent."""
        if not self.follows_devices:
            return self.wall_start + timedelta(seconds=monotonic - self.monotonic_start)
        if not self.heard:
            raise LookupError("no device has told its time yet")
        last, stamp = self.heard[-1]
        return datetime.fromtimestamp(stamp + (monotonic - last) * self.rate(), UTC)
