"""The embedded telemetry store: one SQLite file, no server; other processes read while one writes.

What comes is written down as it comes (``arrivals``): a batch, a row. When enough has come it settles: each point's
samples go into blocks of some thousand, columns packed, so that a point's day is a few rows of the file and not a
hundred thousand. A read looks at both. Samples that are too old to be kept one by one become means over some minutes.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from models.problem import Damaged
from models.sample import Sample, samples_of
from models.site import Retention
from stores.arrivals import Arrivals, by_point, by_point_and_time, pack_arrival
from stores.columns import QUALITIES, Columns, Ints, joined
from stores.instant import instant, instants, microseconds
from stores.names import Names
from stores.packing import Spoilt
from stores.run import MOST, Run, Steps, apart, merged, steps_joined, steps_of, steps_unpacked, unpacked
from stores.sqlite_file import FileKind, Synchronous, open_file, plainly, transaction
from stores.telemetry import Mean, TooOld, means_of

TELEMETRY_FILE = FileKind(
    "telemetry store",
    mark=0x48794454,
    version=2,
    schema="""
    CREATE TABLE IF NOT EXISTS points (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS reasons (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS newest (
        point_id INTEGER PRIMARY KEY, time_us INTEGER NOT NULL,
        value REAL, quality INTEGER NOT NULL, reason_id INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS arrivals (
        id INTEGER PRIMARY KEY AUTOINCREMENT, samples INTEGER NOT NULL, content BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS blocks (
        id INTEGER PRIMARY KEY, point_id INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        samples INTEGER NOT NULL, content BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS blocks_of_point ON blocks (point_id, first_us, last_us, samples);
    CREATE TABLE IF NOT EXISTS means (
        id INTEGER PRIMARY KEY, point_id INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
        content BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS means_of_point ON means (point_id, first_us, last_us);
    CREATE TABLE IF NOT EXISTS kept (what TEXT PRIMARY KEY, since_us INTEGER NOT NULL) WITHOUT ROWID;
    """,
)
SETTLE = 200_000
"""Samples that may have come before they settle; and a hundred a point, so that a settling pays."""
SETTLE_ROWS = 500
"""Rows that may have come before they settle: each is looked for at every read."""
MANY = 1000
"""So many points are read quicker by reading all."""
PORTION = 64
"""Blocks that grow old in one transaction: nobody waits long."""


class EmbeddedStore:
    """Samples in one file, for any number of threads. A value that is not finite is read as NaN."""

    def __init__(self, path: Path, retention: Retention | None = None, synchronous: Synchronous = "normal") -> None:
        """Open the file, or make it.

        With ``synchronous`` normal what was written survives a killed process, with full lost power too.

        Raises
        ------
        Damaged
            It is damaged or no telemetry store of this version.
        Unavailable
            It is not writable.
        """
        self._path = path
        self._retention = retention or Retention()
        self._connection = open_file(path, TELEMETRY_FILE, synchronous)
        self._lock = threading.Lock()
        self._points = Names(self._connection, "points")
        self._reasons = Names(self._connection, "reasons")
        self._arrivals = Arrivals()

    def write(self, samples: Iterable[Sample]) -> None:
        """Keep samples, all of them or none; but what is older than anything that is kept is refused.

        Raises
        ------
        TooOld
            Some are; the others are kept.
        """
        columns = Columns.of(samples)
        with self._change():
            since = self._kept_since("samples")
            if since is not None and bool((columns.time < since).any()):
                old, columns = columns.take(columns.time < since), columns.take(columns.time >= since)
            else:
                old = columns.take(slice(0))
            self._take_in(columns)
        if len(old):
            raise TooOld.than(instant(since or 0), old, str(self._path))

    def latest(self, points: Sequence[str], before: datetime | None = None) -> dict[str, Sample]:
        """Return the newest sample of each point, of those before an instant when one is given."""
        with self._look():
            names = self._points.known(points)
            if len(names) < MANY:
                query = "SELECT newest.* FROM json_each(?) JOIN newest ON point_id = json_each.value"
                rows = self._connection.execute(query, (json.dumps(list(names)),)).fetchall()
            else:
                held = self._connection.execute("SELECT * FROM newest").fetchall()
                rows = held if len(held) == len(names) else [row for row in held if row[0] in names]
            if before is not None:
                limit = microseconds(before)
                late = [row[0] for row in rows if row[1] >= limit]
                rows = [row for row in rows if row[1] < limit]
                rows += [row for point in late if (row := self._last_before(point, limit)) is not None]
            if not rows:
                return {}
            point, time, value, quality, reason = zip(*rows, strict=True)
            reasons = {number: self._reasons.name_of(number) for number in set(reason)}
        found = samples_of(
            [names[number] for number in point],
            instants(np.array(time, np.int64)),
            [math.nan if number is None else number for number in value],
            [QUALITIES[code] for code in quality],
            [reasons[number] for number in reason],
        )
        return {sample.point: sample for sample in found}

    def range(self, points: Sequence[str], start: datetime, end: datetime) -> list[Sample]:
        """Return the samples of points with ``start <= time < end``, in order of time."""
        return self.columns(points, start, end).samples()

    def columns(self, points: Sequence[str], start: datetime, end: datetime) -> Columns:
        """Return the samples of points with ``start <= time < end``, in order of time, as columns."""
        span = (microseconds(start), microseconds(end))
        with self._look():
            parts = [self._columns(name, self._run(point, *span)) for point, name in self._points.known(points).items()]
        return joined(parts).in_order_of_time()

    def means(self, points: Sequence[str], start: datetime, end: datetime, step_s: float) -> list[Mean]:
        """Return the means of good samples over steps that begin at ``start``, in order of time."""
        begin, step = microseconds(start), round(step_s * 1e6)
        found: list[Mean] = []
        with self._look():
            for point, name in self._points.known(points).items():
                runs = apart(self._runs(point, begin, microseconds(end)))
                parts = [steps_of(run, begin, step) for run in runs]
                parts += self._old_steps(point, begin, microseconds(end))
                found += means_of(name, steps_joined(parts, begin, step))
        return sorted(found, key=lambda mean: mean.time)

    def points(self) -> list[str]:
        """Return the names of all points of which there is a sample."""
        with self._look():
            query = "SELECT name FROM points JOIN newest ON point_id = id ORDER BY name"
            return [row[0] for row in self._connection.execute(query)]

    def old_means(self) -> Iterator[list[Mean]]:
        """Yield, a point at a time, the means of samples that have grown old."""
        for name in self.points():
            with self._look():
                parts = [self._old_steps(point, -(2**62), 2**62) for point, _ in self._points.known([name]).items()]
            means = [mean for steps in parts for one in steps for mean in means_of(name, one)]
            if means:
                yield means

    def newest(self) -> datetime | None:
        """Return the newest time of any sample."""
        with self._look():
            row = self._connection.execute("SELECT max(time_us) FROM newest").fetchone()
        return None if row[0] is None else instant(row[0])

    def mark(self) -> int | None:
        """Return a number that changes when another connection has written."""
        with self._lock, self._plainly():
            mark: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return mark

    def oldest(self) -> datetime | None:
        """Return the oldest time of any sample that is kept as such."""
        with self._look():
            row = self._connection.execute(
                "SELECT min((SELECT min(first_us) FROM blocks WHERE point_id = points.id)) FROM points"
            ).fetchone()
            times = [int(run.time[0]) for _, run in self._arrivals.runs()]
        times += [row[0]] if row[0] is not None else []
        return instant(min(times)) if times else None

    def keep(self, now: datetime) -> None:
        """Let samples grow old: those beyond the retention become means, and old means go."""
        retention, step = self._retention, round(self._retention.means_step_s * 1e6)
        if retention.samples_days:
            cut = (microseconds(now) - round(retention.samples_days * 86400e6)) // step * step
            with self._change():
                self._settle()
                self._keep_since("samples", cut)
            while self._grow_old(cut, step):
                pass
        if retention.means_days:
            cut = microseconds(now) - round(retention.means_days * 86400e6)
            with self._change():
                self._connection.execute("DELETE FROM means WHERE last_us < ?", (cut,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _look(self) -> Iterator[None]:
        """Read in one transaction: what settles meanwhile is seen before or after, and never twice or not at all."""
        with self._lock, self._plainly():
            self._connection.execute("BEGIN")
            try:
                self._arrivals.look(self._connection)
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock, self._plainly():
            try:
                with transaction(self._connection):
                    yield
            except BaseException:
                # Names and rows of a transaction that did not come to be are nobody's.
                self._points.forget()
                self._reasons.forget()
                self._arrivals.forget()
                raise

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            with plainly(self._path):
                yield
        except Spoilt as error:
            raise Damaged(
                f"{self._path}: is damaged ({error}); it was left as it is. Move it away to start anew, or restore a"
                " copy"
            ) from error

    def _columns(self, name: str, run: Run) -> Columns:
        reasons, place = np.unique(run.reason, return_inverse=True)
        names = tuple(self._reasons.name_of(number) for number in reasons.tolist())
        return Columns((name,), names, np.zeros(len(run), np.int64), run.time, run.value, run.quality, place)

    def _run(self, point: int, start: int, end: int) -> Run:
        """Return a point's samples with ``start <= time < end`` [µs]."""
        return merged(self._runs(point, start, end))

    def _runs(self, point: int, start: int, end: int) -> list[Run]:
        """Return a point's samples with ``start <= time < end`` [µs] as they lie in blocks, and what came last."""
        query = "SELECT content FROM blocks WHERE point_id = ? AND first_us < ? AND last_us >= ? ORDER BY first_us"
        settled = [unpacked(row[0]) for row in self._connection.execute(query, (point, end, start))]
        return [run.between(start, end) for run in (*settled, self._arrivals.run(point))]

    def _last_before(self, point: int, limit: int) -> tuple[int, int, float, int, int] | None:
        query = "SELECT content FROM blocks WHERE point_id = ? AND first_us < ? ORDER BY first_us DESC LIMIT 1"
        settled = [unpacked(row[0]) for row in self._connection.execute(query, (point, limit))]
        run = merged(
            [one.cut(0, int(np.searchsorted(one.time, limit))) for one in (*settled, self._arrivals.run(point))]
        )
        if not len(run):
            return None
        return point, int(run.time[-1]), float(run.value[-1]), int(run.quality[-1]), int(run.reason[-1])

    def _old_steps(self, point: int, start: int, end: int) -> list[Steps]:
        query = "SELECT content FROM means WHERE point_id = ? AND first_us < ? AND last_us >= ? ORDER BY first_us"
        return [
            steps_unpacked(row[0]).between(start, end) for row in self._connection.execute(query, (point, end, start))
        ]

    def _take_in(self, columns: Columns) -> None:
        """Write samples down as they come; so many that they would settle at once go into blocks."""
        if not len(columns):
            return
        point, run = self._by_point(columns)
        self._renew(point, run)
        if len(point) >= SETTLE:
            self._settle()
            for number, one in by_point(point, run):
                self._settle_point(number, one)
            return
        content = (len(point), pack_arrival(point, run))
        self._connection.execute("INSERT INTO arrivals (samples, content) VALUES (?, ?)", content)
        rows, samples = self._connection.execute("SELECT count(*), sum(samples) FROM arrivals").fetchone()
        if rows >= SETTLE_ROWS or samples >= max(SETTLE, 100 * len(self._points)):
            self._settle()

    def _by_point(self, columns: Columns) -> tuple[Ints, Run]:
        numbers = np.array([self._points.id_of(name) for name in columns.points], np.int64)[columns.point]
        reasons = np.array([self._reasons.id_of(name) for name in columns.reasons], np.int64)[columns.reason]
        order = by_point_and_time(numbers, columns.time)
        return numbers[order], Run(columns.time[order], columns.value[order], columns.quality[order], reasons[order])

    def _renew(self, point: Ints, run: Run) -> None:
        """See to the newest samples of points."""
        last = np.flatnonzero(np.append(point[1:] != point[:-1], True))
        rows = zip(
            *(column[last].tolist() for column in (point, run.time, run.value, run.quality, run.reason)), strict=True
        )
        self._connection.executemany(
            "INSERT INTO newest VALUES (?, ?, ?, ?, ?) ON CONFLICT (point_id) DO UPDATE SET time_us = excluded.time_us,"
            " value = excluded.value, quality = excluded.quality, reason_id = excluded.reason_id"
            " WHERE excluded.time_us >= time_us",
            rows,
        )

    def _settle(self) -> None:
        """Put what has come into blocks."""
        self._arrivals.look(self._connection)
        for point, run in self._arrivals.runs():
            self._settle_point(point, run)
        done = [(number,) for number in self._arrivals.ids]
        self._connection.executemany("DELETE FROM arrivals WHERE id = ?", done)

    def _settle_point(self, point: int, run: Run) -> None:
        first, last = int(run.time[0]), int(run.time[-1])
        blocks = self._connection.execute(
            "SELECT id, first_us, last_us FROM blocks WHERE point_id = ?1 AND first_us <= ?3 AND first_us >="
            " coalesce((SELECT max(first_us) FROM blocks WHERE point_id = ?1 AND first_us <= ?2), ?2)"
            " ORDER BY first_us",
            (point, first, last),
        ).fetchall()
        if not blocks:
            self._add_blocks(point, run)
            return
        # A sample belongs to the last block that begins before it; what lies before them all, to the first.
        begins = np.array([block[1] for block in blocks[1:]], np.int64)
        edges = [0, *np.searchsorted(run.time, begins).tolist(), len(run)]
        for (number, _, end), low, high in zip(blocks, edges[:-1], edges[1:], strict=True):
            part = run.cut(low, high)
            if not len(part):
                continue
            late = int(part.time[0]) <= end
            self._add_blocks(point, self._with_block(number, part) if late else self._gathered(point, part))

    def _gathered(self, point: int, part: Run) -> Run:
        """Return a run with the samples of blocks before it that are not full and no longer than it is by then.

        So a sample is packed anew a few times until its block is full, and not whenever something comes behind it.
        """
        query = "SELECT id, samples FROM blocks WHERE point_id = ? AND first_us < ? ORDER BY first_us DESC LIMIT 1"
        while True:
            row = self._connection.execute(query, (point, int(part.time[0]))).fetchone()
            if row is None or row[1] >= MOST or row[1] > len(part):
                return part
            longer = self._with_block(row[0], part)
            if longer is part:
                return part
            part = longer

    def _with_block(self, number: int, part: Run) -> Run:
        """Return a run with a block's samples, which leave the block; one that is spoilt stays, and blocks nothing."""
        (content,) = self._connection.execute("SELECT content FROM blocks WHERE id = ?", (number,)).fetchone()
        try:
            part = merged([unpacked(content), part])
        except Spoilt:
            return part
        self._connection.execute("DELETE FROM blocks WHERE id = ?", (number,))
        return part

    def _add_blocks(self, point: int, run: Run) -> None:
        self._connection.executemany(
            "INSERT INTO blocks (point_id, first_us, last_us, samples, content) VALUES (?, ?, ?, ?, ?)",
            [(point, int(one.time[0]), int(one.time[-1]), len(one), one.packed()) for one in run.pieces() if len(one)],
        )

    def _grow_old(self, cut: int, step: int) -> bool:
        """Make means of some blocks that begin before ``cut`` [µs]; return whether there may be more."""
        query = "SELECT id, point_id, content FROM blocks WHERE first_us < ? ORDER BY point_id, first_us LIMIT ?"
        with self._change():
            rows = self._connection.execute(query, (cut, PORTION)).fetchall()
            for number, point, content in rows:
                run = unpacked(content)
                edge = int(np.searchsorted(run.time, cut))
                steps = steps_of(run.cut(0, edge), 0, step)
                if len(steps.time):
                    self._connection.execute(
                        "INSERT INTO means (point_id, first_us, last_us, content) VALUES (?, ?, ?, ?)",
                        (point, int(steps.time[0]), int(steps.time[-1]), steps.packed()),
                    )
                self._connection.execute("DELETE FROM blocks WHERE id = ?", (number,))
                self._add_blocks(point, run.cut(edge, len(run)))
        return len(rows) == PORTION

    def _kept_since(self, what: str) -> int | None:
        row = self._connection.execute("SELECT since_us FROM kept WHERE what = ?", (what,)).fetchone()
        return None if row is None else int(row[0])

    def _keep_since(self, what: str, since: int) -> None:
        self._connection.execute(
            "INSERT INTO kept VALUES (?, ?)"
            " ON CONFLICT (what) DO UPDATE SET since_us = max(since_us, excluded.since_us)",
            (what, since),
        )
