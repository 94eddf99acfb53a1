"""Rows of the records' tables to and from the house's vocabulary. What has structure inside is kept as JSON."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row

from models.alarm import Alarm, AlarmEntry, AlarmKind, AlarmState, Hold, Priority
from models.audit import AuditEntry
from models.complaint import Complaint, ComplaintStatus
from models.diagnosis import DiagnosisEntry
from models.measurement import HandReading
from models.notice import Notice, NoticeCode
from models.order import Finding, FindingKind, Order, OrderState

_HOLD = TypeAdapter(Hold)
_ORDER = TypeAdapter(Order)
_OWN_COLUMNS = {"id", "state", "version", "findings", "complaint_id", "diagnosis_id", "alarm_key"}


def alarm_values(alarm: Alarm) -> dict[str, Any]:
    """Return the columns of an alarm."""
    return {
        "key": alarm.key,
        "kind": alarm.kind,
        "source": alarm.source,
        "code": alarm.code,
        "priority": alarm.priority,
        "state": alarm.state,
        "active": alarm.active,
        "pending": alarm.pending,
        "hold": None if alarm.hold is None else _HOLD.dump_python(alarm.hold, mode="json"),
        "details": dict(alarm.details),
        "raised": alarm.raised,
        "changed": alarm.changed,
        "acknowledged_by": alarm.acknowledged_by,
        "version": alarm.version,
    }


def alarm_of(row: Row[Any]) -> Alarm:
    """Return the alarm of a row; the state follows from its parts, the column is for looking up."""
    return Alarm(
        key=row.key,
        kind=AlarmKind(row.kind),
        source=row.source,
        code=row.code,
        priority=Priority(row.priority),
        active=row.active,
        pending=row.pending,
        hold=None if row.hold is None else _HOLD.validate_python(row.hold),
        details=row.details,
        raised=row.raised,
        changed=row.changed,
        acknowledged_by=row.acknowledged_by,
        version=row.version,
    )


def alarm_entry_of(row: Row[Any]) -> AlarmEntry:
    """Return a line of the alarm log."""
    return AlarmEntry(row.number, row.key, row.time, row.event, AlarmState(row.state), row.by, row.details)


def complaint_values(complaint: Complaint) -> dict[str, Any]:
    """Return the columns of a complaint, without its id."""
    return {
        "customer_id": complaint.customer_id,
        "node": complaint.node,
        "time": complaint.time,
        "words": complaint.words,
        "reading_m": complaint.reading_m,
        "raised_by": complaint.raised_by,
        "status": complaint.status,
        "diagnosis_id": complaint.diagnosis_id,
    }


def complaint_of(row: Row[Any]) -> Complaint:
    """Return the complaint of a row."""
    return Complaint(
        customer_id=row.customer_id,
        node=row.node,
        time=row.time,
        words=row.words,
        reading_m=row.reading_m,
        raised_by=row.raised_by,
        status=ComplaintStatus(row.status),
        diagnosis_id=row.diagnosis_id,
        id=row.id,
    )


def hand_reading_values(reading: HandReading) -> dict[str, Any]:
    """Return the columns of a hand reading, without its id."""
    return {
        "node": reading.node,
        "time": reading.time,
        "value_m": reading.value_m,
        "by": reading.by,
        "complaint_id": reading.complaint_id,
        "order_id": reading.order_id,
    }


def hand_reading_of(row: Row[Any]) -> HandReading:
    """Return the hand reading of a row."""
    return HandReading(row.node, row.time, row.value_m, row.by, row.complaint_id, row.order_id, row.id)


def diagnosis_entry_of(row: Row[Any]) -> DiagnosisEntry:
    """Return what a list shows of a diagnosis."""
    return DiagnosisEntry(row.id, row.kept, row.trigger, row.window_start, row.window_end, row.complaint_id)


def order_values(order: Order) -> dict[str, Any]:
    """Return the columns of an order, without its id; findings have a table of their own."""
    return {
        "state": order.state,
        "version": order.version,
        "created": order.created,
        "link": order.place.link,
        "valve_id": order.place.valve_id,
        "complaint_id": order.complaint_id,
        "diagnosis_id": order.diagnosis_id,
        "alarm_key": order.alarm_key,
        "content": _ORDER.dump_python(order, mode="json", exclude=_OWN_COLUMNS),
    }


def order_of(row: Row[Any], findings: list[Finding]) -> Order:
    """Return the order of a row with its findings."""
    columns = {
        "id": row.id,
        "state": OrderState(row.state),
        "version": row.version,
        "findings": findings,
        "complaint_id": row.complaint_id,
        "diagnosis_id": row.diagnosis_id,
        "alarm_key": row.alarm_key,
    }
    return _ORDER.validate_python({**row.content, **columns})


def finding_of(row: Row[Any]) -> Finding:
    """Return the finding of a row."""
    return Finding(FindingKind(row.kind), row.by, row.time, row.detail, row.id)


def notice_values(notice: Notice) -> dict[str, Any]:
    """Return the columns of a notice, without its id."""
    return {
        "customer_id": notice.customer_id,
        "customer_name": notice.customer_name,
        "language": notice.language,
        "code": notice.code,
        "created": notice.created,
        "parameters": dict(notice.parameters),
        "order_id": notice.order_id,
        "diagnosis_id": notice.diagnosis_id,
    }


def notice_of(row: Row[Any]) -> Notice:
    """Return the notice of a row."""
    return Notice(
        customer_id=row.customer_id,
        customer_name=row.customer_name,
        language=row.language,
        code=NoticeCode(row.code),
        created=row.created,
        parameters=row.parameters,
        order_id=row.order_id,
        diagnosis_id=row.diagnosis_id,
        id=row.id,
    )


def audit_entry_of(row: Row[Any]) -> AuditEntry:
    """Return a line of the audit trail."""
    return AuditEntry(row.number, row.time, row.written, row.by, row.action, row.subject, row.content)
