"""Arrivals: what was written to the embedded store and does not lie in blocks yet, kept in mind between reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np

from stores.columns import Codes, Floats, Ints
from stores.packing import pack, unpack
from stores.run import Run

_EMPTY = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8), np.empty(0, np.int64))
_Rows = tuple[Ints, Ints, Floats, Codes, Ints]


def pack_arrival(point: Ints, run: Run) -> bytes:
    """Return samples of many points as bytes; they lie by point and time."""
    return pack((point, run.time, run.value, run.quality, run.reason))


class Arrivals:
    """The arrivals of a file as they stand in a transaction, all points' runs in one table.

    A row that has been written never changes and its id is never given again, so each is unpacked once.
    """

    def __init__(self) -> None:
        self._held: dict[int, _Rows] = {}
        self._point, self._run = _EMPTY[0], Run(*_EMPTY[1:])

    def look(self, connection: sqlite3.Connection) -> None:
        """See what is there now."""
        ids = [row[0] for row in connection.execute("SELECT id FROM arrivals ORDER BY id")]
        if ids == list(self._held):
            return
        held = {}
        for number in ids:
            held[number] = self._held.get(number) or self._fetch(connection, number)
        self._held = held
        self._sort()

    def forget(self) -> None:
        """Know nothing any more: a transaction did not come to be."""
        self._held = {}
        self._sort()

    @property
    def ids(self) -> list[int]:
        """The rows that were seen."""
        return list(self._held)

    def run(self, point: int) -> Run:
        """Return what has come of a point."""
        first, last = np.searchsorted(self._point, (point, point + 1))
        return self._run.cut(int(first), int(last))

    def runs(self) -> Iterator[tuple[int, Run]]:
        """Yield each point of which something has come, and what."""
        return by_point(self._point, self._run)

    def _fetch(self, connection: sqlite3.Connection, number: int) -> _Rows:
        (content,) = connection.execute("SELECT content FROM arrivals WHERE id = ?", (number,)).fetchone()
        return unpack(content)  # type: ignore[return-value]

    def _sort(self) -> None:
        rows = list(self._held.values()) or [_EMPTY]
        point = np.concatenate([row[0] for row in rows])
        time = np.concatenate([row[1] for row in rows])
        order = by_point_and_time(point, time)
        self._point = point[order]
        self._run = Run(
            time[order],
            np.concatenate([row[2] for row in rows])[order],
            np.concatenate([row[3] for row in rows])[order],
            np.concatenate([row[4] for row in rows])[order],
        )


def by_point_and_time(point: Ints, time: Ints) -> Ints:
    """Return the places of samples by point and time; of those of one instant, the last of each alone."""
    order = np.lexsort((time, point))
    points, times = point[order], time[order]
    kept: Ints = order[np.append((points[1:] != points[:-1]) | (times[1:] != times[:-1]), len(order) > 0)[: len(order)]]
    return kept


def by_point(point: Ints, run: Run) -> Iterator[tuple[int, Run]]:
    """Yield each point's run of samples that lie by point and time."""
    points, firsts = np.unique(point, return_index=True)
    edges = [*firsts.tolist(), len(point)]
    for number, first, last in zip(points.tolist(), edges[:-1], edges[1:], strict=True):
        yield number, run.cut(first, last)
