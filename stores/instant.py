"""Instants as the stores keep them: whole microseconds since 1970-01-01 UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Return an aware time in microseconds, exactly."""
    return (time - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """Return the time of a count of microseconds, in UTC."""
    return EPOCH + value * MICROSECOND


def instants(values: NDArray[np.int64]) -> Iterator[datetime]:
    """Yield the times of counts of microseconds, in UTC."""
    return map(EPOCH.__add__, values.astype("m8[us]").tolist())
