from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.alarm import Acknowledge, Alarm, AlarmKind, AlarmState, Clear, Raise
from models.complaint import ComplaintStatus
from models.order import Gain, Order, OrderState
from models.problem import BadInput, Refused
from models.site import Site
from service.desk import take_complaint
from service.dispatch import open_order
from service.findings import close_order, gain_holds, record_findings, record_pressures
from service.isolation import Layout
from stores.records import Records

KEY = "diagnosis/blocked_link/P-2"


@pytest.fixture
def order(document: dict[str, Any], site: Site, records: Records, layout: Layout, now: datetime) -> Order:
    """A dispatched order that stands on a complaint, with its alarm."""
    complaint = take_complaint(site, records, "C-FAN", "low", now)
    records.apply(Alarm(KEY, AlarmKind.DIAGNOSIS, "P-2", "blocked_link"), Raise(now))
    number = records.keep_diagnosis(document, "complaint/1", complaint.id)
    draft = open_order(records, site, number, now, layout, complaint.id)
    assert draft is not None
    return records.advance_order(draft, OrderState.DISPATCHED, "Li", now)


def test_crew_that_finds_something_is_on_site(order: Order, records: Records, now: datetime) -> None:
    found = record_findings(records, order.id, ["debris", "valve seized"], "Zhao", now)
    assert found.state is OrderState.ON_SITE
    assert [(finding.kind, finding.by) for finding in found.findings] == [("debris", "Zhao"), ("valve seized", "Zhao")]


def test_findings_off_the_list_are_all_named_and_none_is_kept(order: Order, records: Records, now: datetime) -> None:
    with pytest.raises(BadInput) as caught:
        record_findings(records, order.id, ["debris", "a dragon", "pipe replaced by"], "Zhao", now)
    assert len(caught.value.problems) == 2
    assert records.order(order.id) == order


@pytest.mark.parametrize(
    ("found", "predicted_m"),
    [
        (["debris", "pipe replaced by PE100 SDR11 DN110"], 7.9),
        (["pipe replaced by  pe100 sdr11 dn110"], 7.8),
        (["valve seized"], 5.1),
        (["nothing found"], 7.9),
        (["pipe replaced by PE100 SDR11 DN160"], 7.9),
    ],
)
def test_predicted_gain_is_that_of_the_cure_carried_out(
    order: Order, records: Records, now: datetime, found: list[str], predicted_m: float
) -> None:
    gain = record_findings(records, order.id, found, "Zhao", now).gain
    assert gain is not None
    assert gain.predicted_m == predicted_m


def test_closing_answers_the_complaint_and_acknowledges_the_alarm(
    order: Order, records: Records, now: datetime
) -> None:
    record_findings(records, order.id, ["debris"], "Zhao", now)
    done = close_order(records, order.id, "Zhao", now)
    assert done.state is OrderState.DONE
    assert order.complaint_id is not None
    assert records.complaint(order.complaint_id).status is ComplaintStatus.CLOSED
    (alarm,) = records.open_alarms()
    assert (alarm.state, alarm.acknowledged_by) == (AlarmState.ACKNOWLEDGED, "Zhao")
    records.apply(alarm, Clear(now))
    assert records.open_alarms() == ()


def test_order_without_findings_is_not_closed_and_nothing_is_changed(
    order: Order, records: Records, now: datetime
) -> None:
    records.advance_order(order, OrderState.ON_SITE, "Zhao", now)
    with pytest.raises(Refused, match="without a finding"):
        close_order(records, order.id, "Zhao", now)
    assert records.open_alarms()[0].state is AlarmState.UNACKNOWLEDGED
    assert order.complaint_id is not None
    assert records.complaint(order.complaint_id).status is ComplaintStatus.DIAGNOSED


def test_alarm_that_somebody_acknowledged_before_keeps_that_name(order: Order, records: Records, now: datetime) -> None:
    records.apply(records.open_alarms()[0], Acknowledge(now, "Wang"))
    record_findings(records, order.id, ["debris"], "Zhao", now)
    close_order(records, order.id, "Zhao", now)
    assert records.open_alarms()[0].acknowledged_by == "Wang"


def test_measured_gain_confirms_the_predicted_one(order: Order, records: Records, now: datetime) -> None:
    assert gain_holds(order.gain) is None
    record_pressures(records, order.id, "Zhao", now, 8.1, None)
    record_findings(records, order.id, ["debris", "pipe replaced by PE100 SDR11 DN110"], "Zhao", now)
    measured = record_pressures(records, order.id, "Zhao", now + timedelta(hours=3), None, 15.8)
    assert measured.gain is not None
    assert measured.gain.measured_m == pytest.approx(7.7)
    assert gain_holds(measured.gain) is True
    off = record_pressures(records, order.id, "Zhao", now + timedelta(hours=3), None, 12.0)
    assert gain_holds(off.gain) is False


@pytest.mark.parametrize(
    ("predicted", "measured", "holds"),
    [(3.0, 3.45, True), (3.0, 3.6, False), (28.0, 29.9, True), (28.0, 24.0, False)],
)
def test_a_large_gain_is_confirmed_by_one_within_a_tenth(predicted: float, measured: float, holds: bool) -> None:
    assert gain_holds(Gain("J-4", predicted, predicted + 5.0, 5.0, 5.0 + measured)) is holds


def test_reading_that_is_no_pressure_is_refused(order: Order, records: Records, now: datetime) -> None:
    with pytest.raises(BadInput, match="order 1: reading nan m, expected"):
        record_pressures(records, order.id, "Zhao", now, float("nan"), None)
    assert records.order(order.id) == order
