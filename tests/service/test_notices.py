from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from models.notice import NoticeCode, render
from models.site import Site
from service.dispatch import draft_order, open_order
from service.isolation import Layout
from service.notices import draft_notices, tell_affected
from stores.records import Records


def test_affected_customers_are_told_once_in_their_language(
    document: dict[str, Any], site: Site, records: Records, layout: Layout, now: datetime
) -> None:
    order = open_order(records, site, records.keep_diagnosis(document, "cycle"), now, layout)
    assert order is not None
    notices = tell_affected(records, site, order, NoticeCode.LOW_PRESSURE_KNOWN, now)
    assert [(notice.customer_id, notice.language) for notice in notices] == [("C-FAN", "zh"), ("C-BAKERY", "en")]
    assert "风机厂：您处的供水压力低于平时" in render(notices[0], site.time_zone)
    assert "near Guihua Road, and a crew" in render(notices[1], site.time_zone)
    assert tell_affected(records, site, order, NoticeCode.LOW_PRESSURE_KNOWN, now) == ()
    assert len(tell_affected(records, site, order, NoticeCode.PRESSURE_RESTORED, now)) == 2
    assert len(records.notices(order_id=order.id)) == 4


def test_planned_work_says_from_when_to_when(
    document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    order = draft_order(document, site, now, layout)
    assert order is not None
    end = now + timedelta(hours=5)
    notices = draft_notices(document, site, order, NoticeCode.WORK_PLANNED, now, now, end)
    assert "from 2026-07-11 08:30 to 2026-07-11 13:30" in render(notices[1], site.time_zone)


def test_place_without_a_street_is_told_by_the_customers_address(
    document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    order = draft_order(document, site, now, layout)
    assert order is not None
    bare = replace(order, place=replace(order.place, street=""))
    notices = draft_notices(document, site, bare, NoticeCode.PRESSURE_RESTORED, now)
    assert notices[1].parameters == {"street": "Guihua Road 2"}
