"""The records: alarms, complaints, diagnoses, orders, notices and the audit trail, where all processes meet.

Every method is one transaction, safe from threads and from several processes at once. Who acts on something that
somebody else has changed meanwhile is told so (:class:`models.problem.Refused`) and nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, insert, select, update

from models.alarm import Alarm, AlarmEntry, AlarmEvent, AlarmState, PersonEvent, Raise, describe_state, step
from models.audit import AuditEntry
from models.complaint import Complaint, ComplaintStatus
from models.diagnosis import DiagnosisEntry, Document
from models.measurement import HandReading
from models.notice import Notice
from models.order import OPEN_STATES, Finding, Gain, Order, OrderState, advance
from models.order import describe_state as describe_order_state
from models.problem import Changed, Missing, Refused
from stores import records_rows as rows
from stores.records_database import BUSY_TIMEOUT_S, Database
from stores.records_queries import (
    alarm_by_key,
    change_row,
    diagnosis_values,
    event_content,
    insert_audit,
    insert_row,
    order_by_id,
    row_by_id,
)
from stores.records_schema import (
    ALARM_EVENTS,
    ALARMS,
    AUDIT,
    BEATS,
    COMPLAINTS,
    DIAGNOSES,
    FINDINGS,
    HAND_READINGS,
    NOTICES,
    ORDERS,
)

MACHINE = "hydro"
"""The name on what no person did."""


class Records:
    """The records database of a site, open."""

    def __init__(
        self,
        url: str,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the records at ``url`` (a path or a SQLAlchemy URL); a new database is made, an old one migrated.

        Raises
        ------
        BadInput
            The file is damaged, is no database, is another program's or was written by a newer Hydro.
        Unavailable
            The database is locked, read-only, out of disk or not there.
        """
        self._database = Database(url, busy_timeout_s)
        self._wall_clock = wall_clock

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def database(self) -> Database:
        """The open database, for what is kept beside the records: accounts, scenarios, works."""
        return self._database

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of everything that this thread does inside: all of it is kept, or none."""
        return self._database.together()

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    # -- alarms ------------------------------------------------------------------------------------------------

    def open_alarms(self) -> tuple[Alarm, ...]:
        """Return every alarm that is not normal, the newest change first; held ones are among them."""
        with self._database.read() as connection:
            found = connection.execute(
                select(ALARMS).where(ALARMS.c.state != AlarmState.NORMAL).order_by(ALARMS.c.changed.desc())
            )
            return tuple(rows.alarm_of(row) for row in found)

    def alarm(self, key: str) -> Alarm | None:
        """Return the alarm of that key, normal ones too; ``None`` when it was never raised."""
        with self._database.read() as connection:
            return alarm_by_key(connection, key)

    def apply(self, alarm: Alarm, event: AlarmEvent) -> Alarm:
        """Apply ``event`` to the kept alarm and return it; a raise keeps an alarm that is new.

        Plant events go to the alarm as it is now. What a person does goes to the alarm that the person saw.

        Raises
        ------
        Refused
            The event does not fit the state, or somebody changed the alarm since ``alarm`` was read.
        """
        return self.apply_all([(alarm, event)])[0]

    def apply_all(self, changes: Sequence[tuple[Alarm, AlarmEvent]]) -> tuple[Alarm, ...]:
        """Apply several events in order, all or none; see :meth:`apply`."""
        if not changes:
            return ()
        with self._database.write() as connection:
            return tuple(self._apply(connection, alarm, event) for alarm, event in changes)

    def _apply(self, connection: Connection, seen: Alarm, event: AlarmEvent) -> Alarm:
        current = alarm_by_key(connection, seen.key, lock=True)
        if isinstance(event, PersonEvent):
            if current is None:
                raise Missing.of(f"alarm {seen.key}: there is none of that key")
            if current.version != seen.version:
                raise Changed.of(f"alarm {seen.key}: has changed meanwhile, it is now {describe_state(current)}")
        elif current is None and not isinstance(event, Raise):
            return seen
        after = step(current or seen, event)
        if current is None:
            connection.execute(insert(ALARMS).values(rows.alarm_values(after)))
        elif after != current:
            connection.execute(update(ALARMS).where(ALARMS.c.key == seen.key).values(rows.alarm_values(after)))
        if current is None or after.version != current.version:
            self._log(connection, after, event)
        return after

    def _log(self, connection: Connection, alarm: Alarm, event: AlarmEvent) -> None:
        name = type(event).__name__.lower()
        content = event_content(event)
        by = event.by.strip() if isinstance(event, PersonEvent) else ""
        entry = {"key": alarm.key, "time": event.time, "event": name, "state": alarm.state, "by": by}
        connection.execute(insert(ALARM_EVENTS).values(**entry, details=content))
        if by:
            self._audit(connection, event.time, by, name, f"alarm/{alarm.key}", content)

    def alarm_entries(self, key: str = "", after: int = 0, limit: int = 1000) -> tuple[AlarmEntry, ...]:
        """Return the log of alarm events in order: those numbered above ``after``, of one alarm or of all."""
        query = select(ALARM_EVENTS).where(ALARM_EVENTS.c.number > after).order_by(ALARM_EVENTS.c.number).limit(limit)
        if key:
            query = query.where(ALARM_EVENTS.c.key == key)
        with self._database.read() as connection:
            return tuple(rows.alarm_entry_of(row) for row in connection.execute(query))

    # -- complaints --------------------------------------------------------------------------------------------

    def register_complaint(self, complaint: Complaint) -> Complaint:
        """Keep a new complaint and return it with its id."""
        with self._database.write() as connection:
            number = insert_row(connection, COMPLAINTS, rows.complaint_values(complaint))
            by = complaint.raised_by or complaint.customer_id
            content = {"customer_id": complaint.customer_id, "node": complaint.node}
            self._audit(connection, complaint.time, by, "register", f"complaint/{number}", content)
        return replace(complaint, id=number, time=complaint.time.astimezone(UTC))

    def complaint(self, complaint_id: int) -> Complaint:
        """Return the complaint of that id; raises ``BadInput`` when there is none."""
        with self._database.read() as connection:
            return rows.complaint_of(row_by_id(connection, COMPLAINTS, complaint_id, "complaint"))

    def complaints(self, status: ComplaintStatus | None = None) -> tuple[Complaint, ...]:
        """Return the complaints of one status or of all, oldest first."""
        query = select(COMPLAINTS).order_by(COMPLAINTS.c.id)
        if status is not None:
            query = query.where(COMPLAINTS.c.status == status)
        with self._database.read() as connection:
            return tuple(rows.complaint_of(row) for row in connection.execute(query))

    def unanswered_complaints(self) -> tuple[Complaint, ...]:
        """Return the complaints that no diagnosis has looked at yet, oldest first."""
        return self.complaints(ComplaintStatus.REGISTERED)

    def close_complaint(self, complaint_id: int, by: str, time: datetime) -> Complaint:
        """Mark a complaint as answered; closing it twice changes nothing."""
        with self._database.write() as connection:
            complaint = rows.complaint_of(row_by_id(connection, COMPLAINTS, complaint_id, "complaint", lock=True))
            if complaint.status is ComplaintStatus.CLOSED:
                return complaint
            change_row(connection, COMPLAINTS, complaint_id, {"status": ComplaintStatus.CLOSED})
            self._audit(connection, time, by, "close", f"complaint/{complaint_id}", {})
        return replace(complaint, status=ComplaintStatus.CLOSED)

    # -- hand readings -----------------------------------------------------------------------------------------

    def keep_hand_reading(self, reading: HandReading) -> HandReading:
        """Keep what a crew read and return it with its id."""
        if not reading.by.strip():
            raise Refused.of(f"reading at {reading.node}: no name given, expected the person who took it")
        values = rows.hand_reading_values(reading)
        with self._database.write() as connection:
            number = insert_row(connection, HAND_READINGS, values)
            content = {"node": reading.node, "value_m": reading.value_m}
            self._audit(connection, reading.time, reading.by, "measure", f"hand_reading/{number}", content)
        return replace(reading, id=number, time=reading.time.astimezone(UTC))

    def hand_readings(self, complaint_id: int | None = None) -> tuple[HandReading, ...]:
        """Return what crews read for a complaint, or all of it, in the order it was entered."""
        query = select(HAND_READINGS).order_by(HAND_READINGS.c.id)
        if complaint_id is not None:
            query = query.where(HAND_READINGS.c.complaint_id == complaint_id)
        with self._database.read() as connection:
            return tuple(rows.hand_reading_of(row) for row in connection.execute(query))

    # -- diagnoses ---------------------------------------------------------------------------------------------

    def keep_diagnosis(self, document: Document, trigger: str, complaint_id: int | None = None) -> int:
        """Keep a diagnosis document as it is and return its id; the complaint it answers becomes diagnosed.

        Raises
        ------
        BadInput
            The document has another schema, no window with offsets, or a number that JSON does not know.
        """
        values = {**diagnosis_values(document), "kept": self._wall_clock(), "trigger": trigger}
        with self._database.write() as connection:
            number = insert_row(connection, DIAGNOSES, {**values, "complaint_id": complaint_id})
            if complaint_id is not None:
                complaint = rows.complaint_of(row_by_id(connection, COMPLAINTS, complaint_id, "complaint", lock=True))
                closed = complaint.status is ComplaintStatus.CLOSED
                status = ComplaintStatus.CLOSED if closed else ComplaintStatus.DIAGNOSED
                change_row(connection, COMPLAINTS, complaint_id, {"status": status, "diagnosis_id": number})
        return number

    def diagnosis(self, diagnosis_id: int) -> dict[str, Any]:
        """Return the document of that id; raises ``BadInput`` when there is none."""
        with self._database.read() as connection:
            document: dict[str, Any] = row_by_id(connection, DIAGNOSES, diagnosis_id, "diagnosis").document
            return document

    def diagnoses(self, complaint_id: int | None = None, limit: int = 100) -> tuple[DiagnosisEntry, ...]:
        """Return what is known of the kept diagnoses without their documents, newest first."""
        query = select(*(column for column in DIAGNOSES.c if column.name != "document"))
        if complaint_id is not None:
            query = query.where(DIAGNOSES.c.complaint_id == complaint_id)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(DIAGNOSES.c.id.desc()).limit(limit))
            return tuple(rows.diagnosis_entry_of(row) for row in found)

    # -- orders ------------------------------------------------------------------------------------------------

    def draft_order(self, order: Order) -> Order:
        """Keep a new draft and return it with its id."""
        if order.state is not OrderState.DRAFT or order.findings:
            raise ValueError(f"order for {order.place.link or order.place.node}: not a draft")
        kept = replace(order, version=1)
        with self._database.write() as connection:
            number = insert_row(connection, ORDERS, rows.order_values(kept))
            self._audit(connection, order.created, MACHINE, "draft", f"order/{number}", {"link": order.place.link})
        return replace(kept, id=number)

    def revise_order(self, order: Order) -> Order:
        """Replace a draft by a better one, as a later diagnosis sees it; refused once it is dispatched."""
        with self._database.write() as connection:
            current = self._current(connection, order)
            if current.state is not OrderState.DRAFT:
                raise Refused.of(f"order {order.id}: cannot be revised, it is {describe_order_state(current)}")
            return self._keep(connection, order, self._wall_clock(), MACHINE, "revise", {})

    def tie_order(self, order_id: int, complaint_id: int) -> Order:
        """Say of an order, whatever its state, that it is about a complaint too."""
        with self._database.write() as connection:
            order = replace(order_by_id(connection, order_id, lock=True), complaint_id=complaint_id)
            return self._keep(connection, order, self._wall_clock(), MACHINE, "tie", {"complaint": complaint_id})

    def order(self, order_id: int) -> Order:
        """Return the order of that id; raises ``BadInput`` when there is none."""
        with self._database.read() as connection:
            return order_by_id(connection, order_id)

    def orders(self, states: Iterable[OrderState] | None = None) -> tuple[Order, ...]:
        """Return the orders in any of ``states`` (all states when not given), oldest first."""
        query = select(ORDERS.c.id).order_by(ORDERS.c.id)
        if states is not None:
            query = query.where(ORDERS.c.state.in_([str(state) for state in states]))
        with self._database.read() as connection:
            return tuple(order_by_id(connection, number) for number in connection.scalars(query).all())

    def open_orders(self) -> tuple[Order, ...]:
        """Return the orders that are neither done nor cancelled, oldest first."""
        return self.orders(OPEN_STATES)

    def advance_order(self, order: Order, state: OrderState, by: str, time: datetime, crew: str = "") -> Order:
        """Take an order to its next state in a person's name; refused when it has changed since it was read."""
        with self._database.write() as connection:
            after = advance(self._current(connection, order), state, by, time)
            after = replace(after, crew=crew or after.crew)
            return self._keep(connection, after, time, by.strip(), str(state), {"crew": crew} if crew else {})

    def record_finding(self, order_id: int, findings: Finding | Sequence[Finding]) -> Order:
        """Add what a crew found to an order that is on its way or on site."""
        several = [findings] if isinstance(findings, Finding) else list(findings)
        with self._database.write() as connection:
            order = order_by_id(connection, order_id, lock=True)
            if order.state not in (OrderState.DISPATCHED, OrderState.ON_SITE):
                raise Refused.of(f"order {order_id}: takes no findings, it is {describe_order_state(order)}")
            for finding in several:
                if not finding.by.strip():
                    raise Refused.of(f"order {order_id}: no name given, expected the person who found it")
                values = {"kind": finding.kind, "detail": finding.detail, "by": finding.by, "time": finding.time}
                connection.execute(insert(FINDINGS).values(order_id=order_id, **values))
                content = {"found": str(finding)}
                self._audit(connection, finding.time, finding.by, "find", f"order/{order_id}", content)
            change_row(connection, ORDERS, order_id, {"version": order.version + 1})
            return order_by_id(connection, order_id)

    def record_gain(self, order_id: int, gain: Gain, by: str, time: datetime) -> Order:
        """Set the predicted and measured gain of an order, before or after it is done."""
        with self._database.write() as connection:
            order = replace(order_by_id(connection, order_id, lock=True), gain=gain)
            content = {"at": gain.at, "predicted_m": gain.predicted_m, "measured_m": gain.measured_m}
            return self._keep(connection, order, time, by, "measure", content)

    def _current(self, connection: Connection, seen: Order) -> Order:
        current = order_by_id(connection, seen.id, lock=True)
        if current.version != seen.version:
            raise Changed.of(f"order {seen.id}: has changed meanwhile, it is now {describe_order_state(current)}")
        return current

    def _keep(
        self, connection: Connection, order: Order, time: datetime, by: str, action: str, content: Mapping[str, Any]
    ) -> Order:
        kept = replace(order, version=order.version + 1)
        change_row(connection, ORDERS, order.id, rows.order_values(kept))
        self._audit(connection, time, by, action, f"order/{order.id}", content)
        return kept

    # -- notices, the trail, the plant's time ------------------------------------------------------------------

    def keep_notices(self, notices: Iterable[Notice]) -> tuple[Notice, ...]:
        """Keep new notices, all or none, and return them with their ids."""
        with self._database.write() as connection:
            return tuple(
                replace(notice, id=insert_row(connection, NOTICES, rows.notice_values(notice))) for notice in notices
            )

    def notices(self, order_id: int | None = None, diagnosis_id: int | None = None) -> tuple[Notice, ...]:
        """Return the notices of an order or a diagnosis, or all, oldest first."""
        query = select(NOTICES).order_by(NOTICES.c.id)
        if order_id is not None:
            query = query.where(NOTICES.c.order_id == order_id)
        if diagnosis_id is not None:
            query = query.where(NOTICES.c.diagnosis_id == diagnosis_id)
        with self._database.read() as connection:
            return tuple(rows.notice_of(row) for row in connection.execute(query))

    def audit_trail(self, subject: str = "", after: int = 0, limit: int = 1000) -> tuple[AuditEntry, ...]:
        """Return the audit trail in order: entries numbered above ``after``, of one subject or of all."""
        query = select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(limit)
        if subject:
            query = query.where(AUDIT.c.subject == subject)
        with self._database.read() as connection:
            return tuple(rows.audit_entry_of(row) for row in connection.execute(query))

    def beat(self, process: str, plant_time: datetime) -> None:
        """Say that a process is alive and what time it is at the plant."""
        values = {"plant_time": plant_time, "written": self._wall_clock()}
        with self._database.write() as connection:
            if connection.execute(update(BEATS).where(BEATS.c.process == process).values(values)).rowcount == 0:
                connection.execute(insert(BEATS).values(process=process, **values))

    def plant_time(self) -> datetime | None:
        """Return the newest plant time that any process has said; ``None`` before the first."""
        with self._database.read() as connection:
            return connection.scalar(select(BEATS.c.plant_time).order_by(BEATS.c.plant_time.desc()).limit(1))

    def last_beat(self, process: str) -> datetime | None:
        """Return when, on the machine's clock, a process last said that it is alive; None when it never did."""
        with self._database.read() as connection:
            return connection.scalar(select(BEATS.c.written).where(BEATS.c.process == process))

    def _audit(
        self, connection: Connection, time: datetime, by: str, action: str, subject: str, content: Mapping[str, Any]
    ) -> None:
        insert_audit(connection, self._wall_clock(), time, by, action, subject, content)
