"""A sample: one reading of one point, as it was acquired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Quality(StrEnum):
    """How far a value may be believed, with the meaning OPC UA gives the words."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading, in the unit of its point.

    ``time`` is the source's, aware and in UTC, fixed when the value was acquired and never changed after, so that
    replays overwrite instead of doubling. A value that could not be read is NaN with quality ``bad``.
    ``reason`` says in a few words why a quality is not good (``timeout``, ``outside valid range``).
    """

    point: str
    time: datetime
    value: float
    quality: Quality = Quality.GOOD
    reason: str = ""

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError(f"sample of {self.point}: time {self.time.isoformat()} is naive, expected an offset")
