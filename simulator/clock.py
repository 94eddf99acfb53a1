"""The plant's clock: it runs N times as fast as the wall's, on a clock that nobody can set back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic


class PlantClock:
    """Plant time from the moment of its creation on."""

    def __init__(self, start: datetime, speed: float, wall: Callable[[], float] = monotonic) -> None:
        """Start at ``start``; ``speed`` is plant seconds a wall second, ``wall`` a monotonic clock [s]."""
        if start.tzinfo is None:
            raise ValueError(f"start {start.isoformat()} is naive, expected an offset")
        self.speed = _checked(speed)
        self._start = start
        self._wall = wall
        self._begun = wall()

    def now(self) -> datetime:
        """Return the plant's time."""
        return self._start + timedelta(seconds=(self._wall() - self._begun) * self.speed)

    def pace(self, speed: float) -> None:
        """Go on from now at another speed."""
        checked = _checked(speed)
        self._start, self._begun = self.now(), self._wall()
        self.speed = checked

    def wall_until(self, time: datetime) -> float:
        """Return how many seconds of the wall's clock it is until plant time ``time``; negative when it has passed."""
        return (time - self.now()).total_seconds() / self.speed


def _checked(speed: float) -> float:
    if not 0.0 < speed < float("inf"):
        raise ValueError(f"speed {speed:g}, must be > 0")
    return speed
