"""Who is told what: notices to the customers that a diagnosis found affected."""

from __future__ import annotations

from datetime import UTC, datetime

from models.diagnosis import Document
from models.notice import PARAMETERS, Notice, NoticeCode
from models.order import Order
from models.site import Site
from stores.records import Records

LEAST_HEAD_LOST_M = 1.0
"""Customers that lose less than this are not troubled with a notice [m]."""


def tell_affected(
    records: Records,
    site: Site,
    order: Order,
    code: NoticeCode,
    time: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> tuple[Notice, ...]:
    """Keep one notice for each customer whom the order's diagnosis found affected; told once, not again.

    ``start`` and ``end`` bound planned work.
    """
    if order.diagnosis_id is None or any(notice.code is code for notice in records.notices(order_id=order.id)):
        return ()
    document = records.diagnosis(order.diagnosis_id)
    return records.keep_notices(draft_notices(document, site, order, code, time, start, end))


def draft_notices(
    document: Document,
    site: Site,
    order: Order,
    code: NoticeCode,
    time: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
) -> tuple[Notice, ...]:
    """Return a notice for each affected customer that the site knows, in the customer's language."""
    customers = {customer.customer_id: customer for customer in site.customers}
    given = {"start": _said(start), "end": _said(end)}
    notices = []
    for affected in document.get("affected_customers") or ():
        customer = customers.get(affected["customer_id"])
        if customer is None or affected["head_lost_m"] < LEAST_HEAD_LOST_M:
            continue
        words = {**given, "street": order.place.street or customer.address}
        notices.append(
            Notice(
                customer_id=customer.customer_id,
                customer_name=customer.name,
                language=customer.language,
                code=code,
                created=time.astimezone(UTC),
                parameters={name: words[name] for name in PARAMETERS[code]},
                order_id=order.id,
                diagnosis_id=order.diagnosis_id,
            )
        )
    return tuple(notices)


def _said(time: datetime | None) -> str:
    return "" if time is None else time.astimezone(UTC).isoformat()
