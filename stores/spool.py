"""The spool: samples wait on disk until the store has said yes.

*Acknowledged* means that ``append`` has returned: its transaction is committed. Batches leave in order, and only when
the store has them; samples that the store refuses for good are set aside, never dropped.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.sample import Quality, Sample
from stores.instant import instant, microseconds
from stores.sqlite_file import FileKind, open_file, plainly, transaction

SPOOL_FILE = FileKind(
    "spool",
    mark=0x48794453,
    version=1,
    schema="""
    CREATE TABLE IF NOT EXISTS batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, samples INTEGER NOT NULL, content TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS refused (
        id INTEGER PRIMARY KEY, samples INTEGER NOT NULL, content TEXT NOT NULL, why TEXT NOT NULL
    );
    """,
)
UNREADABLE = "unreadable"
"""Why a row is set aside that the disk has spoilt."""
BATCH = 1000
"""The most samples in a row: fewer rows are faster, but a row is read as a whole."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples that were appended together."""

    id: int
    samples: tuple[Sample, ...]


class Spool:
    """A queue of batches in one SQLite file, for any number of threads.

    With ``synchronous`` NORMAL what was acknowledged survives a killed process; with FULL it survives lost power too.
    """

    def __init__(self, path: Path, synchronous: str = "NORMAL") -> None:
        """Open the file, or make it.

        Raises
        ------
        Unavailable
            It is damaged, not writable or no spool.
        """
        self._path = path
        self._connection = open_file(path, SPOOL_FILE, synchronous)
        self._lock = threading.Lock()

    def append(self, samples: Sequence[Sample]) -> None:
        """Keep samples; when this returns they are acknowledged."""
        rows = []
        for first in range(0, len(samples), BATCH):
            part = samples[first : first + BATCH]
            rows.append((len(part), _text(part)))
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.executemany("INSERT INTO batches (samples, content) VALUES (?, ?)", rows)

    def peek(self, most: int = 10_000) -> list[Batch]:
        """Return the oldest batches, about ``most`` samples and at least one batch; they stay until forgotten."""
        batches: list[Batch] = []
        unreadable, held = [], 0
        with self._lock, plainly(self._path):
            for number, samples, content in self._connection.execute("SELECT * FROM batches ORDER BY id"):
                try:
                    batches.append(Batch(number, _samples(content)))
                except (ValueError, TypeError, OverflowError):
                    unreadable.append(number)
                    continue
                held += samples
                if held >= most:
                    break
            if unreadable:
                self._put_by(unreadable)
        return batches

    def forget(self, batches: Sequence[Batch]) -> None:
        """Let go of batches that the store has."""
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.executemany("DELETE FROM batches WHERE id = ?", [(batch.id,) for batch in batches])

    def refuse(self, samples: Sequence[Sample], why: str) -> None:
        """Keep samples that the store will never take, beside the queue."""
        row = (len(samples), _text(samples), why)
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.execute("INSERT INTO refused (samples, content, why) VALUES (?, ?, ?)", row)

    def refused(self) -> list[tuple[Sample, str]]:
        """Return the samples that the store would not take, with what it said."""
        query = "SELECT content, why FROM refused WHERE why != ? ORDER BY id"
        with self._lock, plainly(self._path):
            rows = self._connection.execute(query, (UNREADABLE,)).fetchall()
        return [(sample, why) for content, why in rows for sample in _samples(content)]

    def backlog(self) -> int:
        """Return how many samples wait."""
        with self._lock, plainly(self._path):
            row = self._connection.execute("SELECT coalesce(sum(samples), 0) FROM batches").fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _put_by(self, numbers: Sequence[int]) -> None:
        """Take rows that a broken disk has spoilt out of the way, as they are."""
        rows = [(UNREADABLE, number) for number in numbers]
        copy = "INSERT INTO refused (samples, content, why) SELECT samples, content, ? FROM batches WHERE id = ?"
        with transaction(self._connection):
            self._connection.executemany(copy, rows)
            self._connection.executemany("DELETE FROM batches WHERE id = ?", [(number,) for number in numbers])


def _text(samples: Sequence[Sample]) -> str:
    return json.dumps([_row(sample) for sample in samples], separators=(",", ":"))


def _samples(text: str) -> tuple[Sample, ...]:
    return tuple(_sample(*row) for row in json.loads(text))


def _row(sample: Sample) -> list[object]:
    value = float(sample.value) if math.isfinite(sample.value) else None
    return [sample.point, microseconds(sample.time), value, str(sample.quality), sample.reason]


def _sample(point: str, time: int, value: float | None, quality: str, reason: str) -> Sample:
    number = math.nan if value is None else float(value)
    return Sample(point, instant(time), number, Quality(quality), reason)
