"""Telemetry in InfluxDB 2: ready-made line protocol in, Flux out.

One measurement, ``samples``, tagged by ``point``. A good sample's number is the field ``value``; a number that is not
to be believed is the field ``doubtful``, so that whoever plots or averages ``value`` sees good samples only. The fields
``quality`` (``good``, ``uncertain``, ``bad``, or ``void`` for a bad one without a number) and ``reason`` are always
there. Writing a sample again overwrites it: same point, same instant, same fields.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.dialect import Dialect
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from models.problem import BadInput, Unavailable
from models.sample import Quality, Sample
from models.site import InfluxSettings
from stores.instant import microseconds
from stores.telemetry import Mean

TIMEOUT_S = 30.0
LINES = 10_000
"""The most lines a request carries."""
POINTS = 100
"""The most points a query names."""
_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_VOID = "void"
_REFUSALS = (400, 413, 422)
"""What the server says to lines that it will never take."""
_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_TEXT = str.maketrans({'"': r"\"", "\\": r"\\"})


class InfluxStore:
    """A bucket of an InfluxDB 2 server. Nothing is asked of the server before it is needed."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._client = InfluxDBClient(
            url=settings.url, token=settings.token, org=settings.org, timeout=round(TIMEOUT_S * 1e3)
        )
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)
        self._querying = self._client.query_api()

    def write(self, samples: Sequence[Sample]) -> None:
        """Keep samples; when it returns the server has said yes to all of them."""
        for first in range(0, len(samples), LINES):
            lines = "\n".join(line_of(sample) for sample in samples[first : first + LINES])
            try:
                self._writing.write(self._settings.bucket, record=lines.encode(), write_precision="us")  # type: ignore[arg-type]
            except (ApiException, HTTPError, OSError) as error:
                raise self._problem(error) from error

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""
        found: dict[str, Sample] = {}
        for some in _portions(points):
            for sample in self._samples(some, _BEGINNING, before or _END, "|> last()"):
                # A field that the newest sample does not have brings up an older one.
                if sample.point not in found or sample.time > found[sample.point].time:
                    found[sample.point] = sample
        return found

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""
        found = [sample for some in _portions(points) for sample in self._samples(some, start, end)]
        return sorted(found, key=lambda sample: sample.time)

    def means(self, points: Sequence[str], start: datetime, end: datetime, step_s: float) -> list[Mean]:
        """Return the means of good samples over steps that begin at ``start``, in order of time."""
        if start >= end:
            return []
        step = round(step_s * 1e6)
        offset = microseconds(start) % step
        window = f'every: {step}us, offset: {offset}us, timeSrc: "_start", createEmpty: false'
        found = []
        for some in _portions(points):
            query = (
                f'data = {self._source(some, start, end)} |> filter(fn: (r) => r._field == "value")\n'
                f'means = data |> aggregateWindow(fn: mean, {window}) |> set(key: "_field", value: "mean")\n'
                f"counts = data |> aggregateWindow(fn: count, {window}) |> toFloat()"
                ' |> set(key: "_field", value: "count")\n'
                "union(tables: [means, counts])"
                ' |> pivot(rowKey: ["_time", "point"], columnKey: ["_field"], valueColumn: "_value")'
            )
            found += [
                Mean(row["point"], datetime.fromisoformat(row["_time"]), float(row["mean"]), round(float(row["count"])))
                for row in self._rows(query)
            ]
        return sorted(found, key=lambda mean: mean.time)

    def newest(self) -> datetime | None:
        """Return the newest time of any sample."""
        query = (
            f"from(bucket: {_literal(self._settings.bucket)}) |> range({_span(_BEGINNING, _END)})"
            ' |> filter(fn: (r) => r._measurement == "samples" and r._field == "quality")'
            ' |> last() |> group() |> keep(columns: ["_time"]) |> max(column: "_time")'
        )
        times = [datetime.fromisoformat(row["_time"]) for row in self._rows(query)]
        return max(times, default=None)

    def mark(self) -> int | None:
        """Return None: a server does not say that somebody has written."""
        return None

    def close(self) -> None:
        """Let go of the connections."""
        self._writing.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]

    def _samples(self, points: Sequence[str], start: datetime, end: datetime, pick: str = "") -> Iterator[Sample]:
        if start >= end:
            return
        pivot = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
        for row in self._rows(f"{self._source(points, start, end)} {pick} {pivot}"):
            if row.get("quality"):
                yield _sample_of(row)

    def _source(self, points: Sequence[str], start: datetime, end: datetime) -> str:
        wanted = " or ".join(f"r.point == {_literal(point)}" for point in points)
        return (
            f"from(bucket: {_literal(self._settings.bucket)}) |> range({_span(start, end)})"
            f' |> filter(fn: (r) => r._measurement == "samples") |> filter(fn: (r) => {wanted})'
        )

    def _rows(self, query: str) -> Iterator[dict[str, str]]:
        """Yield the rows of an answer, whose tables may have different columns."""
        dialect = Dialect(header=True, annotations=[])  # type: ignore[no-untyped-call]
        try:
            answer = self._querying.query_raw(query, dialect=dialect)
            text = answer.data.decode()
        except (ApiException, HTTPError, OSError) as error:
            raise self._problem(error) from error
        header: list[str] | None = None
        for cells in csv.reader(io.StringIO(text, newline="")):
            if not cells:
                header = None
            elif header is None:
                header = cells
            elif "error" in header and "_time" not in header:
                raise Unavailable(f"InfluxDB at {self._settings.url}: {cells[header.index('error')]}")
            else:
                yield dict(zip(header, cells, strict=True))

    def _problem(self, error: Exception) -> Unavailable | BadInput:
        where = f"InfluxDB at {self._settings.url}"
        if not isinstance(error, ApiException) or not error.status:
            return Unavailable(f"{where}: does not answer ({_cause(error)})")
        said = (error.message or error.reason or "").strip()
        if error.status in _REFUSALS:
            return BadInput.of(f"{where}: refuses ({error.status}): {said}")
        if error.status in (401, 403):
            return Unavailable(
                f"{where}: the token may not use bucket {self._settings.bucket} ({error.status}: {said})"
            )
        return Unavailable(f"{where}: {error.status}: {said}")


def line_of(sample: Sample) -> str:
    """Return a sample in line protocol, with its time in microseconds."""
    quality = str(sample.quality)
    number = ""
    if math.isfinite(sample.value):
        # Once a field has been written without a decimal point, every later float is refused.
        number = f"{'value' if sample.quality is Quality.GOOD else 'doubtful'}={float(sample.value)!r},"
    elif sample.quality is Quality.BAD:
        quality = _VOID
    reason = sample.reason.translate(_TEXT)
    tag = sample.point.translate(_TAG)
    return f'samples,point={tag} {number}quality="{quality}",reason="{reason}" {microseconds(sample.time)}'


def _sample_of(row: dict[str, str]) -> Sample:
    quality, time = row["quality"], datetime.fromisoformat(row["_time"])
    if quality == _VOID:
        return Sample(row["point"], time, math.nan, Quality.BAD, row.get("reason", ""))
    number = row.get("value" if quality == Quality.GOOD else "doubtful", "")
    return Sample(row["point"], time, float(number or "nan"), Quality(quality), row.get("reason", ""))


def _literal(text: str) -> str:
    """Return a Flux string; ``${`` would be looked up in it."""
    quoted = text.translate(_TEXT).replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
    return '"' + quoted.replace("${", r"\${") + '"'


def _span(start: datetime, end: datetime) -> str:
    return f"start: {_flux_time(start)}, stop: {_flux_time(end)}"


def _flux_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _portions(points: Sequence[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(points))
    for first in range(0, len(distinct), POINTS):
        yield distinct[first : first + POINTS]


def _cause(error: BaseException) -> str:
    """Return the innermost reason in a few words; the library wraps it several times."""
    inner = getattr(error, "reason", None)
    return _cause(inner) if isinstance(inner, BaseException) else str(inner or error).rpartition(": ")[2]
