"""Scenarios: named sets of changes, kept beside the records."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select

from models.problem import Changed, Missing
from models.scenario import Change, Scenario
from stores.records_database import Database
from stores.records_queries import change_row, insert_audit, insert_row, row_by_id
from stores.records_schema import SCENARIOS

_CHANGES = TypeAdapter(tuple[Change, ...])


class Scenarios:
    """What people tried and want to keep. One that is dropped is kept, but no longer found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, scenario: Scenario) -> Scenario:
        """Keep a new scenario and return it with its id."""
        kept = replace(scenario, version=1)
        with self._database.write() as connection:
            number = insert_row(connection, SCENARIOS, {**_values(kept), "created": kept.created, "dropped": False})
            insert_audit(
                connection, kept.created, kept.created, kept.by, "keep", f"scenario/{number}", {"name": kept.name}
            )
        return replace(kept, id=number)

    def scenario(self, scenario_id: int) -> Scenario:
        """Return the scenario of that id; raises ``Missing`` when there is none."""
        with self._database.read() as connection:
            return self._found(connection, scenario_id)

    def scenarios(self, before: int | None = None, limit: int = 100) -> tuple[Scenario, ...]:
        """Return scenarios, the newest first; those below an id when one is given."""
        query = select(SCENARIOS).where(~SCENARIOS.c.dropped).order_by(SCENARIOS.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(SCENARIOS.c.id < before)
        with self._database.read() as connection:
            return tuple(_scenario_of(row) for row in connection.execute(query))

    def revise(self, scenario: Scenario, by: str, time: datetime) -> Scenario:
        """Replace a scenario's name, note and changes; refused when it has changed since it was read."""
        with self._database.write() as connection:
            current = self._current(connection, scenario)
            after = replace(
                current,
                name=scenario.name,
                note=scenario.note,
                changes=scenario.changes,
                changed=time,
                by=by,
                version=current.version + 1,
            )
            change_row(connection, SCENARIOS, scenario.id, _values(after))
            insert_audit(connection, time, time, by, "revise", f"scenario/{scenario.id}", {"name": after.name})
        return after

    def drop(self, scenario: Scenario, by: str, time: datetime) -> None:
        """Let a scenario no longer be found; refused when it has changed since it was read."""
        with self._database.write() as connection:
            self._current(connection, scenario)
            change_row(connection, SCENARIOS, scenario.id, {"dropped": True})
            insert_audit(connection, time, time, by, "drop", f"scenario/{scenario.id}", {"name": scenario.name})

    def _current(self, connection: Connection, seen: Scenario) -> Scenario:
        current = self._found(connection, seen.id, lock=True)
        if current.version != seen.version:
            when = current.changed.isoformat(timespec="seconds")
            raise Changed.of(f"scenario {seen.id}: was changed meanwhile by {current.by} at {when}")
        return current

    def _found(self, connection: Connection, scenario_id: int, lock: bool = False) -> Scenario:
        row = row_by_id(connection, SCENARIOS, scenario_id, "scenario", lock)
        if row.dropped:
            raise Missing.of(f"scenario {scenario_id}: there is none of that id")
        return _scenario_of(row)


def _values(scenario: Scenario) -> dict[str, Any]:
    return {
        "version": scenario.version,
        "name": scenario.name,
        "note": scenario.note,
        "by": scenario.by,
        "changed": scenario.changed,
        "changes": _CHANGES.dump_python(scenario.changes, mode="json"),
    }


def _scenario_of(row: Row[Any]) -> Scenario:
    return Scenario(
        name=row.name,
        changes=_CHANGES.validate_python(row.changes),
        by=row.by,
        created=row.created,
        changed=row.changed,
        note=row.note,
        id=row.id,
        version=row.version,
    )
