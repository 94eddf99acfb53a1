"""Merging: quarter hours in which nothing happens are one step, and nothing is averaged over what happens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydro.engine import Engine
from hydro.merging import merged
from hydro.readings import Floats, Noise, Series
from hydro.window import Window, build_window, conditions_of

HOURS = 6
STEP_S = 900.0
COUNT = HOURS * 4


def quiet(town: Engine, pressure: dict[str, Floats], status: Floats) -> Window:
    times: Floats = (np.arange(COUNT, dtype=np.float64) + 0.5) * STEP_S
    series = [Series(node, node, "pressure", times, value) for node, value in pressure.items()]
    series += [Series("T1", "T1", "level", times, np.full(COUNT, 2.0)), Series("PU1", "PU1", "status", times, status)]
    edges = np.arange(0.0, HOURS * 3600.0 + 1.0, STEP_S)
    return build_window(
        town.network, series, origin=0.0, start=0.0, end=float(edges[-1]), edges=edges, noise=Noise(0.1, 0.02)
    )


@pytest.fixture
def pressure() -> dict[str, Floats]:
    chance = np.random.default_rng(3)
    return {node: 30.0 + 0.03 * chance.standard_normal(COUNT) for node in ("J2", "J3", "J5")}


def test_each_quiet_hour_is_one_step_told_by_its_mean(town: Engine, pressure: dict[str, Floats]) -> None:
    window = quiet(town, pressure, np.ones(COUNT))
    found = merged(town, window)
    assert found.steps == HOURS
    assert found.weight.tolist() == [4.0] * HOURS
    row = found.points.index("J3")
    assert found.value[row] == pytest.approx(pressure["J3"].reshape(HOURS, 4).mean(axis=1))
    assert found.deviation[row] == pytest.approx(0.05)
    assert found.time == pytest.approx((np.arange(HOURS) + 0.5) * 3600.0)


@pytest.mark.parametrize("quarter", [9, 10, 11])
def test_where_readings_jump_there_is_a_border(town: Engine, pressure: dict[str, Floats], quarter: int) -> None:
    fallen = {node: value - 1.0 * (np.arange(COUNT) >= quarter) for node, value in pressure.items()}
    found = merged(town, quiet(town, fallen, np.ones(COUNT)))
    begins = np.array([one[0] for one in found.parts])
    assert quarter * STEP_S + STEP_S / 2 in begins.tolist()
    assert found.steps == HOURS + 1


def test_where_a_pump_is_switched_there_is_a_border(town: Engine, pressure: dict[str, Floats]) -> None:
    found = merged(town, quiet(town, pressure, (np.arange(COUNT) < 14).astype(float)))
    assert found.steps == HOURS + 1
    assert found.status[:, town.network.link_index["PU1"]].tolist() == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_reading_that_is_missing_is_not_averaged_with_others(town: Engine, pressure: dict[str, Floats]) -> None:
    pressure["J5"][6] = np.nan
    found = merged(town, quiet(town, pressure, np.ones(COUNT)))
    row = found.points.index("J5")
    gone = [step for step in range(found.steps) if np.isnan(found.value[row, step])]
    assert [found.parts[step].tolist() for step in gone] == [[6 * STEP_S + STEP_S / 2]]


def test_demand_of_a_step_is_the_mean_of_its_parts(town: Engine, pressure: dict[str, Floats]) -> None:
    window = quiet(town, pressure, np.ones(COUNT))
    hour = merged(town, window)
    apart = replace(hour, time=np.array([5400.0]), parts=(np.array([900.0, 9900.0]),)).keep(np.array([0]))
    first, last = (town.default_conditions(time).demand for time in (900.0, 9900.0))
    assert not np.allclose(first, last)
    assert conditions_of(town, apart)[0].demand == pytest.approx((first + last) / 2)
