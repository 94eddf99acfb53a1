"""The telemetry store: samples by point and time, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from models.sample import Sample
from models.site import StoreSettings


class TelemetryStore(Protocol):
    """Keeps samples. A point has one sample at an instant: writing it again overwrites, so replays are safe.

    Every method may raise :class:`models.problem.Unavailable` when the store is away, full or not ours to read.
    """

    def write(self, samples: Sequence[Sample]) -> None:
        """Keep samples; when it returns they are kept."""

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""

    def newest(self) -> datetime | None:
        """Return the newest time of any sample; None when there is none."""

    def close(self) -> None:
        """Give the store back."""


def open_telemetry(settings: StoreSettings) -> TelemetryStore:
    """Return the store that a site's settings name."""
    if settings.telemetry == "influxdb":
        from stores.influx import InfluxStore

        assert settings.influxdb is not None
        return InfluxStore(settings.influxdb)
    from stores.embedded import EmbeddedStore

    return EmbeddedStore(settings.telemetry_file)
