"""From a diagnosis to the draft of a work order: where to go, what to look for, what to measure and to bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from models.alarm import diagnosis_key
from models.diagnosis import Document, joint_probability
from models.order import Cure, Gain, Measurement, Order, OrderState, Place, SuspectedCause
from models.quantity import Quantity
from models.register import RegisteredValve
from models.site import Site
from service.equipment import to_bring
from service.isolation import Layout, valves_to_close
from stores.records import Records

LINK_KINDS = frozenset({"blocked_link", "closed_link", "open_boundary", "roughness_growth"})
FIELD_KINDS = LINK_KINDS | {"leak"}
"""Kinds that a crew finds in the street. Where one is probable the crew goes there, though a grown demand or a gauge
may be more probable still: those are settled from a desk."""
LINK_QUANTITIES = frozenset({Quantity.FLOW, Quantity.VOLUME, Quantity.STATUS, Quantity.SETTING})
NEGLIGIBLE = 0.05
"""Causes less probable than this are not worth a line on an order."""
MOST_CAUSES, MOST_MEASUREMENTS, MOST_CURES = 6, 3, 6
MOST_VALVES = 12


def open_order(
    records: Records,
    site: Site,
    diagnosis_id: int,
    time: datetime,
    layout: Layout | None = None,
    complaint_id: int | None = None,
) -> Order | None:
    """Keep a draft for a kept diagnosis; a draft for the same complaint or the same cause is revised, not doubled.

    A crew that is on its way already for the same cause is on its way for the complaint too.

    Returns
    -------
    Order or None
        The order that stands for this diagnosis now, dispatched or not; ``None`` when there is nobody to send.
    """
    draft = draft_order(records.diagnosis(diagnosis_id), site, time, layout)
    if draft is None:
        return None
    draft = replace(draft, diagnosis_id=diagnosis_id, complaint_id=complaint_id)
    for order in records.open_orders():
        if not _same_matter(order, draft):
            continue
        if order.state is not OrderState.DRAFT:
            if complaint_id is not None and order.complaint_id is None:
                return records.tie_order(order.id, complaint_id)
            return order
        return records.revise_order(_revised(order, draft))
    return records.draft_order(draft)


def _revised(order: Order, draft: Order) -> Order:
    gain = draft.gain
    if gain is not None and order.gain is not None:
        gain = replace(gain, before_m=order.gain.before_m)
    complaint_id = draft.complaint_id or order.complaint_id
    return replace(
        draft, id=order.id, version=order.version, created=order.created, complaint_id=complaint_id, gain=gain
    )


def _same_matter(order: Order, draft: Order) -> bool:
    if order.complaint_id is not None and draft.complaint_id is not None:
        return order.complaint_id == draft.complaint_id
    return bool(order.alarm_key) and order.alarm_key == draft.alarm_key


def draft_order(document: Document, site: Site, time: datetime, layout: Layout | None = None) -> Order | None:
    """Return the draft that follows from a diagnosis document; ``None`` when nothing is to be done in the field.

    Without a complaint a crew is sent for what has reached the site's alarm probability only; with one it is sent
    in any case, to measure where it tells most when there is nobody to blame.
    """
    layout = layout or Layout()
    complaint = document.get("complaint")
    leading = leading_cause(document, site.monitor.alarm_probability)
    if complaint is None and (leading is None or joint_probability(document, leading) < site.monitor.alarm_probability):
        return None
    measurements = _measurements(document)
    isolation: tuple[RegisteredValve, ...] = ()
    suspected: RegisteredValve | None = None
    if leading is None:
        node = measurements[0].node if measurements else str((complaint or {}).get("node", ""))
        place = _node_place(node, site, layout)
    else:
        suspected = _suspected_valve(leading, site)
        isolation = _isolation(leading, suspected, site, layout)
        place = _place(leading, suspected, isolation, site, layout)
    cures = _cures(document)
    return Order(
        created=time.astimezone(UTC),
        place=place,
        causes=_causes(document),
        isolation=tuple(_valve_place(valve, layout) for valve in isolation[:MOST_VALVES]),
        measurements=measurements,
        bring=to_bring("" if leading is None else leading["kind"], _size_mm(place, site)),
        cures=cures,
        gain=Gain(cures[0].at, cures[0].regained_m, cures[0].pressure_m) if cures else None,
        alarm_key="" if leading is None else diagnosis_key(leading["kind"], leading["elements"]),
    )


def leading_cause(document: Document, alarm_probability: float) -> Mapping[str, Any] | None:
    """Return the cause that a crew is sent for: the most probable in the street, else the most probable of all."""
    if not document.get("can_say", True):
        return None
    ranked = sorted(document.get("causes", ()), key=lambda cause: float(cause["probability"]), reverse=True)
    in_the_street = [
        cause
        for cause in ranked
        if cause["kind"] in FIELD_KINDS and joint_probability(document, cause) >= alarm_probability
    ]
    worth_it = [cause for cause in ranked if cause["probability"] >= NEGLIGIBLE]
    return next(iter([*in_the_street, *worth_it]), None)


def _suspected_valve(cause: Mapping[str, Any], site: Site) -> RegisteredValve | None:
    if cause["kind"] not in LINK_KINDS:
        return None
    named = list(cause.get("valve_ids") or ())
    by_id = {valve.valve_id: valve for valve in site.valves}
    on_link = [valve.valve_id for valve in site.valves if valve.link in cause["elements"]]
    return next((by_id[valve_id] for valve_id in [*named, *on_link] if valve_id in by_id), None)


def _isolation(
    cause: Mapping[str, Any], suspected: RegisteredValve | None, site: Site, layout: Layout
) -> tuple[RegisteredValve, ...]:
    distrusted = frozenset() if suspected is None else frozenset({suspected.valve_id})
    elements = list(cause["elements"])
    if cause["kind"] in LINK_KINDS:
        return valves_to_close(layout, site.valves, links=elements, distrusted=distrusted)
    if cause["kind"] == "leak":
        return valves_to_close(layout, site.valves, nodes=elements)
    return ()


def _place(
    cause: Mapping[str, Any],
    suspected: RegisteredValve | None,
    isolation: tuple[RegisteredValve, ...],
    site: Site,
    layout: Layout,
) -> Place:
    if suspected is not None:
        return _valve_place(suspected, layout)
    street = isolation[0].street if isolation else ""
    link = _link_of(cause, site, layout)
    if not link:
        place = _node_place(_node_of(cause, site), site, layout)
        return replace(place, street=place.street or street)
    x, y = layout.position(link, "") or (None, None)
    return Place(link=link, node=layout.ends.get(link, ("", ""))[0], street=street, x=x, y=y)


def _link_of(cause: Mapping[str, Any], site: Site, layout: Layout) -> str:
    """Return the link to go to, or nothing; a point fault lies at a link where the point measures one."""
    element = str(cause["elements"][0])
    if cause["kind"] in LINK_KINDS:
        return element
    if cause["kind"] != "point_fault":
        return ""
    return next(
        (
            one.element
            for one in site.points
            if one.name == element and one.quantity in LINK_QUANTITIES and one.element in layout.ends
        ),
        "",
    )


def _node_of(cause: Mapping[str, Any], site: Site) -> str:
    """Return the node to go to; in a bare run a point is named ``element/quantity``."""
    element = str(cause["elements"][0])
    if cause["kind"] != "point_fault":
        return element
    measured = {one.name: one.element for one in site.points}
    return measured.get(element) or element.rpartition("/")[0] or element


def _node_place(node: str, site: Site, layout: Layout) -> Place:
    addresses = [customer.address for customer in site.customers if customer.node == node and customer.address]
    x, y = layout.coordinates.get(node, (None, None))
    return Place(node=node, street=addresses[0] if addresses else "", x=x, y=y)


def _valve_place(valve: RegisteredValve, layout: Layout) -> Place:
    node = layout.node_of(valve)
    position = (valve.x, valve.y) if valve.x is not None else layout.position(valve.link, node)
    x, y = position or (None, None)
    return Place(
        link=valve.link,
        node=node,
        valve_id=valve.valve_id,
        valve_kind=valve.kind,
        diameter_mm=valve.diameter_mm,
        street=valve.street,
        x=x,
        y=y,
        turns=valve.turns,
        closes=valve.closes,
    )


def _size_mm(place: Place, site: Site) -> float | None:
    nominal = {pipe.link: pipe.nominal_mm for pipe in site.pipes}
    return place.diameter_mm or nominal.get(place.link)


def _causes(document: Document) -> tuple[SuspectedCause, ...]:
    ranked = sorted(document.get("causes", ()), key=lambda cause: float(cause["probability"]), reverse=True)
    return tuple(_cause(cause) for cause in ranked[:MOST_CAUSES] if cause["probability"] >= NEGLIGIBLE)


def _cause(cause: Mapping[str, Any]) -> SuspectedCause:
    severity = cause.get("severity") or {}
    interval = severity.get("interval90")
    return SuspectedCause(
        kind=cause["kind"],
        elements=tuple(cause["elements"]),
        probability=float(cause["probability"]),
        valve_ids=tuple(cause.get("valve_ids") or ()),
        head_lost_m=severity.get("head_lost_m"),
        interval90_m=None if interval is None else (float(interval[0]), float(interval[1])),
        at=str(severity.get("at") or ""),
    )


def _measurements(document: Document) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(str(one["node"]), str(one["quantity"]), str(one.get("time") or ""), one.get("bits"))
        for one in list(document.get("next_measurements") or ())[:MOST_MEASUREMENTS]
    )


def _cures(document: Document) -> tuple[Cure, ...]:
    return tuple(
        Cure(
            change=str(one["change"]),
            regained_m=float(one["regained_m"]),
            at=str(one.get("at") or ""),
            pressure_m=one.get("pressure_m"),
            sizes=tuple(str(part["size"]) for part in one.get("replace") or ()),
            frees=bool(one.get("faults")),
        )
        for one in list(document.get("cures") or ())[:MOST_CURES]
    )
