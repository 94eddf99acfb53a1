"""Telemetry in InfluxDB 2: ready-made line protocol in, Flux out.

One measurement, ``samples``, tagged by ``point``. A good sample's number is the field ``value``; a number that is not
to be believed is the field ``doubtful``, so that whoever plots or averages ``value`` sees good samples only. The field
``quality`` is always there: 192 good, 64 uncertain, 0 bad, -1 bad without a number; ``reason`` where it is not good.
Writing a sample again overwrites it: same point, same instant.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.dialect import Dialect
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from models.problem import BadInput, Unavailable
from models.readings_file import EARLIEST, LATEST
from models.sample import Quality, Sample
from models.site import InfluxSettings, Retention
from stores.columns import Columns, joined, nothing
from stores.flux import AGGREGATES, PIVOT, flux_time, literal, span
from stores.influx_retention import means_bucket, means_until, prepare
from stores.instant import microseconds
from stores.line_protocol import MEASUREMENT, QUALITY_FIELD, VOID, lines_of, means_lines
from stores.run import steps_joined
from stores.telemetry import Mean, TooOld, means_of, steps_from

CONNECT_S, TIMEOUT_S = 5.0, 30.0
"""How long a host may take to be reached, and a server to answer."""
MOST_SAID = 500
"""The most characters of what a server says that are kept."""
LINES = 10_000
"""The most lines a request carries."""
POINTS = 100
"""The most points a query names."""
_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
_REFUSALS = (400, 413, 422)
"""What the server says to lines that it will never take."""
_QUALITY_OF = {str(number): quality for quality, number in QUALITY_FIELD.items()} | {str(VOID): Quality.BAD}


class InfluxStore:
    """A bucket of an InfluxDB 2 server. Nothing is asked of the server before it is needed."""

    def __init__(self, settings: InfluxSettings, retention: Retention | None = None) -> None:
        self._settings = settings
        self._retention = retention or Retention()
        self._client = InfluxDBClient(
            url=settings.url,
            token=settings.token,
            org=settings.org,
            timeout=(round(CONNECT_S * 1e3), round(TIMEOUT_S * 1e3)),
        )
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)
        self._querying = self._client.query_api()
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="influx")

    def write(self, samples: Iterable[Sample]) -> None:
        """Keep samples; when it returns the server has said yes to all of them.

        Requests go one after the other, so that the samples of a point come in their order; the lines of the next are
        written while the server works on the last. What the bucket would drop is not sent.

        Raises
        ------
        TooOld
            Some are; the others are kept.
        """
        columns, since = Columns.of(samples), self._kept_since()
        late = columns.time < microseconds(since)
        if late.any():
            old, columns = columns.take(late), columns.take(~late)
        sent: Future[None] | None = None
        for first in range(0, len(columns), LINES):
            try:
                body = lines_of(columns.take(slice(first, first + LINES)))
            finally:
                if sent is not None:
                    sent.result()
            sent = self._sender.submit(self._send, body, self._settings.bucket)
        if sent is not None:
            sent.result()
        if late.any():
            raise TooOld.than(since, old, f"InfluxDB at {self._settings.url}")

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""
        found: dict[str, Sample] = {}
        for some in _portions(points):
            for sample in self._columns(some, EARLIEST, before or LATEST, "|> last()"):
                # A field that the newest sample does not have brings up an older one.
                if sample.point not in found or sample.time > found[sample.point].time:
                    found[sample.point] = sample
        return found

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""
        return self.columns(points, start, end).samples()

    def columns(self, points: Sequence[str], start: datetime, end: datetime) -> Columns:
        """Return the samples of points with ``start <= time < end``, in order of time, as columns."""
        return joined([self._columns(some, start, end) for some in _portions(points)]).in_order_of_time()

    def means(self, points: Sequence[str], start: datetime, end: datetime, step_s: float) -> list[Mean]:
        """Return the means of good samples over steps that begin at ``start``, in order of time."""
        step = round(step_s * 1e6)
        cut = min(max(start, means_until(self._retention, datetime.now(UTC))), end)
        found: list[Mean] = []
        for some in _portions(points):
            found += self._fresh_means(some, cut, end, microseconds(start) % step, step)
            if start < cut:
                found = _rejoined(found + self._old_means(some, start, cut), microseconds(start), step)
        return sorted(found, key=lambda mean: mean.time)

    def points(self) -> list[str]:
        """Return the names of all points of which there is a sample."""
        query = (
            'import "influxdata/influxdb/schema"\n'
            f'schema.tagValues(bucket: {literal(self._settings.bucket)}, tag: "point", start: {flux_time(EARLIEST)})'
        )
        return sorted(row["_value"] for row in self._rows(query))

    def newest(self) -> datetime | None:
        """Return the newest time of any sample."""
        return max(self._ends("last"), default=None)

    def oldest(self) -> datetime | None:
        """Return the oldest time of any sample that is kept as such."""
        return min(self._ends("first"), default=None)

    def counts(self) -> dict[str, int]:
        """Return how many samples there are of each point."""
        query = (
            f"from(bucket: {literal(self._settings.bucket)}) |> range({span(EARLIEST, LATEST)})"
            f' |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == "quality")'
            ' |> count() |> keep(columns: ["point", "_value"])'
        )
        return {row["point"]: int(row["_value"]) for row in self._rows(query)}

    def write_means(self, means: Sequence[Mean]) -> None:
        """Keep means of samples that are gone."""
        for first in range(0, len(means), LINES):
            self._send("\n".join(means_lines(means[first : first + LINES])).encode(), means_bucket(self._settings))

    def keep(self, now: datetime) -> None:
        """Do nothing: the server's buckets and its task let samples grow old. See :meth:`prepare`."""

    def prepare(self) -> None:
        """Make the buckets and the task that the retention asks for, or change them to it.

        Raises
        ------
        Unavailable
            The server does not answer, or the token may not make buckets and tasks.
        """
        with self._plainly():
            prepare(self._client, self._settings, self._retention)

    def mark(self) -> int | None:
        """Return None: a server does not say that somebody has written."""
        return None

    def close(self) -> None:
        """Let go of the connections."""
        self._sender.shutdown()
        self._writing.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]

    def _kept_since(self) -> datetime:
        days = self._retention.samples_days
        return datetime.now(UTC) - timedelta(days=days) if days else _LONG_AGO

    def _send(self, body: bytes, bucket: str) -> None:
        with self._plainly():
            self._writing.write(bucket, record=body, write_precision="us")  # type: ignore[arg-type]

    def _ends(self, which: str) -> list[datetime]:
        query = (
            f"from(bucket: {literal(self._settings.bucket)}) |> range({span(EARLIEST, LATEST)})"
            f' |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == "quality")'
            f' |> {which}() |> keep(columns: ["_time"])'
        )
        return [datetime.fromisoformat(row["_time"]) for row in self._rows(query)]

    def _columns(self, points: Sequence[str], start: datetime, end: datetime, pick: str = "") -> Columns:
        """Return samples put together from their fields."""
        if start >= end:
            return nothing()
        found: dict[tuple[str, str], dict[str, str]] = {}
        source = _source(self._settings.bucket, points, start, end)
        for row in self._rows(f'{source} {pick} |> keep(columns: ["_time", "_value", "_field", "point"])'):
            found.setdefault((row["point"], row["_time"]), {})[row["_field"]] = row["_value"]
        # A field that the newest sample does not have brings up an older one, without its quality.
        return Columns.of(_sample_of(*key, fields) for key, fields in found.items() if "quality" in fields)

    def _fresh_means(self, points: Sequence[str], start: datetime, end: datetime, offset: int, step: int) -> list[Mean]:
        """Return means that the server makes of samples, over steps [µs] that begin at ``offset`` after one."""
        if start >= end:
            return []
        data = f'{_source(self._settings.bucket, points, start, end)} |> filter(fn: (r) => r._field == "value")'
        window = f'every: {step}us, offset: {offset}us, timeSrc: "_start", createEmpty: false'
        named = ", ".join(
            f'data |> aggregateWindow(fn: {function}, {window}) |> toFloat() |> set(key: "_field", value: "{name}")'
            for name, function in AGGREGATES.items()
        )
        return self._means(f"data = {data}\nunion(tables: [{named}]) |> {PIVOT}")

    def _old_means(self, points: Sequence[str], start: datetime, end: datetime) -> list[Mean]:
        """Return the means that have been made of samples which are gone."""
        return self._means(f"{_source(means_bucket(self._settings), points, start, end)} |> toFloat() |> {PIVOT}")

    def _means(self, query: str) -> list[Mean]:
        return [
            Mean(
                row["point"],
                datetime.fromisoformat(row["_time"]),
                float(row["mean"]),
                round(float(row["count"])),
                float(row["low"]),
                float(row["high"]),
            )
            for row in self._rows(query)
        ]

    def _rows(self, query: str) -> Iterator[dict[str, str]]:
        """Yield the rows of an answer, whose tables may have different columns."""
        dialect = Dialect(header=True, annotations=[])  # type: ignore[no-untyped-call]
        with self._plainly():
            text = self._querying.query_raw(query, dialect=dialect).data.decode()
        header: list[str] | None = None
        for cells in csv.reader(io.StringIO(text, newline="")):
            if not cells:
                header = None
            elif header is None:
                header = cells
            elif "error" in header and "_value" not in header and "_time" not in header:
                raise Unavailable(f"InfluxDB at {self._settings.url}: {cells[header.index('error')]}")
            else:
                yield dict(zip(header, cells, strict=True))

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Turn what client and server say into one message with the address."""
        try:
            yield
        except (ApiException, HTTPError, OSError) as error:
            raise self._problem(error) from error

    def _problem(self, error: Exception) -> Unavailable | BadInput:
        where = f"InfluxDB at {self._settings.url}"
        if not isinstance(error, ApiException) or not error.status:
            return Unavailable(f"{where}: does not answer ({_cause(error)})")
        # A server repeats the line that it will not have, however long.
        said = (error.message or error.reason or "").strip()[:MOST_SAID]
        if error.status in _REFUSALS:
            return BadInput.of(f"{where}: refuses ({error.status}): {said}")
        if error.status in (401, 403):
            return Unavailable(
                f"{where}: the token may not use bucket {self._settings.bucket} ({error.status}: {said})"
            )
        return Unavailable(f"{where}: {error.status}: {said}")


def _source(bucket: str, points: Sequence[str], start: datetime, end: datetime) -> str:
    wanted = " or ".join(f"r.point == {literal(point)}" for point in points)
    return (
        f"from(bucket: {literal(bucket)}) |> range({span(start, end)})"
        f' |> filter(fn: (r) => r._measurement == "{MEASUREMENT}") |> filter(fn: (r) => {wanted})'
    )


def _sample_of(point: str, time: str, fields: dict[str, str]) -> Sample:
    quality = _QUALITY_OF[fields["quality"]]
    if quality is Quality.GOOD:
        return Sample(point, datetime.fromisoformat(time), float(fields.get("value", "nan")))
    void = fields["quality"] == str(VOID)
    number = math.nan if void else float(fields.get("doubtful", "nan"))
    return Sample(point, datetime.fromisoformat(time), number, quality, fields.get("reason", ""))


def _rejoined(means: Sequence[Mean], begin: int, step: int) -> list[Mean]:
    """Return means of finer or broken steps over whole ones."""
    parts: dict[str, list[Mean]] = {}
    for mean in means:
        parts.setdefault(mean.point, []).append(mean)
    return [
        mean
        for point, those in parts.items()
        for mean in means_of(point, steps_joined([steps_from(those)], begin, step))
    ]


def _portions(points: Sequence[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(points))
    for first in range(0, len(distinct), POINTS):
        yield distinct[first : first + POINTS]


def _cause(error: BaseException) -> str:
    """Return the innermost reason in a few words; the library wraps it several times."""
    inner = getattr(error, "reason", None)
    return _cause(inner) if isinstance(inner, BaseException) else str(inner or error).rpartition(": ")[2]
