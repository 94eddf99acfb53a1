"""The spool: samples wait on disk until the store has said yes.

*Acknowledged* means that ``append`` has returned: its transaction is committed. Batches leave in order, and only when
the store has them. What the store refuses for good is set aside, and so is a row that the disk has spoilt. When the
spool has grown to what it may have of the disk, the oldest batches make way for the newest, and are counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.sample import Sample
from models.site import StoreSettings
from stores.columns import Columns, joined
from stores.instant import instant, microseconds
from stores.packing import Spoilt, pack_columns, unpack_columns
from stores.sqlite_file import FileKind, Synchronous, open_file, plainly, transaction

_TOTAL = """
    CREATE TABLE IF NOT EXISTS total (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), waiting INTEGER NOT NULL);
    INSERT OR IGNORE INTO total VALUES (1, (SELECT coalesce(sum(samples), 0) FROM batches));
    CREATE TRIGGER IF NOT EXISTS batch_comes AFTER INSERT ON batches
        BEGIN UPDATE total SET waiting = waiting + new.samples; END;
    CREATE TRIGGER IF NOT EXISTS batch_goes AFTER DELETE ON batches
        BEGIN UPDATE total SET waiting = waiting - old.samples; END;
    """
"""How much waits, without a look at each row: after days without a store there are millions."""
SPOOL_FILE = FileKind(
    "spool",
    mark=0x48794453,
    version=3,
    since_last=_TOTAL,
    schema="""
    CREATE TABLE IF NOT EXISTS batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, samples INTEGER NOT NULL,
        first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, content BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS refused (
        id INTEGER PRIMARY KEY, samples INTEGER NOT NULL, content BLOB NOT NULL, why TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS losses (
        why TEXT PRIMARY KEY, samples INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL
    ) WITHOUT ROWID;
    """
    + _TOTAL,
)
UNREADABLE = "unreadable"
"""Why a row is set aside that the disk has spoilt."""
FULL = "the spool was full"
"""Why the oldest samples are lost."""
BATCH = 10_000
"""The most samples in a row: fewer rows are faster, but a row is read as a whole."""
MOST_BYTES = 4 * 10**9


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples that were appended together."""

    id: int
    samples: Columns


@dataclass(frozen=True, slots=True)
class Loss:
    """Samples that are gone, counted since the spool was made: why, how many, the oldest and the newest."""

    why: str
    samples: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class SpoolState:
    """How a spool stands.

    ``oldest`` is the id of the batch that leaves next, None when nothing waits; ``full_share`` what the file holds of
    what it may; ``set_aside`` counts samples beside the queue, refused by the store or spoilt by the disk.
    """

    waiting: int
    oldest: int | None
    full_share: float
    set_aside: int
    losses: tuple[Loss, ...]


class Spool:
    """A queue of batches in one SQLite file, for any number of threads.

    With ``synchronous`` normal what was acknowledged survives a killed process; with full it survives lost power too.
    """

    def __init__(self, path: Path, synchronous: Synchronous = "normal", most_bytes: int = MOST_BYTES) -> None:
        """Open the file, or make it.

        Raises
        ------
        Damaged
            It is damaged or no spool of this version.
        Unavailable
            It is not writable.
        """
        self._path = path
        self._most_bytes = most_bytes
        self._connection = open_file(path, SPOOL_FILE, synchronous)
        self._lock = threading.Lock()

    def append(self, samples: Iterable[Sample]) -> int:
        """Keep samples; when this returns they are acknowledged. Return how many old ones had to make way."""
        columns = Columns.of(samples)
        if not len(columns):
            return 0
        parts = [columns.take(slice(first, first + BATCH)).compact() for first in range(0, len(columns), BATCH)]
        rows = [(*_extent(part), pack_columns(part)) for part in parts]
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO batches (samples, first_us, last_us, content) VALUES (?, ?, ?, ?)", rows
            )
            return self._make_way(len(rows))

    def peek(self, most: int = BATCH) -> list[Batch]:
        """Return the oldest batches, at least ``most`` samples where so many wait; they stay until forgotten."""
        batches: list[Batch] = []
        unreadable, held = [], 0
        query = "SELECT id, samples, content FROM batches ORDER BY id"
        with self._lock, plainly(self._path):
            for number, samples, content in self._connection.execute(query):
                try:
                    batches.append(Batch(number, unpack_columns(content)))
                except Spoilt:
                    unreadable.append(number)
                    continue
                held += samples
                if held >= most:
                    break
            if unreadable:
                self._put_by(unreadable)
        return batches

    def newest(self, most: int) -> Columns:
        """Return what has come last of what waits, at least ``most`` samples where so many wait."""
        parts, held = [], 0
        with self._lock, plainly(self._path):
            for samples, content in self._connection.execute("SELECT samples, content FROM batches ORDER BY id DESC"):
                # A row that is spoilt is put by when its turn comes.
                with suppress(Spoilt):
                    parts.append(unpack_columns(content))
                held += samples
                if held >= most:
                    break
        return joined(parts[::-1])

    def forget(self, batches: Sequence[Batch]) -> None:
        """Let go of batches that the store has."""
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.executemany("DELETE FROM batches WHERE id = ?", [(batch.id,) for batch in batches])

    def refuse(self, samples: Iterable[Sample], why: str) -> None:
        """Keep samples that the store will never take, beside the queue."""
        columns = Columns.of(samples)
        row = (len(columns), pack_columns(columns), why)
        with self._lock, plainly(self._path), transaction(self._connection):
            self._connection.execute("INSERT INTO refused (samples, content, why) VALUES (?, ?, ?)", row)

    def refused(self) -> list[tuple[Sample, str]]:
        """Return the samples that the store would not take, with what it said."""
        query = "SELECT content, why FROM refused WHERE why != ? ORDER BY id"
        with self._lock, plainly(self._path):
            rows = self._connection.execute(query, (UNREADABLE,)).fetchall()
        return [(sample, why) for content, why in rows for sample in unpack_columns(content)]

    def note_loss(self, loss: Loss) -> None:
        """Count samples that are gone and never came to be here."""
        extent = (loss.samples, microseconds(loss.first), microseconds(loss.last))
        with self._lock, plainly(self._path), transaction(self._connection):
            self._count_lost(loss.why, *extent)

    def state(self) -> SpoolState:
        """Return how the spool stands."""
        with self._lock, plainly(self._path):
            oldest = self._connection.execute("SELECT min(id) FROM batches").fetchone()[0]
            rows = self._connection.execute("SELECT why, samples, first_us, last_us FROM losses").fetchall()
            return SpoolState(
                waiting=self._waiting(),
                oldest=oldest,
                full_share=self._used() / self._most_bytes,
                set_aside=self._connection.execute("SELECT coalesce(sum(samples), 0) FROM refused").fetchone()[0],
                losses=tuple(Loss(why, lost, instant(first), instant(last)) for why, lost, first, last in rows),
            )

    def backlog(self) -> int:
        """Return how many samples wait."""
        with self._lock, plainly(self._path):
            return self._waiting()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _waiting(self) -> int:
        return int(self._connection.execute("SELECT waiting FROM total").fetchone()[0])

    def _make_way(self, newest: int) -> int:
        """Delete the oldest batches, but none of the ``newest`` rows, until the file holds no more than it may."""
        lost = 0
        while self._used() > self._most_bytes:
            waiting = "SELECT id, samples, first_us, last_us FROM batches ORDER BY id LIMIT ?"
            row, *others = self._connection.execute(waiting, (newest + 1,)).fetchall()
            if len(others) < newest:
                break
            self._connection.execute("DELETE FROM batches WHERE id = ?", row[:1])
            self._count_lost(FULL, *row[1:])
            lost += row[1]
        return lost

    def _used(self) -> int:
        """Return the bytes of the file that hold something."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _count_lost(self, why: str, samples: int, first_us: int, last_us: int) -> None:
        self._connection.execute(
            "INSERT INTO losses VALUES (?, ?, ?, ?) ON CONFLICT (why) DO UPDATE SET"
            " samples = samples + excluded.samples,"
            " first_us = min(first_us, excluded.first_us), last_us = max(last_us, excluded.last_us)",
            (why, samples, first_us, last_us),
        )

    def _put_by(self, numbers: Sequence[int]) -> None:
        """Take rows that a broken disk has spoilt out of the way, as they are."""
        rows = [(UNREADABLE, number) for number in numbers]
        copy = "INSERT INTO refused (samples, content, why) SELECT samples, content, ? FROM batches WHERE id = ?"
        with transaction(self._connection):
            self._connection.executemany(copy, rows)
            self._connection.executemany("DELETE FROM batches WHERE id = ?", [(number,) for number in numbers])


def _extent(columns: Columns) -> tuple[int, int, int]:
    """Return how many samples there are, and the first and last of their times."""
    return len(columns), int(columns.time.min()), int(columns.time.max())


def open_spool(settings: StoreSettings) -> Spool:
    """Return the spool that a site's settings name; raises :class:`models.problem.Unavailable`."""
    return Spool(settings.spool_file, settings.spool_synchronous, round(settings.spool_mb * 1e6))
