"""The telemetry store: samples by point and time, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.sample import Sample
from models.site import StoreSettings


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a point's good samples over one step, in the point's unit; ``time`` is where the step begins."""

    point: str
    time: datetime
    value: float
    count: int


class TelemetryStore(Protocol):
    """Keeps samples. A point has one sample at an instant: writing it again overwrites, so replays are safe.

    Every method may raise :class:`models.problem.Unavailable` when the store is away, full or not ours to read.
    """

    def write(self, samples: Sequence[Sample]) -> None:
        """Keep samples; when it returns they are kept.

        Raises
        ------
        BadInput
            The store will never take one of them, as it stands; others of them may be kept already.
        """

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""

    def means(self, points: Sequence[str], start: datetime, end: datetime, step_s: float) -> list[Mean]:
        """Return the means of good samples over steps that begin at ``start``, in order of time.

        A step without a good sample is left out. The last step ends at ``end``, however long it is.
        """

    def newest(self) -> datetime | None:
        """Return the newest time of any sample; None when there is none."""

    def mark(self) -> int | None:
        """Return a number that changes when somebody else has written; None where the store cannot say."""

    def close(self) -> None:
        """Give the store back."""


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

        return InfluxStore(settings.influxdb)
    from stores.embedded import EmbeddedStore

    return EmbeddedStore(settings.telemetry_file)
