"""The embedded telemetry store: one SQLite file, no server; other processes read while one writes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from models.sample import Quality, Sample
from stores.instant import instant, microseconds
from stores.sqlite_file import open_file, plainly, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS samples (
    point INTEGER NOT NULL, time INTEGER NOT NULL, value REAL, quality INTEGER NOT NULL, reason INTEGER NOT NULL,
    PRIMARY KEY (point, time)
) WITHOUT ROWID;
"""
_QUALITIES = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD)
_CODES = {quality: code for code, quality in enumerate(_QUALITIES)}


class EmbeddedStore:
    """Samples in one file. A value that is not a number is kept as NULL."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises
        ------
        Unavailable
            It is damaged, not writable or no telemetry store.
        """
        self._path = path
        self._connection = open_file(path, _SCHEMA)
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}
        self._words: dict[int, str] = {}
        with plainly(path):
            self._learn_words()

    def write(self, samples: Sequence[Sample]) -> None:
        """Keep samples in one transaction."""
        with self._lock, plainly(self._path), transaction(self._connection):
            rows = [
                (
                    self._id(sample.point),
                    microseconds(sample.time),
                    None if sample.value != sample.value else float(sample.value),
                    _CODES[sample.quality],
                    self._id(sample.reason),
                )
                for sample in samples
            ]
            self._connection.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)", rows)

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point."""
        limit = 2**62 if before is None else microseconds(before)
        found = {}
        query = "SELECT * FROM samples WHERE point = ? AND time < ? ORDER BY time DESC LIMIT 1"
        with self._lock, plainly(self._path):
            for point in points:
                number = self._known(point)
                row = None if number is None else self._connection.execute(query, (number, limit)).fetchone()
                if row is not None:
                    found[point] = self._sample(row)
        return found

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""
        query = "SELECT * FROM samples WHERE point = ? AND time >= ? AND time < ?"
        span = (microseconds(start), microseconds(end))
        rows = []
        with self._lock, plainly(self._path):
            for point in points:
                number = self._known(point)
                if number is not None:
                    rows += self._connection.execute(query, (number, *span)).fetchall()
            rows.sort(key=lambda row: row[1])
            return [self._sample(row) for row in rows]

    def newest(self) -> datetime | None:
        """Return the newest time of any sample."""
        # A point at a time, each by its index: a maximum over the whole table would read all of it.
        query = "SELECT max(newest) FROM (SELECT (SELECT max(time) FROM samples WHERE point = id) AS newest FROM words)"
        with self._lock, plainly(self._path):
            row = self._connection.execute(query).fetchone()
        return None if row[0] is None else instant(row[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _known(self, word: str) -> int | None:
        if word not in self._ids:
            self._learn_words()
        return self._ids.get(word)

    def _id(self, word: str) -> int:
        number = self._known(word)
        if number is None:
            # Another process may have learnt the word in between: the file decides.
            self._connection.execute("INSERT OR IGNORE INTO words (word) VALUES (?)", (word,))
            self._learn_words()
            number = self._ids[word]
        return number

    def _learn_words(self) -> None:
        for number, word in self._connection.execute("SELECT id, word FROM words"):
            self._ids[word] = number
            self._words[number] = word

    def _sample(self, row: tuple[int, int, float | None, int, int]) -> Sample:
        point, time, value, quality, reason = row
        if point not in self._words or reason not in self._words:
            self._learn_words()
        number = float("nan") if value is None else value
        return Sample(self._words[point], instant(time), number, _QUALITIES[quality], self._words[reason])
