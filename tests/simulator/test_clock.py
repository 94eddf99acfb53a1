from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from simulator.clock import PlantClock
from simulator.plant import scan_interval

START = datetime(2026, 7, 10, tzinfo=UTC)


@pytest.mark.parametrize("speed", [0.5, 1.0, 600.0, 3600.0])
def test_clock_runs_n_times_as_fast_as_the_wall(speed: float) -> None:
    wall = [100.0]
    clock = PlantClock(START, speed, lambda: wall[0])
    assert clock.now() == START
    wall[0] += 2.0
    assert clock.now() == START + timedelta(seconds=2 * speed)
    assert clock.wall_until(START + timedelta(seconds=5 * speed)) == pytest.approx(3.0)
    assert clock.wall_until(START) == pytest.approx(-2.0)


def test_clock_refuses_naive_time_and_standstill() -> None:
    with pytest.raises(ValueError, match="naive"):
        PlantClock(START.replace(tzinfo=None), 1.0)
    with pytest.raises(ValueError, match="speed 0"):
        PlantClock(START, 0.0)


def test_devices_scan_each_second_in_real_time_and_each_step_in_a_hurry() -> None:
    assert scan_interval(60, 1) == 1
    assert scan_interval(60, 60) == 6
    assert scan_interval(60, 600) == 60
    assert scan_interval(60, 3600) == 60
    assert scan_interval(300, 1200) == 100
    assert scan_interval(7, 50) == 1


def test_clock_goes_on_from_now_at_another_pace() -> None:
    wall = 0.0
    clock = PlantClock(START, 600.0, lambda: wall)
    wall = 2.0
    clock.pace(30.0)
    wall = 4.0
    assert (clock.now() - START).total_seconds() == 2 * 600 + 2 * 30
    with pytest.raises(ValueError, match="speed -1"):
        clock.pace(-1.0)
    assert clock.speed == 30.0
