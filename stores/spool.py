"""The spool: samples wait on disk until the store has said yes.

*Acknowledged* means that ``append`` has returned: its batch is committed. Batches leave in order, and only when the
store has them; one that the store refuses for good is set aside, never dropped.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.sample import Quality, Sample
from stores.instant import instant, microseconds
from stores.sqlite_file import open_file, plainly, transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, samples INTEGER NOT NULL, content TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS poison (
    id INTEGER PRIMARY KEY, samples INTEGER NOT NULL, content TEXT NOT NULL, why TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples that were appended together."""

    id: int
    samples: tuple[Sample, ...]


class Spool:
    """A queue of batches in one SQLite file, safe against a killed process; ``synchronous`` FULL against lost power."""

    def __init__(self, path: Path, synchronous: str = "NORMAL") -> None:
        """Open the file, or make it.

        Raises
        ------
        Unavailable
            It is damaged, not writable or no spool.
        """
        self._path = path
        self._connection = open_file(path, _SCHEMA, synchronous)
        self._lock = threading.Lock()

    def append(self, samples: Sequence[Sample]) -> None:
        """Keep a batch; when this returns it survives the process."""
        if not samples:
            return
        content = json.dumps([_row(sample) for sample in samples], separators=(",", ":"))
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.execute("INSERT INTO batches (samples, content) VALUES (?, ?)", (len(samples), content))

    def peek(self, batches: int = 100) -> list[Batch]:
        """Return the oldest batches; they stay until they are forgotten."""
        with self._lock, plainly(self._path):
            rows = self._connection.execute(
                "SELECT id, content FROM batches ORDER BY id LIMIT ?", (batches,)
            ).fetchall()
        return [Batch(number, tuple(_sample(row) for row in json.loads(content))) for number, content in rows]

    def forget(self, batches: Sequence[Batch]) -> None:
        """Let go of batches that the store has."""
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.executemany("DELETE FROM batches WHERE id = ?", [(batch.id,) for batch in batches])

    def set_aside(self, batch: Batch, why: str) -> None:
        """Keep a batch that the store will never take apart from the queue."""
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.execute(
                "INSERT INTO poison SELECT id, samples, content, ? FROM batches WHERE id = ?", (why, batch.id)
            )
            self._connection.execute("DELETE FROM batches WHERE id = ?", (batch.id,))

    def backlog(self) -> int:
        """Return how many samples wait."""
        with self._lock, plainly(self._path):
            row = self._connection.execute("SELECT coalesce(sum(samples), 0) FROM batches").fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _row(sample: Sample) -> list[object]:
    value = None if sample.value != sample.value else float(sample.value)
    return [sample.point, microseconds(sample.time), value, str(sample.quality), sample.reason]


def _sample(row: list[object]) -> Sample:
    point, time, value, quality, reason = row
    assert isinstance(time, int)
    number = float("nan") if value is None else float(str(value))
    return Sample(str(point), instant(time), number, Quality(str(quality)), str(reason))
