"""What the demo's story demands of a diagnosis, and where its crew goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cli.story import findings, suspects, unproven
from models.order import Order, Place, SuspectedCause, parse_finding
from models.register import RegisteredValve

NOON = datetime(2026, 7, 11, 4, tzinfo=UTC)


def cause(link: str, probability: float, kind: str = "blocked_link") -> dict[str, Any]:
    return {"kind": kind, "elements": [link], "probability": probability}


def document(*causes: dict[str, Any]) -> dict[str, Any]:
    return {"causes": list(causes)}


def order(place: str, *causes: tuple[str, str]) -> Order:
    return Order(NOON, Place(link=place), tuple(SuspectedCause(kind, (element,), 0.3) for kind, element in causes))


@pytest.mark.parametrize(
    ("rank", "proven"), [(1, True), (5, True), (6, False)], ids=["leads", "last of the five", "sixth"]
)
def test_blocked_main_must_be_among_the_first_five_after_a_reading(rank: int, proven: bool) -> None:
    others = [cause(f"P-{number}", 0.1) for number in range(1, rank)]
    why_not = unproven(document(*others, cause("P-9", 0.1, "closed_link")), "P-9", documented=False)
    assert (why_not == "") is proven
    assert proven or "P-9 is number 6 of the causes" in why_not


def test_blocked_main_that_is_not_listed_is_not_proven() -> None:
    assert "number none" in unproven(document(cause("P-1", 0.9)), "P-9", documented=False)


@pytest.mark.parametrize(("probability", "proven"), [(0.8, True), (0.79, False)])
def test_documented_valve_must_be_sure_after_a_reading(probability: float, proven: bool) -> None:
    told = document(cause("P-9", probability))
    assert (unproven(told, "P-9", documented=True) == "") is proven
    assert unproven(told, "P-9", documented=False) == ""


def test_crew_goes_where_the_order_says_before_it_asks_what_else_leads() -> None:
    sent = order("P-2", ("demand_growth", "J-1"), ("blocked_link", "P-1"), ("closed_link", "P-2"))
    told = document(cause("P-1", 0.3), cause("J-1", 0.9, "demand_growth"), cause("P-3", 0.04))
    assert suspects(sent, told) == ["P-2", "P-1", "P-3"]


def test_crew_that_is_sent_past_the_blocked_main_finds_the_others_free() -> None:
    valves = [RegisteredValve("V-1", "P-1", "start"), RegisteredValve("V-3", "P-3", "start")]
    assert findings(["P-1", "P-2", "P-3", "P-4"], "P-3", valves) == [
        "valve open: V-1", "nothing found: P-2", "debris: V-3"
    ]  # fmt: skip
    assert findings(["P-1", "P-2"], "P-3", valves) == ["valve open: V-1", "nothing found: P-2"]
    for words in findings(["P-1", "P-2", "P-3"], "P-3", valves) + findings([], "P-3", valves):
        parse_finding(words)
