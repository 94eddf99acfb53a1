from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.point import Point
from models.quantity import UNITS, Quantity
from monitor.quantities import flow_from_totaliser, model_value, reading_value


def point(quantity: Quantity, unit: str, **more: object) -> Point:
    return Point("P", "E", quantity, unit, "rtu", "holding/0", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "value", "metres"),
    [("m", 35.0, 35.0), ("kPa", 100.0, 10.206), ("bar", 3.5, 35.722), ("MPa", 0.35, 35.722), ("psi", 50.0, 35.184)],
)
def test_pressure_is_metres_of_water_whatever_its_unit(unit: str, value: float, metres: float) -> None:
    assert model_value(point(Quantity.PRESSURE, unit), value, 12.0) == pytest.approx(metres, abs=2e-3)


def test_pressure_without_gauge_elevation_is_the_node_s_own() -> None:
    assert model_value(point(Quantity.PRESSURE, "m"), 30.0, 12.0) == 30.0


def test_gauge_above_the_node_shows_less_than_the_node_has() -> None:
    # 30 m shown two metres above the node is 32 m at the node.
    assert model_value(point(Quantity.PRESSURE, "m", gauge_elevation_m=14.0), 30.0, 12.0) == 32.0


def test_gauge_below_the_node_shows_more_than_the_node_has() -> None:
    assert model_value(point(Quantity.PRESSURE, "m", gauge_elevation_m=10.5), 30.0, 12.0) == 28.5


def test_gauge_at_sea_level_is_a_gauge_with_an_elevation() -> None:
    assert model_value(point(Quantity.PRESSURE, "m", gauge_elevation_m=0.0), 42.0, 12.0) == 30.0


def test_absolute_gauge_loses_its_atmosphere() -> None:
    assert model_value(point(Quantity.PRESSURE, "m", absolute=True), 40.33, 12.0) == pytest.approx(30.0)
    both = point(Quantity.PRESSURE, "m", absolute=True, gauge_elevation_m=14.0)
    assert model_value(both, 40.33, 12.0) == pytest.approx(32.0)


def test_absolute_and_gauge_elevation_are_words_of_pressure_alone() -> None:
    for quantity in (Quantity.HEAD, Quantity.LEVEL):
        assert model_value(point(quantity, "m", absolute=True, gauge_elevation_m=14.0), 5.0, 12.0) == 5.0


@pytest.mark.parametrize(
    ("unit", "value", "flow"),
    [("l/s", 12.0, 0.012), ("m3/h", 36.0, 0.01), ("m3/s", 0.2, 0.2), ("Ml/d", 86.4, 1.0), ("gpm", 1000.0, 0.0630902)],
)
def test_flow_is_cubic_metres_a_second_whatever_its_unit(unit: str, value: float, flow: float) -> None:
    assert model_value(point(Quantity.FLOW, unit), value, 0.0) == pytest.approx(flow, rel=1e-6)


def test_meter_mounted_against_the_link_counts_the_other_way() -> None:
    assert model_value(point(Quantity.FLOW, "l/s", reverse=True), 12.0, 0.0) == -0.012
    assert model_value(point(Quantity.FLOW, "l/s", reverse=True), -3.0, 0.0) == 0.003


def test_status_is_one_or_zero() -> None:
    assert [model_value(point(Quantity.STATUS, ""), value, 12.0) for value in (1.0, 0.0)] == [1.0, 0.0]


@given(
    st.sampled_from([(quantity, unit) for quantity in Quantity for unit in UNITS[quantity]]),
    st.floats(-1e4, 1e4),
    st.floats(-100.0, 4000.0),
    st.none() | st.floats(-100.0, 4000.0),
    st.booleans(),
    st.booleans(),
)
def test_what_a_point_would_read_is_the_inverse(
    kind: tuple[Quantity, str], value: float, elevation: float, gauge: float | None, absolute: bool, reverse: bool
) -> None:
    quantity, unit = kind
    there = point(quantity, unit, gauge_elevation_m=gauge, absolute=absolute, reverse=reverse)
    back = reading_value(there, model_value(there, value, elevation), elevation)
    one_metre = 1.0 / UNITS[quantity][unit]
    assert back == pytest.approx(value, abs=1e-9 * max(1.0, one_metre), rel=1e-9)


def test_totaliser_gives_the_mean_flow_between_two_readings() -> None:
    assert flow_from_totaliser(100.0, 136.0, 3600.0, None, "m3") == pytest.approx(0.01)
    assert flow_from_totaliser(100.0, 100.0, 60.0, None, "m3") == 0.0


def test_totaliser_that_rolls_over_goes_through_zero() -> None:
    assert flow_from_totaliser(99_990.0, 26.0, 3600.0, 100_000.0, "m3") == pytest.approx(0.01)


def test_totaliser_that_fell_without_rollover_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"fell from 100 to 26 m3 and has no rollover"):
        flow_from_totaliser(100.0, 26.0, 3600.0, None, "m3")


def test_totaliser_read_twice_at_one_instant_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"0 s between two readings"):
        flow_from_totaliser(100.0, 136.0, 0.0, None, "m3")


@given(st.floats(0.0, 999.0), st.floats(0.0, 900.0))
def test_rollover_is_never_a_negative_flow(begun: float, passed: float) -> None:
    shown = (begun + passed) % 1000.0
    assert flow_from_totaliser(begun, shown, 1.0, 1000.0, "m3") == pytest.approx(passed, abs=1e-6)
