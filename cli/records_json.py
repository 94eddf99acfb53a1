"""What commands on the records share: opening them, the moment of an action, and kept things as JSON documents."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from models.alarm import Alarm, AlarmEntry
from models.complaint import Complaint
from models.notice import Notice, render
from models.order import Order
from models.problem import BadInput
from models.site import Site
from service.clock import site_now
from service.findings import gain_holds
from stores.records import Records

_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def open_records(site: Site) -> Records:
    """Open the records of a site."""
    return Records(site.stores.records_url)


def moment(site: Site, records: Records, given: str | None) -> datetime:
    """Return the time of an action: as given, else the site's present.

    Raises
    ------
    BadInput
        The given time is no ISO 8601 time, or is naive.
    """
    if given is None:
        return site_now(site, records, datetime.now(UTC))
    try:
        time = datetime.fromisoformat(given)
    except ValueError as error:
        raise BadInput.of(f"time {given!r}: no ISO 8601 time, expected e.g. 2026-07-11T07:00:00+08:00") from error
    if time.tzinfo is None:
        raise BadInput.of(f"time {given}: is naive, expected an offset such as {given}+08:00")
    return time.astimezone(UTC)


def alarm_document(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as JSON, its state with it."""
    return {**_plain(alarm), "state": str(alarm.state)}


def entry_document(entry: AlarmEntry) -> dict[str, Any]:
    """Return a line of the alarm log as JSON."""
    return _plain(entry)


def complaint_document(complaint: Complaint) -> dict[str, Any]:
    """Return a complaint as JSON."""
    return _plain(complaint)


def order_document(order: Order) -> dict[str, Any]:
    """Return an order as JSON, with the measured gain and whether it confirms the predicted one."""
    document = _plain(order)
    if order.gain is not None:
        document["gain"] |= {
            "measured_m": order.gain.measured_m,
            "difference_m": order.gain.difference_m,
            "holds": gain_holds(order.gain),
        }
    return document


def notice_document(notice: Notice, time_zone: str) -> dict[str, Any]:
    """Return a notice as JSON, with its text in the customer's language."""
    return {**_plain(notice), "text": render(notice, time_zone)}


def write_json(document: Mapping[str, Any]) -> None:
    """Write an answer to standard output as JSON, on one line."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: object) -> dict[str, Any]:
    kind = type(value)
    adapter = _ADAPTERS.setdefault(kind, TypeAdapter(kind))
    document: dict[str, Any] = adapter.dump_python(value, mode="json")
    return document
