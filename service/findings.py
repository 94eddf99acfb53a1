"""What crews found, and how an order ends: complaint answered, alarms acknowledged, predicted against measured gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from models.alarm import Acknowledge, Alarm, diagnosis_key
from models.order import Finding, FindingKind, Gain, Order, OrderState, advance, cure_done, parse_finding
from models.problem import BadInput, Problem, Refused
from service.desk import reading_problems
from stores.records import Records

GAIN_TOLERANCE_M, GAIN_TOLERANCE = 0.5, 0.1
"""A measured gain within this, or within this part of the predicted one, confirms the diagnosis [m, -]."""


def record_findings(records: Records, order_id: int, found: Sequence[str], by: str, time: datetime) -> Order:
    """Add findings given in words to an order; a crew that finds something is on site.

    Where they say which of the order's cures was carried out, its gain becomes the predicted one.

    Raises
    ------
    BadInput
        Findings are not on the list: all of them are named, and none is kept.
    Refused
        The order takes no findings now, or no name is given.
    """
    kinds: list[tuple[FindingKind, str]] = []
    problems: list[Problem] = []
    for words in found:
        try:
            kinds.append(parse_finding(words))
        except BadInput as error:
            problems += error.problems
    if not found:
        problems.append(Problem(f"order {order_id}: nothing found, expected at least one finding"))
    if problems:
        raise BadInput(problems)
    order = records.order(order_id)
    if order.state is OrderState.DISPATCHED:
        records.advance_order(order, OrderState.ON_SITE, by, time)
    findings = [Finding(kind, by.strip(), time.astimezone(UTC), detail) for kind, detail in kinds]
    order = records.record_finding(order_id, findings)
    done = cure_done(order)
    if done is None or (order.gain is not None and order.gain.predicted_m == done.regained_m):
        return order
    gain = replace(order.gain or Gain(done.at, None), predicted_m=done.regained_m, predicted_pressure_m=done.pressure_m)
    return records.record_gain(order_id, gain, by.strip(), time)


def record_pressures(
    records: Records, order_id: int, by: str, time: datetime, before_m: float | None, after_m: float | None
) -> Order:
    """Add the pressures measured before and after the work [m] to an order; what is not given stays as it is.

    Raises
    ------
    BadInput
        A reading is no pressure in metres.
    """
    problems = [one for reading in (before_m, after_m) for one in reading_problems(f"order {order_id}", reading)]
    if problems:
        raise BadInput(problems)
    order = records.order(order_id)
    gain = order.gain or Gain(order.place.node, None)
    if before_m is not None:
        gain = replace(gain, before_m=before_m)
    if after_m is not None:
        gain = replace(gain, after_m=after_m)
    return records.record_gain(order_id, gain, by, time)


def gain_holds(gain: Gain | None) -> bool | None:
    """Return whether the measured gain confirms the predicted one; ``None`` until both are known."""
    if gain is None or gain.predicted_m is None or gain.difference_m is None:
        return None
    return abs(gain.difference_m) <= max(GAIN_TOLERANCE_M, GAIN_TOLERANCE * abs(gain.predicted_m))


def close_order(records: Records, order_id: int, by: str, time: datetime) -> Order:
    """End an order with findings: acknowledge its alarms in the closer's name, answer its complaint, mark it done.

    An alarm whose condition is still there stays acknowledged until the monitor no longer finds it. The order is
    marked last, so that a process killed half-way leaves an order that can be closed again.

    Raises
    ------
    Refused
        The order is not on site, has no finding, or no name is given; then nothing is changed.
    """
    order = records.order(order_id)
    advance(order, OrderState.DONE, by, time)
    for alarm in _alarms_of(order, records.open_alarms()):
        _acknowledge(records, alarm, by, time, order_id)
    if order.complaint_id is not None:
        records.close_complaint(order.complaint_id, by.strip(), time)
    return records.advance_order(order, OrderState.DONE, by, time)


def _alarms_of(order: Order, alarms: Sequence[Alarm]) -> list[Alarm]:
    keys = {order.alarm_key, *(diagnosis_key(cause.kind, cause.elements) for cause in order.causes)}
    return [alarm for alarm in alarms if alarm.key in keys and alarm.pending and alarm.hold is None]


def _acknowledge(records: Records, alarm: Alarm, by: str, time: datetime, order_id: int) -> None:
    try:
        records.apply(alarm, Acknowledge(time, by, f"order {order_id} done"))
    except Refused:
        # Somebody, or the plant, was faster: the alarm is no longer the one this order was for.
        return
