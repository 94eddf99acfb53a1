"""What a device says becomes samples: of polls, of changes it tells, of what it remembers, of its silence."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collectors.driver import Reading
from collectors.health import DeviceHealth
from collectors.sampler import Sampler
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample

NOW = datetime(2026, 7, 11, 7, tzinfo=UTC)
BAD = (Quality.BAD, "BadSensorFailure")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def points(**more: float) -> list[Point]:
    return [
        Point(name, "J", Quantity.PRESSURE, "m", "scada", f"ns=2;s={name}", **more)  # type: ignore[arg-type]
        for name in "ABC"
    ]


def test_points_asked_for_in_any_order_and_number_get_their_own_samples() -> None:
    all_points = points()
    sampler = Sampler(all_points)
    for wanted in (all_points, all_points[::-1], all_points[1:], all_points):
        said = [Reading(point.name, float(ord(point.name))) for point in wanted]
        found = list(sampler.read(wanted, said, NOW))
        assert found == [Sample(point.name, NOW, float(ord(point.name))) for point in wanted]


def test_source_that_stands_still_says_that_its_value_still_holds() -> None:
    sampler, wanted = Sampler(points()[:1]), points()[:1]
    times = [
        next(iter(sampler.read(wanted, [Reading("A", 1.0, time=source)], now))).time
        for source, now in ((after(-60), NOW), (after(-60), after(1)), (after(2), after(2.5)), (None, after(3)))
    ]
    assert times == [after(-60), after(1), after(2), after(3)]


def test_changes_told_come_in_order_point_by_point_and_none_twice() -> None:
    sampler = Sampler(points())
    told = [Reading("A", float(second), time=after(second)) for second in range(5)]
    told.insert(2, Reading("B", 7.0, time=after(1)))
    found = list(sampler.told(told, NOW))
    assert [one.value for one in found if one.point == "A"] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [one.time for one in found if one.point == "A"] == [after(second) for second in range(5)]
    assert [one.value for one in found if one.point == "B"] == [7.0]
    assert not len(sampler.told(told[-1:], NOW))
    # A poll shows the change that was told: it still holds.
    (read,) = sampler.read(points()[:1], [Reading("A", 4.0, time=after(4))], after(9))
    assert read.time == after(9)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 6), st.floats(0.0, 3.0)), max_size=30))
def test_changes_are_worth_the_same_one_by_one_and_together(changes: list[tuple[str, int, float]]) -> None:
    told = [Reading(name, value, time=after(second)) for name, second, value in changes]
    one_by_one, together = Sampler(points(deadband=0.5)), Sampler(points(deadband=0.5))
    alone = [sample for one in told for sample in one_by_one.told([one], NOW)]
    found = list(together.told(told, NOW))
    for name in "ABC":
        assert [one for one in found if one.point == name] == [one for one in alone if one.point == name]


def test_health_counts_points_whose_newest_reading_is_bad() -> None:
    health = DeviceHealth("scada", "opcua", 3)
    sampler, wanted = Sampler(points(), health), points()
    sampler.read(wanted, [Reading(point.name, 1.0) for point in wanted], NOW)
    assert (health.samples, health.good_share) == (3, 1.0)
    sampler.read(wanted[:1], [Reading("A", math.nan, *BAD)], NOW)
    sampler.told([Reading("B", math.nan, *BAD, after(1))], NOW)
    assert health.bad == 2
    sampler.read(wanted[1:2], [Reading("B", 2.0)], NOW)
    assert health.bad == 1
    sampler.silent(wanted, NOW, "device does not answer")
    assert health.good_share == 0.0
    sampler.read(wanted, [Reading(point.name, 1.0) for point in wanted], NOW)
    assert (health.samples, health.good_share) == (12, 1.0)


def test_what_is_remembered_keeps_its_times_and_is_judged() -> None:
    sampler = Sampler(points(valid_max=10.0, deadband=1.0))
    said = [Reading("B", value, time=after(-second)) for second, value in ((3, 1.0), (2, 1.0), (1, 11.0))]
    found = list(sampler.remembered([*said, Reading("A", 1.0)]))
    assert [(one.point, one.time, one.quality) for one in found] == [
        ("B", after(-3), Quality.GOOD), ("B", after(-2), Quality.GOOD), ("B", after(-1), Quality.BAD),
    ]  # fmt: skip
