from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.clock import FORGET_S, SKEW_S, DeviceClock, PlantClock

WALL = datetime(2026, 11, 24, 9, tzinfo=UTC)
PLANT = datetime(2026, 7, 11, 7, tzinfo=UTC)


def following(*devices: str) -> PlantClock:
    return PlantClock(True, devices, lambda: WALL)


def shown(start: datetime, instant: float, speed: float, step_s: float) -> datetime:
    """What a device's clock shows that runs at a speed and is set on every ``step_s``."""
    return start + timedelta(seconds=math.floor(instant * speed / step_s) * step_s)


@pytest.mark.parametrize(("speed", "step_s"), [(1.0, 1e-3), (1.0, 1.0), (60.0, 6.0), (600.0, 60.0), (1800.0, 60.0)])
def test_clock_is_followed_and_goes_on_while_its_device_is_silent(speed: float, step_s: float) -> None:
    clock = following("rtu")
    instant = 0.0
    while instant < 40.0:
        clock.hear("rtu", instant, shown(PLANT, instant, speed, step_s))
        instant += max(0.01, min(clock.due_s("rtu", instant), 60.0 / speed))
    assert clock.rate("rtu") == pytest.approx(speed, rel=2.0 * step_s / speed / FORGET_S + 1e-9)
    clock.lose("rtu")
    for silence in (0.0, 10.0, 100.0):
        now = clock.now("rtu", instant + silence)
        assert now is not None
        away_s = abs((now - PLANT).total_seconds() - (instant + silence) * speed)
        assert away_s <= 2.0 * step_s * (1.0 + silence / FORGET_S) + 1e-3


def test_real_clock_of_whole_seconds_runs_as_fast_as_the_wall_whatever_it_shows_first() -> None:
    clock = following("rtu")
    for instant in (0.9, 0.95, 1.05, 1.2, 1.99, 2.01):
        clock.hear("rtu", instant, shown(PLANT, instant, 1.0, 1.0))
        assert clock.rate("rtu") == 1.0
    now = clock.now("rtu", 3602.0)
    assert now is not None
    assert abs((now - PLANT).total_seconds() - 3602.0) <= 1.0


def test_clock_that_runs_with_the_wall_is_soon_left_alone_and_a_fast_one_looked_at_now_and_then() -> None:
    looks = dict.fromkeys((1.0, 600.0), 0)
    for speed in looks:
        clock, instant = following("rtu"), 0.0
        while instant < 600.0:
            clock.hear("rtu", instant, shown(PLANT, instant, speed, 1.0))
            looks[speed] += 1
            instant += clock.due_s("rtu", instant)
    assert looks[1.0] < 20
    assert looks[600.0] < 60


@given(st.floats(-1e7, 1e7), st.sampled_from([1.0, 600.0]))
def test_clock_that_is_set_is_believed_at_once(jump: float, speed: float) -> None:
    clock = DeviceClock()
    for second in range(10):
        clock.hear(float(second), second * speed)
    clock.hear(10.0, 10.0 * speed + jump)
    assert clock.at(10.0) == 10.0 * speed + jump
    if jump < -10.0 * speed or jump > 30.0 * speed:
        assert clock.rate == speed


def test_before_any_device_has_told_its_time_there_is_none() -> None:
    clock = following("a", "b")
    assert clock.now("a", 5.0) is None
    assert clock.rate("a") == 1.0
    clock.hear("b", 5.0, PLANT)
    assert clock.now("a", 6.0) == PLANT + timedelta(seconds=1)


def test_device_goes_by_its_own_clock_and_while_away_by_the_first_that_answers() -> None:
    clock = following("a", "b", "c")
    skewed = {"a": PLANT, "b": PLANT + timedelta(seconds=40), "c": PLANT - timedelta(seconds=40)}
    for device, time in skewed.items():
        clock.hear(device, 0.0, time)
    assert {device: clock.now(device, 0.0) for device in skewed} == skewed
    clock.lose("a")
    assert clock.now("a", 0.0) == skewed["b"]
    clock.lose("b")
    clock.lose("c")
    assert clock.now("b", 1.0) is not None


def test_where_the_site_goes_by_the_wall_a_device_far_off_is_not_believed() -> None:
    clock = PlantClock(False, ["rtu"], lambda: WALL)
    clock.hear("rtu", 0.0, PLANT)
    assert clock.now("rtu", 100.0) == WALL
    assert clock.rate("rtu") == 1.0
    assert clock.due_s("rtu", 0.0) == math.inf
    near, far = WALL - timedelta(seconds=SKEW_S - 1), WALL + timedelta(seconds=SKEW_S + 1)
    assert (clock.believed(near), clock.believed(far), clock.believed(None)) == (near, None, None)


def test_clock_that_was_never_set_is_not_believed() -> None:
    clock = following("rtu")
    assert clock.believed(datetime(1970, 1, 1, 0, 5, tzinfo=UTC)) is None
    assert clock.believed(datetime(9999, 12, 31, tzinfo=UTC)) is None
    assert clock.believed(PLANT) == PLANT
