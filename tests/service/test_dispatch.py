from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.complaint import Complaint
from models.order import Gain, OrderState, Place
from models.site import Site
from service.dispatch import draft_order, open_order
from service.equipment import BY_KIND
from service.isolation import Layout
from stores.records import Records

CauseMaker = Callable[..., dict[str, Any]]


def test_crew_is_sent_to_the_suspected_valve(
    document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert order.place == Place(
        link="P-2",
        node="J-2",
        valve_id="V-2",
        valve_kind="gate",
        diameter_mm=75,
        street="Guihua Road",
        x=10.0,
        y=0.5,
        turns=14.0,
        closes="ccw",
    )
    assert sorted(place.valve_id for place in order.isolation) == ["V-1b", "V-3a"]
    assert [(cause.kind, cause.probability) for cause in order.causes] == [
        ("demand_growth", 0.95),
        ("blocked_link", 0.88),
    ]
    assert order.causes[1].interval90_m == (4.1, 8.0)
    assert order.measurements[0].node == "J-3"
    assert ("gate_valve", 75) in [(item.code, item.size_mm) for item in order.bring]
    assert order.cures[0].sizes == ("PE100 SDR11 DN110",)
    assert order.gain == Gain("J-4", 7.9, 15.9)
    assert order.alarm_key == "diagnosis/blocked_link/P-2"


def test_link_without_a_registered_valve_is_a_place_of_its_own(
    document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    bare = replace(site, valves=site.valves[:2])
    order = draft_order(document, bare, now, layout)
    assert order is not None
    assert order.place == Place(link="P-2", node="J-2", street="Xiangjiang Road", x=15.0, y=0.0)
    assert [item.size_mm for item in order.bring if item.code == "gate_valve"] == [75]


def test_grown_demand_alone_sends_the_crew_to_the_customer(
    cause_of: CauseMaker, document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    document["causes"] = [cause_of("demand_growth", "J-4", 0.9), cause_of("blocked_link", "P-2", 0.2, "V-2")]
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert (order.place.node, order.place.street) == ("J-4", "Guihua Road 8")
    assert order.isolation == ()


def test_leak_is_isolated_by_the_valves_around_its_node(
    cause_of: CauseMaker, document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    document["causes"] = [cause_of("leak", "J-2", 0.9)]
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert (order.place.node, order.place.x) == ("J-2", 10.0)
    assert sorted(place.valve_id for place in order.isolation) == ["V-1b", "V-2"]


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ("PT-4", Place(node="J-4", street="Guihua Road 8", x=30.0, y=0.0)),
        ("FT-1", Place(link="P-1", node="J-1", x=5.0, y=0.0)),
        ("J-3/pressure", Place(node="J-3", street="Guihua Road 2", x=20.0, y=0.0)),
    ],
)
def test_faulty_point_is_looked_at_where_it_measures(
    cause_of: CauseMaker,
    document: dict[str, Any],
    site: Site,
    layout: Layout,
    now: datetime,
    element: str,
    place: Place,
) -> None:
    document["causes"] = [cause_of("point_fault", element, 0.9)]
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert order.place == place


def test_links_that_cannot_be_told_apart_are_worth_a_crew_together(
    cause_of: CauseMaker, document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    document["complaint"] = None
    document["causes"] = [cause_of("blocked_link", link, 0.4) for link in ("P-2", "P-3")]
    assert draft_order(document, site, now, layout) is None
    document["indistinguishable"] = [[{"kind": "blocked_link", "elements": [link]} for link in ("P-2", "P-3")]]
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert order.place.link == "P-2"


def test_complaint_that_nothing_explains_sends_the_crew_to_measure(
    document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    document["can_say"] = False
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert order.place.node == "J-3"
    assert order.alarm_key == ""
    document["next_measurements"] = []
    order = draft_order(document, site, now, layout)
    assert order is not None
    assert order.place.node == "J-4"


def test_healthy_network_sends_nobody(
    cause_of: CauseMaker, document: dict[str, Any], site: Site, layout: Layout, now: datetime
) -> None:
    document |= {"complaint": None, "causes": [cause_of("leak", "J-2", 0.1)]}
    assert draft_order(document, site, now, layout) is None


def test_later_diagnosis_revises_the_draft_of_the_same_complaint(
    cause_of: CauseMaker, document: dict[str, Any], site: Site, records: Records, layout: Layout, now: datetime
) -> None:
    complaint = records.register_complaint(Complaint("C-FAN", "J-4", now, "low"))
    first = records.keep_diagnosis(document, "complaint/1", complaint.id)
    draft = open_order(records, site, first, now, layout, complaint.id)
    assert draft is not None
    document["causes"] = [cause_of("blocked_link", "P-3", 0.97, "V-3a")]
    second = records.keep_diagnosis(document, "complaint/1", complaint.id)
    revised = open_order(records, site, second, now + timedelta(hours=1), layout, complaint.id)
    assert revised is not None
    assert (revised.id, revised.place.valve_id, revised.diagnosis_id) == (draft.id, "V-3a", second)
    assert records.orders() == (revised,)


def test_dispatched_order_is_neither_changed_nor_doubled(
    document: dict[str, Any], site: Site, records: Records, layout: Layout, now: datetime
) -> None:
    number = records.keep_diagnosis(document, "cycle")
    draft = open_order(records, site, number, now, layout)
    assert draft is not None
    sent = records.advance_order(draft, OrderState.DISPATCHED, "Li", now)
    assert open_order(records, site, number, now, layout) == sent
    assert records.orders() == (sent,)


def test_crew_on_its_way_for_the_same_cause_is_on_its_way_for_the_complaint_too(
    document: dict[str, Any], site: Site, records: Records, layout: Layout, now: datetime
) -> None:
    draft = open_order(records, site, records.keep_diagnosis(document, "cycle"), now, layout)
    assert draft is not None
    assert draft.complaint_id is None
    sent = records.advance_order(draft, OrderState.DISPATCHED, "Li", now)
    complaint = records.register_complaint(Complaint("C-FAN", "J-4", now, "low"))
    answer = records.keep_diagnosis(document, f"complaint/{complaint.id}", complaint.id)
    tied = open_order(records, site, answer, now, layout, complaint.id)
    assert tied is not None
    assert (tied.id, tied.state, tied.complaint_id) == (sent.id, OrderState.DISPATCHED, complaint.id)
    assert records.orders() == (tied,)


def test_every_kind_of_cause_has_something_to_bring() -> None:
    kinds = {
        "blocked_link",
        "closed_link",
        "open_boundary",
        "demand_growth",
        "leak",
        "source_head_loss",
        "roughness_growth",
        "point_fault",
    }
    assert set(BY_KIND) == kinds
