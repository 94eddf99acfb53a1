"""Works windows and points out of scan, kept beside the records, where the monitor and people meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from models.problem import Refused
from models.works import OutOfScan, WorksKind, WorksWindow
from stores.records_database import Database
from stores.records_queries import change_row, insert_audit, insert_row, row_by_id
from stores.records_schema import OUT_OF_SCAN, WORKS


class Works:
    """What people know that the readings do not."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(self, window: WorksWindow, time: datetime) -> WorksWindow:
        """Keep a new window and return it with its id."""
        with self._database.write() as connection:
            number = insert_row(
                connection,
                WORKS,
                {
                    "kind": window.kind,
                    "start": window.start,
                    "end": window.end,
                    "ended": None,
                    "reason": window.reason,
                    "by": window.by,
                    "zones": list(window.zones),
                    "elements": list(window.elements),
                },
            )
            content = {"kind": window.kind, "start": window.start.isoformat(), "end": window.end.isoformat()}
            insert_audit(connection, time, time, window.by, "plan", f"works/{number}", content)
        return replace(window, id=number)

    def window(self, window_id: int) -> WorksWindow:
        """Return the window of that id; raises ``BadInput`` when there is none."""
        with self._database.read() as connection:
            return _window_of(row_by_id(connection, WORKS, window_id, "works"))

    def windows(self, before: int | None = None, limit: int = 100) -> tuple[WorksWindow, ...]:
        """Return windows, the newest first; those below an id when one is given."""
        query = select(WORKS).order_by(WORKS.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(WORKS.c.id < before)
        with self._database.read() as connection:
            return tuple(_window_of(row) for row in connection.execute(query))

    def holding(self, time: datetime) -> tuple[WorksWindow, ...]:
        """Return the windows that hold at an instant."""
        query = select(WORKS).where(WORKS.c.start <= time, WORKS.c.end > time).order_by(WORKS.c.id)
        with self._database.read() as connection:
            found = [_window_of(row) for row in connection.execute(query)]
        return tuple(window for window in found if window.holds_at(time))

    def end(self, window_id: int, by: str, time: datetime) -> WorksWindow:
        """End works before their time; refused when they are over."""
        with self._database.write() as connection:
            window = _window_of(row_by_id(connection, WORKS, window_id, "works", lock=True))
            if window.ended is not None or window.end <= time:
                raise Refused.of(f"works {window_id}: are over since {(window.ended or window.end).isoformat()}")
            change_row(connection, WORKS, window_id, {"ended": time})
            insert_audit(connection, time, time, by, "end", f"works/{window_id}", {})
        return replace(window, ended=time)

    def out_of_scan(self) -> dict[str, OutOfScan]:
        """Return the points that are out of scan, by name."""
        with self._database.read() as connection:
            found = connection.execute(select(OUT_OF_SCAN).order_by(OUT_OF_SCAN.c.point))
            return {row.point: OutOfScan(row.point, row.reason, row.by, row.since) for row in found}

    def take_out(self, out: OutOfScan) -> OutOfScan:
        """Take a point out of scan; refused when it is out already."""
        with self._database.write() as connection:
            there = connection.execute(select(OUT_OF_SCAN).where(OUT_OF_SCAN.c.point == out.point)).one_or_none()
            if there is not None:
                since = there.since.isoformat(timespec="seconds")
                raise Refused.of(f"point {out.point}: is out of scan already, by {there.by} since {since}")
            values = {"point": out.point, "reason": out.reason, "by": out.by, "since": out.since}
            connection.execute(insert(OUT_OF_SCAN).values(**values))
            content = {"reason": out.reason}
            insert_audit(connection, out.since, out.since, out.by, "take_out_of_scan", f"point/{out.point}", content)
        return out

    def put_back(self, point: str, by: str, time: datetime) -> None:
        """Put a point back into scan; refused when it is not out."""
        with self._database.write() as connection:
            if not connection.execute(delete(OUT_OF_SCAN).where(OUT_OF_SCAN.c.point == point)).rowcount:
                raise Refused.of(f"point {point}: is not out of scan")
            insert_audit(connection, time, time, by, "put_back_into_scan", f"point/{point}", {})


def _window_of(row: Row[Any]) -> WorksWindow:
    return WorksWindow(
        kind=WorksKind(row.kind),
        start=row.start,
        end=row.end,
        reason=row.reason,
        by=row.by,
        zones=tuple(row.zones),
        elements=tuple(row.elements),
        ended=row.ended,
        id=row.id,
    )
