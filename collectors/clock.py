"""The plant's time as a collector knows it: the wall's, or learnt from what devices say of theirs.

A device's clock may run faster than the wall's (a simulated plant), stand in steps (whole seconds, or the scans of an
outstation) and be set. It is learnt as a straight line from the monotonic clock, which nobody can set.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

LEARN_S, FORGET_S = 0.05, 30.0
"""Wall seconds between the first two looks at a clock, and those over which its rate is learnt."""
SURE_S = 5.0
"""After so many wall seconds a clock that runs as fast as the wall's is known to."""
RESOLUTION_S = 1.0
"""The coarsest step in which real clocks stand."""
SKEW_S = 900.0
"""How far a clock may be from the wall's to be believed where the site goes by the wall's."""
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""What lies outside is shown by a clock that was never set."""


class DeviceClock:
    """One device's clock: a line through what was heard of it. Instants are monotonic and in seconds."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, float]] = deque()
        self._rate = 1.0

    @property
    def heard_at(self) -> float:
        """When it was last heard; minus infinity if never."""
        return self._heard[-1][0] if self._heard else float("-inf")

    @property
    def known_s(self) -> float:
        """Over how many wall seconds its rate was learnt."""
        return self._heard[-1][0] - self._heard[0][0] if self._heard else 0.0

    def hear(self, instant: float, time: float) -> None:
        """Learn that the device showed ``time`` [s since 1970-01-01 UTC] at an instant."""
        if self._heard and self._was_set(instant, time):
            self._heard.clear()
        self._heard.append((instant, time))
        while len(self._heard) > 2 and instant - self._heard[0][0] > FORGET_S:
            self._heard.popleft()
        self._rate = self._learn()

    def at(self, instant: float) -> float:
        """Return what it shows at an instant, going on at its rate since it was last heard."""
        last, time = self._heard[-1]
        return time + (instant - last) * self._rate

    @property
    def rate(self) -> float:
        """Its seconds a wall second."""
        return self._rate

    def _learn(self) -> float:
        (first, begun), (last, now) = self._heard[0], self._heard[-1]
        if last <= first:
            return self._rate
        # A clock that stands in steps says little of its rate at first; one that may be real is taken to be.
        if abs((now - begun) - (last - first)) <= RESOLUTION_S:
            return 1.0
        return max((now - begun) / (last - first), 1e-3)

    def _was_set(self, instant: float, time: float) -> bool:
        last, told = self._heard[-1]
        if time < told or instant <= last:
            return True
        # Two wall seconds of doubt, for a plant may stumble; and the longer it was not heard, the more.
        doubt = 10.0 + self._rate * (2.0 + 0.5 * (instant - last))
        return self.known_s > 2.0 and abs(time - self.at(instant)) > doubt


class PlantClock:
    """The time of the site: the wall's, or that of its devices, the first in the site's order that answers."""

    def __init__(self, follows_devices: bool, devices: Iterable[str], wall: Callable[[], datetime]) -> None:
        self.follows_devices = follows_devices
        self._wall = wall
        self._clocks = {device: DeviceClock() for device in devices}
        self._answering: set[str] = set()

    def hear(self, device: str, instant: float, time: datetime) -> None:
        """Learn what a device's clock shows at a monotonic instant [s]."""
        self._clocks[device].hear(instant, time.timestamp())
        self._answering.add(device)

    def lose(self, device: str) -> None:
        """Note that a device does not answer: others that do are a better guide now."""
        self._answering.discard(device)

    def now(self, device: str, instant: float) -> datetime | None:
        """Return the time at a monotonic instant as a device sees it; None while no device has told it yet."""
        if not self.follows_devices:
            return self._wall()
        guide = self._guide(device)
        return None if guide is None else datetime.fromtimestamp(guide.at(instant), UTC)

    def rate(self, device: str) -> float:
        """Return plant seconds a wall second."""
        guide = self._guide(device) if self.follows_devices else None
        return 1.0 if guide is None else guide.rate

    def believed(self, told: datetime | None) -> datetime | None:
        """Return a device's time if it can be: one without a battery is not, nor, beside the wall's, one far off."""
        if told is None or not EARLIEST <= told < LATEST:
            return None
        if self.follows_devices or abs((told - self._wall()).total_seconds()) <= SKEW_S:
            return told
        return None

    def skew_s(self, told: datetime | None, latency_s: float) -> float | None:
        """Return by how much a clock is ahead of the wall's [s], read half-way through an answer that took so long.

        None where the clock says nothing, and where the site goes by its devices' clocks.
        """
        if told is None or self.follows_devices:
            return None
        return (told - self._wall()).total_seconds() + latency_s / 2.0

    def follow(self, devices: Iterable[str]) -> None:
        """Know these devices' clocks: what is known of one stays, one that is gone is forgotten."""
        self._clocks = {device: self._clocks.get(device) or DeviceClock() for device in devices}
        self._answering &= self._clocks.keys()

    def due_s(self, device: str, instant: float) -> float:
        """Return in how many wall seconds the device should be asked for its time, though nothing else be due.

        Soon at first, later and later as its rate is known better.
        """
        if not self.follows_devices:
            return float("inf")
        clock = self._clocks[device]
        if clock.rate == 1.0 and clock.known_s > SURE_S:
            return float("inf")
        pause = FORGET_S if clock.known_s > FORGET_S / 2.0 else max(LEARN_S, clock.known_s / 2.0)
        return clock.heard_at + pause - instant

    def _guide(self, device: str) -> DeviceClock | None:
        if device in self._answering and self._clocks[device].heard_at > float("-inf"):
            return self._clocks[device]
        for name, clock in self._clocks.items():
            if name in self._answering:
                return clock
        heard = [clock for clock in self._clocks.values() if clock.heard_at > float("-inf")]
        return max(heard, key=lambda clock: clock.heard_at, default=None)
