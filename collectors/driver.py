"""A driver: how one kind of device is asked. Adding a protocol is adding one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.point import Point
from models.sample import Quality


class NoAnswer(Exception):
    """The device did not answer, or not with what was asked; the message says why in a few words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device said of a point: an engineering value in the point's unit, not yet held against its range.

    ``time`` is the source's own where the protocol carries one.
    """

    point: str
    value: float
    quality: Quality = Quality.GOOD
    reason: str = ""
    time: datetime | None = None


class Driver(Protocol):
    """Reads one device, and never writes to it."""

    async def connect(self) -> None:
        """Reach the device; raises :class:`NoAnswer`."""

    async def read(self, points: Sequence[Point]) -> list[Reading]:
        """Return a reading of every point; raises :class:`NoAnswer` when the device as a whole is silent."""

    async def clock(self) -> datetime | None:
        """Return the device's own time, None where it declares none; raises :class:`NoAnswer`."""

    async def close(self) -> None:
        """Let go of the device; never raises."""
