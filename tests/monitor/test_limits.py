"""Limits, told as timelines in ``tests/cases/limits``: one sample a line, ``HH:MM value [quality]``."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarm import limit_key
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from monitor.limits import LimitBoard, see, watch_limits

CASES = sorted((Path(__file__).parents[1] / "cases" / "limits").glob("*.toml"))


def point(**more: Any) -> Point:
    quantity = Quantity(more.pop("quantity", "pressure"))
    unit = more.pop("unit", "m")
    return Point("PT-07", "J-112", quantity, unit, "rtu", "holding/0", **more)


def sample(line: str) -> Sample:
    clock, value, *quality = line.split()
    at = datetime.combine(datetime(2026, 7, 11, tzinfo=UTC), time.fromisoformat(clock), UTC)
    return Sample("PT-07", at, float(value), Quality(quality[0]) if quality else Quality.GOOD)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_timeline_gives_the_expected_transitions(path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    watch = watch_limits(point(**case["point"]), {limit_key("PT-07", side) for side in case.get("open", ())})
    seen = []
    for line in case["timeline"].strip().splitlines():
        watch, transitions = see(watch, sample(line))
        seen += [f"{t.time:%H:%M} {t.side} {'raised' if t.active else 'cleared'}" for t in transitions]
    assert seen == case["expected"]


def test_condition_carries_value_limit_and_unit() -> None:
    board = LimitBoard.of([point(low_limit=14.0)])
    (transition,) = board.see([sample("00:00 9.5")])
    assert (transition.value, transition.limit) == (9.5, 14.0)
    (condition,) = board.conditions()
    assert condition.key == "limit/PT-07/low"
    assert condition.details == {"element": "J-112", "quantity": "pressure", "value": 9.5, "limit": 14.0, "unit": "m"}


def test_point_of_which_nothing_was_seen_is_unknown() -> None:
    board = LimitBoard.of([point(low_limit=14.0, high_limit=60.0)], {"limit/PT-07/low"})
    board.see([sample("00:00 nan bad")])
    assert board.conditions() == ()
    assert board.unknown() == {"limit/PT-07/low", "limit/PT-07/high"}
    board.see([sample("00:01 9.0")])
    assert board.unknown() == frozenset()
    assert [condition.key for condition in board.conditions()] == ["limit/PT-07/low"]


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from(Quality)), max_size=40), st.floats(0, 600), st.floats(0, 2))
def test_raised_and_cleared_alternate_and_never_come_from_bad_samples(
    readings: list[tuple[float, Quality]], delay_s: float, deadband: float
) -> None:
    watch = watch_limits(point(low_limit=14.0, limit_delay_s=delay_s, limit_deadband=deadband))
    active = False
    for minute, (value, quality) in enumerate(readings):
        at = datetime(2026, 7, 11, 0, minute, tzinfo=UTC)
        watch, transitions = see(watch, Sample("PT-07", at, value, quality))
        for transition in transitions:
            assert quality is not Quality.BAD
            assert transition.active is not active
            active = transition.active
            assert value < 14.0 if active else value >= 14.0 + deadband
