"""A complaint whose diagnosis failed: why, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=4)
"""From one try to the next, doubling: readings may come late, and a model that does not solve is mended by people."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What the last try said, when the next one is due, and how long after the last [of the plant's time]."""

    reason: str
    due: datetime
    wait: timedelta


def failed(before: Unanswered | None, reason: str, now: datetime) -> Unanswered:
    """Return how a complaint stands after one more failure at ``now``."""
    wait = FIRST_WAIT if before is None else min(2 * before.wait, LONGEST_WAIT)
    return Unanswered(reason, now + wait, wait)
