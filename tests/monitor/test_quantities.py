from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.point import Point
from models.quantity import UNITS, Quantity
from monitor.quantities import ATMOSPHERE_M, flow_from_totaliser, model_value, reading_value

ELEVATION = 12.0


def point(quantity: Quantity, unit: str, **more: object) -> Point:
    return Point("X", "E", quantity, unit, "rtu", "holding/0", **more)  # type: ignore[arg-type]


def test_gauge_without_an_elevation_reads_above_the_node() -> None:
    assert model_value(point(Quantity.PRESSURE, "m"), 30.0, ELEVATION) == 30.0


@pytest.mark.parametrize(("gauge", "expected"), [(15.0, 33.0), (10.0, 28.0), (12.0, 30.0), (0.0, 18.0)])
def test_gauge_that_hangs_elsewhere_is_moved_to_the_node(gauge: float, expected: float) -> None:
    # Head is the same at both: 15 m + 30 m of water = 12 m + 33 m.
    assert model_value(point(Quantity.PRESSURE, "m", gauge_elevation_m=gauge), 30.0, ELEVATION) == expected


def test_absolute_gauge_loses_the_atmosphere() -> None:
    absolute = point(Quantity.PRESSURE, "m", absolute=True)
    assert model_value(absolute, 30.0 + ATMOSPHERE_M, ELEVATION) == pytest.approx(30.0)
    # 101.325 kPa absolute is no pressure at all, within what the weather does.
    assert model_value(point(Quantity.PRESSURE, "kPa", absolute=True), 101.325, ELEVATION) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("quantity", "expected"), [(Quantity.FLOW, -0.002), (Quantity.DEMAND, 0.002)])
def test_reverse_turns_a_flow_and_nothing_else(quantity: Quantity, expected: float) -> None:
    assert model_value(point(quantity, "l/s", reverse=True), 2.0, 0.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "expected"),
    [
        (Quantity.PRESSURE, "bar", 3.0, 30.62),
        (Quantity.PRESSURE, "kPa", 300.0, 30.62),
        (Quantity.PRESSURE, "MPa", 0.3, 30.62),
        (Quantity.PRESSURE, "psi", 43.511, 30.62),
        (Quantity.FLOW, "m3/h", 3.6, 0.001),
        (Quantity.FLOW, "l/s", 1.0, 0.001),
        (Quantity.FLOW, "Ml/d", 0.0864, 0.001),
        (Quantity.FLOW, "gpm", 15.8503, 0.001),
        (Quantity.LEVEL, "m", 2.5, 2.5),
        (Quantity.STATUS, "", 1.0, 1.0),
        (Quantity.VOLUME, "m3", 7.0, 7.0),
    ],
)
def test_units_become_si(quantity: Quantity, unit: str, value: float, expected: float) -> None:
    assert model_value(point(quantity, unit), value, 0.0) == pytest.approx(expected, rel=1e-3)


@given(st.data(), st.sampled_from(sorted(Quantity)), st.booleans(), st.booleans())
def test_what_a_point_would_read_is_the_inverse(
    data: st.DataObject, quantity: Quantity, reverse: bool, absolute: bool
) -> None:
    unit = data.draw(st.sampled_from(sorted(UNITS[quantity])))
    gauge = data.draw(st.none() | st.floats(-100, 3000))
    one = point(quantity, unit, reverse=reverse, absolute=absolute, gauge_elevation_m=gauge)
    value = data.draw(st.floats(-1e4, 1e4))
    back = reading_value(one, model_value(one, value, ELEVATION), ELEVATION)
    assert math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-6)


def test_totaliser_gives_the_mean_flow() -> None:
    assert flow_from_totaliser(100.0, 103.6, 3600.0, None, "m3") == pytest.approx(0.001)


def test_totaliser_that_rolls_over_has_gone_through_zero() -> None:
    assert flow_from_totaliser(9_999_998.0, 1.6, 3600.0, 1e7, "m3") == pytest.approx(0.001)


def test_totaliser_that_falls_without_a_rollover_is_no_flow() -> None:
    with pytest.raises(ValueError, match="fell from 100 to 3 m3 and has no rollover"):
        flow_from_totaliser(100.0, 3.0, 60.0, None, "m3")


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_totaliser_needs_time_between_readings(seconds: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        flow_from_totaliser(1.0, 2.0, seconds, None, "m3")


@pytest.mark.parametrize(("previous", "rollover"), [(5e7, 1e7), (4.9e6, 1e7)])
def test_totaliser_that_was_replaced_is_no_rollover(previous: float, rollover: float) -> None:
    with pytest.raises(ValueError, match="replaced or reset, for it rolls over at 1e"):
        flow_from_totaliser(previous, 3.0, 60.0, rollover, "m3")


@given(st.floats(0, 999_999), st.floats(0, 499_999), st.floats(1, 86400))
def test_totaliser_counts_what_has_flown_wherever_it_stands(previous: float, volume: float, seconds: float) -> None:
    current = (previous + volume) % 1e6
    flow = flow_from_totaliser(previous, current, seconds, 1e6, "m3")
    assert math.isclose(flow * seconds, volume, rel_tol=1e-6, abs_tol=1e-6)
