"""Statements that several methods of the records share: one row by its id, locked or not; insert, change, log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select, update

from models.alarm import Alarm, AlarmEvent
from models.diagnosis import SCHEMA, Document
from models.order import Order
from models.problem import BadInput, Missing
from stores import records_rows as rows
from stores.records_schema import ALARMS, AUDIT, FINDINGS, ORDERS


def alarm_by_key(connection: Connection, key: str, lock: bool = False) -> Alarm | None:
    """Return the alarm of that key, kept from others until the transaction ends when ``lock`` is set."""
    query = select(ALARMS).where(ALARMS.c.key == key)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else rows.alarm_of(row)


def order_by_id(connection: Connection, order_id: int, lock: bool = False) -> Order:
    """Return the order of that id with its findings."""
    row = row_by_id(connection, ORDERS, order_id, "order", lock)
    found = connection.execute(select(FINDINGS).where(FINDINGS.c.order_id == order_id).order_by(FINDINGS.c.id))
    return rows.order_of(row, [rows.finding_of(finding) for finding in found])


def row_by_id(connection: Connection, table: Table, number: int, noun: str, lock: bool = False) -> Row[Any]:
    """Return the row of that id.

    Raises
    ------
    Missing
        There is none.
    """
    query = select(table).where(table.c.id == number)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Missing.of(f"{noun} {number}: there is none of that id")
    return row


def insert_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert a row and return its id."""
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def change_row(connection: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    """Change columns of the row of that id."""
    connection.execute(update(table).where(table.c.id == number).values(**values))


def insert_audit(
    connection: Connection,
    written: datetime,
    time: datetime,
    by: str,
    action: str,
    subject: str,
    content: Mapping[str, Any],
) -> None:
    """Add a line to the audit trail."""
    values = {"time": time, "written": written, "by": by, "action": action, "subject": subject}
    connection.execute(insert(AUDIT).values(**values, content=dict(content)))


def event_content(event: AlarmEvent) -> dict[str, Any]:
    """Return what an alarm event says beside its time and its person, as JSON."""
    said: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "details":
            said.update(value)
        elif field.name not in ("time", "by") and value:
            said[field.name] = value.isoformat() if isinstance(value, datetime) else value
    return said


def diagnosis_values(document: Document) -> dict[str, Any]:
    """Return the columns of a diagnosis document.

    Raises
    ------
    BadInput
        The document has another schema, no window with offsets, or a number that JSON does not know.
    """
    if document.get("schema") != SCHEMA:
        raise BadInput.of(f"diagnosis: schema {document.get('schema')!r}, expected {SCHEMA}")
    try:
        window = {side: datetime.fromisoformat(document["window"][side]) for side in ("start", "end")}
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput.of(f"diagnosis: window without start and end ({error}), expected ISO 8601 times") from error
    for side, time in window.items():
        if time.tzinfo is None:
            raise BadInput.of(f"diagnosis: window {side} {time.isoformat()} is naive, expected an offset")
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput.of(f"diagnosis: is no JSON document ({error})") from error
    return {
        "window_start": window["start"],
        "window_end": window["end"],
        "schema_version": SCHEMA,
        "document": dict(document),
    }
