"""Pages of the records, the newest first: each begins below where the one before it ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Table, or_, select

from models.alarm import Alarm, AlarmEntry, AlarmKind, AlarmState, Priority
from models.audit import AuditEntry
from models.complaint import Complaint, ComplaintStatus
from models.diagnosis import DiagnosisEntry
from models.order import Order, OrderState
from stores import records_rows as rows
from stores.records_database import Database
from stores.records_queries import order_by_id
from stores.records_schema import ALARM_EVENTS, ALARMS, AUDIT, COMPLAINTS, DIAGNOSES, ORDERS


class Pages:
    """What lists show, however long they have grown. ``before`` is the id at which the page above ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alarms(
        self,
        states: Collection[AlarmState] = (),
        kinds: Collection[AlarmKind] = (),
        priorities: Collection[Priority] = (),
        before: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> tuple[Alarm, ...]:
        """Return alarms, the latest change first; without ``states`` those that are not normal.

        ``before`` is the time of change and the key at which the page above ended.
        """
        query = select(ALARMS).order_by(ALARMS.c.changed.desc(), ALARMS.c.key).limit(limit)
        states = states or [state for state in AlarmState if state is not AlarmState.NORMAL]
        query = query.where(ALARMS.c.state.in_([str(state) for state in states]))
        if kinds:
            query = query.where(ALARMS.c.kind.in_([str(kind) for kind in kinds]))
        if priorities:
            query = query.where(ALARMS.c.priority.in_([str(priority) for priority in priorities]))
        if before is not None:
            changed, key = before
            query = query.where(or_(ALARMS.c.changed < changed, (ALARMS.c.changed == changed) & (ALARMS.c.key > key)))
        return tuple(rows.alarm_of(row) for row in self._found(query))

    def alarm_entries(self, key: str = "", before: int | None = None, limit: int = 100) -> tuple[AlarmEntry, ...]:
        """Return lines of the log of alarm events, of one alarm or of all."""
        query = select(ALARM_EVENTS).order_by(ALARM_EVENTS.c.number.desc()).limit(limit)
        if key:
            query = query.where(ALARM_EVENTS.c.key == key)
        if before is not None:
            query = query.where(ALARM_EVENTS.c.number < before)
        return tuple(rows.alarm_entry_of(row) for row in self._found(query))

    def complaints(
        self, status: ComplaintStatus | None = None, before: int | None = None, limit: int = 100
    ) -> tuple[Complaint, ...]:
        """Return complaints of one status or of all."""
        query = _newest(COMPLAINTS, before, limit)
        if status is not None:
            query = query.where(COMPLAINTS.c.status == status)
        return tuple(rows.complaint_of(row) for row in self._found(query))

    def diagnoses(self, before: int | None = None, limit: int = 100) -> tuple[DiagnosisEntry, ...]:
        """Return what is known of kept diagnoses without their documents."""
        query = _newest(DIAGNOSES, before, limit).with_only_columns(
            *(column for column in DIAGNOSES.c if column.name != "document")
        )
        return tuple(rows.diagnosis_entry_of(row) for row in self._found(query))

    def diagnosis_entry(self, diagnosis_id: int) -> DiagnosisEntry | None:
        """Return what is known of one kept diagnosis; None when there is none of that id."""
        found = self.diagnoses(before=diagnosis_id + 1, limit=1)
        return found[0] if found and found[0].id == diagnosis_id else None

    def orders(
        self, states: Collection[OrderState] = (), before: int | None = None, limit: int = 100
    ) -> tuple[Order, ...]:
        """Return orders in any of ``states``, all states when there are none."""
        query = _newest(ORDERS, before, limit).with_only_columns(ORDERS.c.id)
        if states:
            query = query.where(ORDERS.c.state.in_([str(state) for state in states]))
        with self._database.read() as connection:
            return tuple(order_by_id(connection, number) for number in connection.scalars(query).all())

    def orders_by_alarm(self) -> dict[str, int]:
        """Return the newest order of each alarm, by key."""
        query = select(ORDERS.c.alarm_key, ORDERS.c.id).where(ORDERS.c.alarm_key != "").order_by(ORDERS.c.id)
        return {row.alarm_key: row.id for row in self._found(query)}

    def order_of_diagnosis(self, diagnosis_id: int) -> int | None:
        """Return the newest order that was made from a diagnosis; None when there is none."""
        query = select(ORDERS.c.id).where(ORDERS.c.diagnosis_id == diagnosis_id).order_by(ORDERS.c.id.desc()).limit(1)
        found = self._found(query)
        return found[0].id if found else None

    def audit(self, subject: str = "", by: str = "", before: int | None = None, limit: int = 100) -> list[AuditEntry]:
        """Return lines of the audit trail, of one subject or person or of all."""
        query = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)
        if subject:
            query = query.where(AUDIT.c.subject == subject)
        if by:
            query = query.where(AUDIT.c.by == by)
        if before is not None:
            query = query.where(AUDIT.c.number < before)
        return [rows.audit_entry_of(row) for row in self._found(query)]

    def _found(self, query: Select[Any]) -> list[Row[Any]]:
        with self._database.read() as connection:
            return list(connection.execute(query))


def _newest(table: Table, before: int | None, limit: int) -> Select[Any]:
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    return query if before is None else query.where(table.c.id < before)
