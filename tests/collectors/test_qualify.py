from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from collectors.driver import Reading
from collectors.qualify import AHEAD_US, Ranges, stamps
from collectors.readings import NEVER, Readings
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality

NOW = 1_783_000_000_000_000
SECOND, DAY = 10**6, 86400 * 10**6
POINT = Point("PT", "J1", Quantity.PRESSURE, "m", "rtu", "holding/0", valid_min=0.0, valid_max=100.0)


def judged(point: Point, reading: Reading) -> Reading:
    return Ranges.of([point]).judge(Readings.of([reading]))[0]


@pytest.mark.parametrize("value", [0.0, 50.0, 100.0])
def test_value_within_its_range_is_good(value: float) -> None:
    found = judged(POINT, Reading("PT", value))
    assert (found.value, found.quality, found.reason) == (value, Quality.GOOD, "")


@pytest.mark.parametrize("value", [-0.1, 100.1])
def test_value_outside_its_range_is_bad_kept_and_says_so(value: float) -> None:
    found = judged(POINT, Reading("PT", value, Quality.UNCERTAIN))
    assert (found.value, found.quality, found.reason) == (value, Quality.BAD, "outside valid range")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_bad(value: float) -> None:
    found = judged(POINT, Reading("PT", value))
    assert (math.isnan(found.value), found.quality, found.reason) == (True, Quality.BAD, "not a number")


def test_doubt_of_the_source_is_kept() -> None:
    found = judged(POINT, Reading("PT", 5.0, Quality.UNCERTAIN, "UncertainLastUsableValue"))
    assert (found.value, found.quality, found.reason) == (5.0, Quality.UNCERTAIN, "UncertainLastUsableValue")


def test_silence_is_bad_with_the_reason() -> None:
    (found,) = Readings.silent(("PT",), "device does not answer")
    assert (math.isnan(found.value), found.quality, found.reason) == (True, Quality.BAD, "device does not answer")


@pytest.mark.parametrize(("value", "clamped"), [(-0.4, 0.0), (0.0, 0.0), (7.0, 7.0), (12.0, 10.0)])
def test_value_within_its_range_is_kept_within_what_it_is_clamped_to(value: float, clamped: float) -> None:
    point = replace(POINT, valid_min=-1.0, clamp_min=0.0, clamp_max=10.0)
    found = judged(point, Reading("PT", value))
    assert (found.value, found.quality) == (clamped, Quality.GOOD)
    assert judged(point, Reading("PT", -5.0)).quality is Quality.BAD


def test_each_value_is_held_against_the_range_of_its_own_point() -> None:
    points = [replace(POINT, name=f"PT-{number}", valid_max=10.0 * number) for number in range(1, 5)]
    given = [Reading(point.name, value) for point, value in zip(points, (9.0, 21.0, math.nan, 40.0), strict=True)]
    found = list(Ranges.of(points).judge(Readings.of(given)))
    assert [one.quality for one in found] == [Quality.GOOD, Quality.BAD, Quality.BAD, Quality.GOOD]
    assert [one.reason for one in found] == ["", "outside valid range", "not a number", ""]
    assert [one.point for one in found] == [point.name for point in points]


def test_value_of_a_bad_reading_is_left_as_it_is() -> None:
    point = replace(POINT, clamp_min=0.0, clamp_max=10.0)
    found = judged(point, Reading("PT", 12.0, Quality.BAD, "BadSensorFailure"))
    assert (found.value, found.quality, found.reason) == (12.0, Quality.BAD, "BadSensorFailure")


@pytest.mark.parametrize(
    ("source", "last", "expected"),
    [
        (NEVER, NEVER, NOW),
        (NOW - 3 * DAY, NEVER, NOW - 3 * DAY),
        (NOW - 2 * SECOND, NOW - 62 * SECOND, NOW - 2 * SECOND),
        (NOW - 3 * DAY, NOW - 3 * DAY, NOW),
        (NOW + 5 * SECOND, NEVER, NOW + 5 * SECOND),
        (NOW + AHEAD_US + SECOND, NEVER, NOW),
        (-11_644_473_600 * SECOND, NEVER, NOW),
        (0, NEVER, NOW),
    ],
    ids=[
        "none",
        "first of long ago",
        "moves on",
        "stands still: still so",
        "a little ahead",
        "cannot be",
        "1601",
        "1970",
    ],
)
def test_time_of_a_sample(source: int, last: int, expected: int) -> None:
    assert stamps(np.array([source]), NOW, np.array([last])).tolist() == [expected]
    assert stamps(None, NOW, np.array([last])).tolist() == [NOW]
