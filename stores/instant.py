"""Instants as the stores keep them: whole microseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Return an aware time in microseconds, exactly."""
    return (time - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """Return the time of a count of microseconds, in UTC."""
    return EPOCH + value * MICROSECOND
