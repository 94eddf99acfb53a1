"""A driver: how one kind of device is asked. Adding a protocol is adding one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.point import Point
from models.sample import Quality


class NoAnswer(Exception):
    """The device as a whole did not answer, or not sensibly; the message says why in a few words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device said of a point: an engineering value in the point's unit, not yet held against its range.

    ``time`` is the source's own for this very value, where the protocol carries one.
    """

    point: str
    value: float
    quality: Quality = Quality.GOOD
    reason: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device said when it was asked once. ``clock`` is what its own clock showed, None where it has none."""

    readings: tuple[Reading, ...]
    clock: datetime | None = None


class Driver(Protocol):
    """Reads one device, and never writes to it."""

    async def connect(self) -> None:
        """Reach the device, unless it is reached already; raises :class:`NoAnswer`."""

    async def read(self, points: Sequence[Point]) -> Answer:
        """Return a reading of every point, in their order, and the device's clock; no points ask for the clock alone.

        Raises
        ------
        NoAnswer
            The device is silent. A point that alone cannot be read is a bad reading.
        """

    async def close(self) -> None:
        """Let go of the device; never raises."""
