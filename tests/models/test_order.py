from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.order import (
    NEEDS_DETAIL,
    Finding,
    FindingKind,
    Gain,
    Order,
    OrderState,
    Place,
    advance,
    parse_finding,
)
from models.problem import Refused

NOON = datetime(2026, 7, 11, 12, tzinfo=UTC)
DRAFT = Order(NOON, Place(link="P-1"), id=3)
DEBRIS = Finding(FindingKind.DEBRIS, "Zhao", NOON)


def test_order_runs_from_draft_to_done_with_a_name_at_each_step() -> None:
    order = advance(DRAFT, OrderState.DISPATCHED, "Li", NOON)
    order = advance(order, OrderState.ON_SITE, "Zhao", NOON)
    order = advance(Order(NOON, order.place, state=order.state, findings=(DEBRIS,)), OrderState.DONE, "Zhao", NOON)
    assert order.state is OrderState.DONE
    assert order.steps[-1].by == "Zhao"


def test_step_that_does_not_follow_is_refused() -> None:
    with pytest.raises(Refused, match="order 3: cannot become done, it is draft"):
        advance(DRAFT, OrderState.DONE, "Li", NOON)


def test_order_without_a_finding_is_not_done() -> None:
    order = advance(advance(DRAFT, OrderState.DISPATCHED, "Li", NOON), OrderState.ON_SITE, "Li", NOON)
    with pytest.raises(Refused, match="without a finding"):
        advance(order, OrderState.DONE, "Li", NOON)


def test_second_dispatch_is_told_who_was_first() -> None:
    order = advance(DRAFT, OrderState.DISPATCHED, "Li", NOON)
    with pytest.raises(Refused, match="dispatched by Li since 2026-07-11T12:00:00"):
        advance(order, OrderState.DISPATCHED, "Wang", NOON)


@pytest.mark.parametrize(
    ("words", "kind", "detail"),
    [
        ("debris", FindingKind.DEBRIS, ""),
        ("Valve partly closed", FindingKind.VALVE_PARTLY_CLOSED, ""),
        ("partly closed", FindingKind.VALVE_PARTLY_CLOSED, ""),
        ("closed", FindingKind.VALVE_CLOSED, ""),
        ("valve_seized", FindingKind.VALVE_SEIZED, ""),
        ("not found", FindingKind.VALVE_NOT_FOUND, ""),
        ("valve open: 3 turns from the end", FindingKind.VALVE_OPEN, "3 turns from the end"),
        ("pipe  replaced by PE100 SDR11 DN110", FindingKind.PIPE_REPLACED, "PE100 SDR11 DN110"),
    ],
)
def test_findings_are_read_from_words(words: str, kind: FindingKind, detail: str) -> None:
    assert parse_finding(words) == (kind, detail)


@given(st.sampled_from(FindingKind), st.text("abcDN 10", min_size=1).map(str.strip).filter(bool))
def test_finding_written_is_finding_read(kind: FindingKind, detail: str) -> None:
    finding = Finding(kind, "Zhao", NOON, " ".join(detail.split()))
    assert parse_finding(str(finding)) == (kind, finding.detail)
    if kind not in NEEDS_DETAIL:
        assert parse_finding(str(Finding(kind, "Zhao", NOON))) == (kind, "")


@pytest.mark.parametrize(("words", "fact"), [("a dragon", "not on the list"), ("pipe replaced by", "by what")])
def test_finding_off_the_list_is_refused(words: str, fact: str) -> None:
    with pytest.raises(Refused, match=fact):
        parse_finding(words)


def test_gain_compares_what_was_measured_with_what_was_predicted() -> None:
    gain = Gain("J-9", predicted_m=8.2, before_m=9.0, after_m=17.0)
    assert gain.measured_m == pytest.approx(8.0)
    assert gain.difference_m == pytest.approx(-0.2)
    assert Gain("J-9", 8.2).difference_m is None
