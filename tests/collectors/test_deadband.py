from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.deadband import Deadband, width
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from stores.columns import Columns

START = datetime(2026, 7, 11, 7, tzinfo=UTC)


def point(**more: float | None) -> Point:
    return Point("PT", "J1", Quantity.PRESSURE, "m", "rtu", "holding/0", heartbeat_s=600.0, **more)  # type: ignore[arg-type]


def sample(seconds: float, value: float, quality: Quality = Quality.GOOD, reason: str = "") -> Sample:
    return Sample("PT", START + timedelta(seconds=seconds), value, quality, reason)


def kept(point: Point, *samples: Sample) -> list[Sample]:
    band = Deadband([point])
    return [kept for one in samples for kept in band.keep(Columns.of([one]))]


def test_without_a_deadband_everything_is_kept() -> None:
    same = [sample(60.0 * number, 30.0) for number in range(5)]
    assert kept(point(), *same) == same


def test_value_is_kept_when_it_has_left_the_band_around_the_last_one_kept() -> None:
    values = [30.0, 30.1, 29.9, 30.2, 30.21, 30.3, 30.0]
    found = kept(point(deadband=0.2), *(sample(60.0 * place, value) for place, value in enumerate(values)))
    assert [one.value for one in found] == [30.0, 30.21, 30.0]


def test_value_that_does_not_change_is_kept_once_a_heartbeat() -> None:
    found = kept(point(deadband=0.2), *(sample(60.0 * minute, 30.0) for minute in range(31)))
    assert [one.time for one in found] == [START + timedelta(minutes=minute) for minute in (0, 10, 20, 30)]


def test_change_of_quality_or_of_its_reason_is_kept_at_once_and_bad_ones_are_not_repeated() -> None:
    samples = [
        sample(0, 30.0),
        sample(60, math.nan, Quality.BAD, "timeout"),
        sample(120, math.nan, Quality.BAD, "timeout"),
        sample(180, math.nan, Quality.BAD, "no connection"),
        sample(240, 30.0),
    ]
    found = kept(point(deadband=0.2), *samples)
    assert [one.time for one in found] == [samples[place].time for place in (0, 1, 3, 4)]
    assert [one.reason for one in found] == ["", "timeout", "no connection", ""]


def test_clock_set_back_does_not_silence_a_point() -> None:
    samples = [sample(3600, 30.0), sample(0, 30.0), sample(60, 30.0)]
    assert kept(point(deadband=0.2), *samples) == samples[:2]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"deadband": 0.0}, 0.0),
        ({"deadband_percent": 1.0, "valid_min": 20.0, "valid_max": 70.0}, 0.5),
        ({"deadband_percent": 1.0, "valid_min": 20.0, "valid_max": 70.0, "deadband": 0.7}, 0.7),
    ],
)
def test_width_of_the_band(more: dict[str, float], expected: float | None) -> None:
    assert width(point(**more)) == expected


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=200), st.floats(0.0, 10.0))
def test_what_is_kept_tells_every_value_within_the_band(values: list[float], band: float) -> None:
    held, samples = point(deadband=band), [sample(60.0 * place, value) for place, value in enumerate(values)]
    found = kept(held, *samples)
    assert found[0] == samples[0]
    for one in samples:
        last = [other for other in found if other.time <= one.time][-1]
        assert abs(last.value - one.value) <= band
        assert (one.time - last.time).total_seconds() < held.heartbeat_s


def test_each_point_has_its_own_band_and_one_without_is_kept_always() -> None:
    names = ("narrow", "none", "wide")
    points = [replace(point(deadband=band), name=name) for name, band in zip(names, (0.1, None, 1.0), strict=True)]
    band, found = Deadband(points), list[list[str]]()
    for number, value in enumerate((30.0, 30.5, 30.55, 31.5)):
        samples = Columns.of([replace(sample(60.0 * number, value), point=name) for name in names])
        found.append([one.point for one in band.keep(samples)])
    assert found == [["narrow", "none", "wide"], ["narrow", "none"], ["none"], ["narrow", "none", "wide"]]
