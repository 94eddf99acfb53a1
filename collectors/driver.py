"""A driver: how one kind of device is asked. Adding a protocol is adding one of these.

A driver only ever reads: what is called here is all that anybody outside a driver's folder can do to a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from models.point import Point
from models.sample import Quality

if TYPE_CHECKING:
    from collectors.readings import Readings


class NoAnswer(Exception):
    """The device as a whole did not answer, or not sensibly; the message says why in a few words."""


class Reading(NamedTuple):
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
    """What a device said when it was asked once. ``clock`` is what its own clock showed, None where it has none.

    ``told`` is what it has told by itself since it was asked last, in order: each change of each point. A reading of
    the same value and time stands among the ``readings`` if that point was asked for.
    """

    readings: Sequence[Reading] | Readings
    clock: datetime | None = None
    told: Sequence[Reading] = ()


class Driver(Protocol):
    """Reads one device, and never writes to it.

    ``longest_rest_s`` is how long it may be left alone at most while it is silent; ``news_s`` how soon it should be
    read though nothing is due, for it may have told something (infinite for one that only answers).
    """

    longest_rest_s: float
    news_s: float

    async def connect(self) -> None:
        """Reach the device, unless it is reached already; raises :class:`NoAnswer`."""

    async def read(self, points: Sequence[Point]) -> Answer:
        """Return a reading of every point, in their order, and the device's clock; no points ask for the clock alone.

        ``points`` must not change afterwards: the same sequence may be asked for again.

        Raises
        ------
        NoAnswer
            The device is silent. A point that alone cannot be read is a bad reading.
        """

    async def history(self, points: Sequence[Point], start: datetime, end: datetime) -> Sequence[Reading]:
        """Return what the device remembers of ``start < time < end``, in order of time; nothing if it has no memory.

        Raises
        ------
        NoAnswer
            The device is silent.
        """

    async def close(self) -> None:
        """Let go of the device; never raises."""
