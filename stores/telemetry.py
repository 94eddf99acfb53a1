"""The telemetry store: samples by point and time, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

import numpy as np

from models.problem import BadInput, Problem, Unavailable
from models.sample import Sample
from models.site import StoreSettings
from stores.columns import Columns
from stores.instant import instants, microseconds
from stores.run import Steps


@dataclass(frozen=True, slots=True)
class Mean:
    """The good samples of a point over one step: their mean, lowest and highest, in the point's unit.

    ``time`` is where the step begins.
    """

    point: str
    time: datetime
    value: float
    count: int
    low: float
    high: float


def means_of(point: str, steps: Steps) -> list[Mean]:
    """Return the means of a point's steps."""
    columns = (steps.total / steps.count, steps.count, steps.low, steps.high)
    rows = zip(instants(steps.time), *(column.tolist() for column in columns), strict=True)
    return [Mean(point, time, mean, count, low, high) for time, mean, count, low, high in rows]


def steps_from(means: Sequence[Mean]) -> Steps:
    """Return the steps of a point's means."""
    count = np.array([one.count for one in means], np.int64)
    return Steps(
        np.array([microseconds(one.time) for one in means], np.int64),
        np.array([one.value for one in means]) * count,
        np.array([one.low for one in means]),
        np.array([one.high for one in means]),
        count,
    )


class TooOld(BadInput):
    """Samples are older than anything that is kept: carries them; all others that were written with them are kept."""

    def __init__(self, problems: Sequence[Problem], samples: Columns) -> None:
        super().__init__(problems)
        self.samples = samples

    @classmethod
    def than(cls, since: datetime, samples: Columns, where: str) -> Self:
        """Return the error for samples from before the time since when samples are kept."""
        first = next(iter(samples))
        text = (
            f"{len(samples)} samples are older than {since.isoformat()}, since when samples are kept; the first is of"
            f" point {first.point} at {first.time.isoformat()}"
        )
        return cls([Problem(text, where)], samples)


class TelemetryStore(Protocol):
    """Keeps samples. A point has one sample at an instant: writing it again overwrites, so replays are safe.

    Every method may raise :class:`models.problem.Unavailable` when the store is away, full or not ours to read.
    """

    def write(self, samples: Iterable[Sample]) -> None:
        """Keep samples, which may be :class:`stores.columns.Columns`; when it returns they are kept.

        Raises
        ------
        TooOld
            Some of them are older than anything that is kept; the others are kept.
        BadInput
            The store will never take one of them as it stands; others may be kept already.
        """

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""

    def columns(self, points: Sequence[str], start: datetime, end: datetime) -> Columns:
        """Return what ``range`` does as columns, for many samples at once."""

    def means(self, points: Sequence[str], start: datetime, end: datetime, step_s: float) -> list[Mean]:
        """Return the means of good samples over steps that begin at ``start``, in order of time.

        A step without a good sample is left out. The last step ends at ``end``, however long it is. Where samples have
        grown old (:class:`models.site.Retention`) their means stand for them, each where it begins.
        """

    def points(self) -> list[str]:
        """Return the names of all points of which there is a sample, sorted."""

    def newest(self) -> datetime | None:
        """Return the newest time of any sample; None when there is none."""

    def mark(self) -> int | None:
        """Return a number that changes when somebody else has written; None where the store cannot say."""

    def oldest(self) -> datetime | None:
        """Return the oldest time of any sample that is kept as such; None when there is none."""

    def keep(self, now: datetime) -> None:
        """Let samples grow old as the retention says, if the store does not do it by itself."""

    def close(self) -> None:
        """Give the store back."""


def newest_or(store: TelemetryStore, otherwise: datetime) -> datetime:
    """Return the newest time of any sample, another where there is none or the store is away at the moment."""
    try:
        return store.newest() or otherwise
    except Unavailable:
        # A server that is not there yet is no reason not to begin: whoever needs it later waits for it, and says so.
        return otherwise


def open_telemetry(settings: StoreSettings) -> TelemetryStore:
    """Return the store that a site's settings name.

    An embedded store is opened, a server is first asked when it is needed: samples wait in the spool while it is away.

    Raises
    ------
    Unavailable
        The embedded store's file is damaged, locked or not ours to write.
    """
    if settings.influxdb is not None and settings.telemetry == "influxdb":
        from stores.influx import InfluxStore

        return InfluxStore(settings.influxdb, settings.retention)
    from stores.embedded import EmbeddedStore

    # What has left the spool must be as safe here as it was there.
    return EmbeddedStore(settings.telemetry_file, settings.retention, settings.spool_synchronous)
