from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from collectors.driver import Reading
from collectors.qualify import qualify, silent
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)
POINT = Point("PT", "J1", Quantity.PRESSURE, "m", "rtu", "holding/0", valid_min=0.0, valid_max=100.0)


@pytest.mark.parametrize("value", [0.0, 50.0, 100.0])
def test_value_within_its_range_is_good(value: float) -> None:
    sample = qualify(POINT, Reading("PT", value), NOW)
    assert (sample.value, sample.quality, sample.reason, sample.time) == (value, Quality.GOOD, "", NOW)


@pytest.mark.parametrize("value", [-0.1, 100.1])
def test_value_outside_its_range_is_bad_kept_and_says_so(value: float) -> None:
    sample = qualify(POINT, Reading("PT", value, Quality.UNCERTAIN), NOW)
    assert (sample.value, sample.quality, sample.reason) == (value, Quality.BAD, "outside valid range")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_bad(value: float) -> None:
    sample = qualify(POINT, Reading("PT", value), NOW)
    assert (math.isnan(sample.value), sample.quality, sample.reason) == (True, Quality.BAD, "not a number")


def test_doubt_of_the_source_is_kept() -> None:
    sample = qualify(POINT, Reading("PT", 5.0, Quality.UNCERTAIN, "UncertainLastUsableValue"), NOW)
    assert (sample.value, sample.quality, sample.reason) == (5.0, Quality.UNCERTAIN, "UncertainLastUsableValue")


def test_silence_is_bad_with_the_reason() -> None:
    value, quality, reason = silent("device does not answer")
    assert (math.isnan(value), quality, reason) == (True, Quality.BAD, "device does not answer")


@pytest.mark.parametrize(("value", "clamped"), [(-0.4, 0.0), (0.0, 0.0), (7.0, 7.0), (12.0, 10.0)])
def test_value_within_its_range_is_kept_within_what_it_is_clamped_to(value: float, clamped: float) -> None:
    point = replace(POINT, valid_min=-1.0, clamp_min=0.0, clamp_max=10.0)
    sample = qualify(point, Reading("PT", value), NOW)
    assert (sample.value, sample.quality) == (clamped, Quality.GOOD)
    assert qualify(point, Reading("PT", -5.0), NOW).quality is Quality.BAD
