"""The embedded telemetry store: one SQLite file, no server; other processes read while one writes."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from models.sample import Quality, Sample
from stores.instant import instant, microseconds
from stores.sqlite_file import FileKind, open_file, plainly, transaction
from stores.telemetry import Mean

TELEMETRY_FILE = FileKind(
    "telemetry store",
    mark=0x48794454,
    version=1,
    schema="""
    CREATE TABLE IF NOT EXISTS points (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS reasons (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS samples (
        point_id INTEGER NOT NULL, time_us INTEGER NOT NULL,
        value REAL, quality INTEGER NOT NULL, reason_id INTEGER NOT NULL,
        PRIMARY KEY (point_id, time_us)
    ) WITHOUT ROWID;
    """,
)
_QUALITIES = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD)
_CODES = {quality: code for code, quality in enumerate(_QUALITIES)}
_FAR = 2**62
"""Later than any instant [µs]."""


class EmbeddedStore:
    """Samples in one file, for any number of threads. A value that is not finite is kept as NULL and read as NaN."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises
        ------
        Unavailable
            It is damaged, not writable or no telemetry store.
        """
        self._path = path
        self._connection = open_file(path, TELEMETRY_FILE)
        self._lock = threading.Lock()
        self._points = _Names(self._connection, "points")
        self._reasons = _Names(self._connection, "reasons")

    def write(self, samples: Sequence[Sample]) -> None:
        """Keep samples, all of them or none."""
        with self._use():
            try:
                with transaction(self._connection):
                    rows = [self._row(sample) for sample in samples]
                    self._connection.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)", rows)
            except BaseException:
                # Names given in a transaction that did not come to be are nobody's.
                self._points.forget()
                self._reasons.forget()
                raise

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""
        limit = _FAR if before is None else microseconds(before)
        query = "SELECT * FROM samples WHERE point_id = ? AND time_us < ? ORDER BY time_us DESC LIMIT 1"
        found = {}
        with self._use():
            for point, number in self._known(points):
                row = self._connection.execute(query, (number, limit)).fetchone()
                if row is not None:
                    found[point] = self._sample(row)
        return found

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""
        query = "SELECT * FROM samples WHERE point_id = ? AND time_us >= ? AND time_us < ?"
        span = (microseconds(start), microseconds(end))
        rows: list[tuple[int, int, float | None, int, int]] = []
        with self._use():
            for _, number in self._known(points):
                rows += self._connection.execute(query, (number, *span))
            rows.sort(key=lambda row: row[1])
            return [self._sample(row) for row in rows]

    def means(self, points: Sequence[str], start: datetime, end: datetime, step_s: float) -> list[Mean]:
        """Return the means of good samples over steps that begin at ``start``, in order of time."""
        begin, step = microseconds(start), round(step_s * 1e6)
        query = (
            "SELECT (time_us - ?) / ? AS step, avg(value), count(value) FROM samples"
            " WHERE point_id = ? AND time_us >= ? AND time_us < ? AND quality = 0 AND value IS NOT NULL GROUP BY step"
        )
        found: list[Mean] = []
        with self._use():
            for point, number in self._known(points):
                rows = self._connection.execute(query, (begin, step, number, begin, microseconds(end)))
                found += [Mean(point, instant(begin + place * step), value, count) for place, value, count in rows]
        return sorted(found, key=lambda mean: mean.time)

    def newest(self) -> datetime | None:
        """Return the newest time of any sample."""
        # A point at a time, each by its index: a maximum over the whole table would read all of it.
        query = "SELECT max((SELECT max(time_us) FROM samples WHERE point_id = points.id)) FROM points"
        with self._use():
            row = self._connection.execute(query).fetchone()
        return None if row[0] is None else instant(row[0])

    def mark(self) -> int | None:
        """Return a number that changes when another connection has written."""
        with self._use():
            mark: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return mark

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _use(self) -> Iterator[None]:
        with self._lock, plainly(self._path):
            yield

    def _known(self, points: Sequence[str]) -> Iterator[tuple[str, int]]:
        for point in dict.fromkeys(points):
            number = self._points.find(point)
            if number is not None:
                yield point, number

    def _row(self, sample: Sample) -> tuple[int, int, float | None, int, int]:
        return (
            self._points.id_of(sample.point),
            microseconds(sample.time),
            float(sample.value) if math.isfinite(sample.value) else None,
            _CODES[sample.quality],
            self._reasons.id_of(sample.reason),
        )

    def _sample(self, row: tuple[int, int, float | None, int, int]) -> Sample:
        point, time, value, quality, reason = row
        number = math.nan if value is None else value
        return Sample(
            self._points.name_of(point), instant(time), number, _QUALITIES[quality], self._reasons.name_of(reason)
        )


class _Names:
    """Names that stand as numbers in the samples; another process may give some, and the file decides."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._table = table
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def find(self, name: str) -> int | None:
        if name not in self._ids:
            self._learn()
        return self._ids.get(name)

    def id_of(self, name: str) -> int:
        """Return the number of a name, giving it one if it has none; inside a transaction."""
        number = self._ids.get(name)
        if number is None:
            self._connection.execute(f"INSERT OR IGNORE INTO {self._table} (name) VALUES (?)", (name,))
            self._learn()
            number = self._ids[name]
        return number

    def name_of(self, number: int) -> str:
        if number not in self._names:
            self._learn()
        return self._names[number]

    def forget(self) -> None:
        self._ids.clear()
        self._names.clear()

    def _learn(self) -> None:
        for number, name in self._connection.execute(f"SELECT id, name FROM {self._table}"):
            self._ids[name] = number
            self._names[number] = name
