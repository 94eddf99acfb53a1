from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from models.point import Point
from models.quantity import Quantity
from models.sample import Quality
from simulator.condition import Condition, GaugeState
from simulator.instruments import Instruments, Reading, fit_out
from simulator.plant_files import GaugeTruth, TruePlant
from simulator.snapshot import Snapshot, held_until
from simulator.truth import Truth

START = datetime(2026, 7, 9, 22, tzinfo=UTC)
WELL = Condition()
QUIET = TruePlant(gauge_noise_m=0, gauge_noise_percent=0)
PRESSURE = Point("PT", "J6", Quantity.PRESSURE, "m", "rtu", "holding/1", "float64")
FLOW = Point("FT", "P5", Quantity.FLOW, "l/s", "rtu", "holding/1", "float64")
COUNT = Point("FQ", "P5", Quantity.VOLUME, "m3", "rtu", "holding/1", "float64")


@pytest.fixture
def truth(open_truth: Callable[..., Truth]) -> Truth:
    return open_truth()


def instruments(truth: Truth, *points: Point, plant: TruePlant = QUIET, seed: int = 1) -> Instruments:
    fitted, problems = fit_out(points, truth.elements, plant, seed)
    assert not problems
    return fitted


def shown(truth: Truth, point: Point, plant: TruePlant = QUIET, snapshot: Snapshot | None = None) -> float:
    fitted = instruments(truth, point, plant=plant)
    return fitted.read(snapshot or truth.snapshot, WELL, {})[point.name].raw


def true_pressure(truth: Truth) -> float:
    node = truth.elements.nodes["J6"]
    return float(truth.snapshot.head[node]) - 10.0


def test_pressure_is_above_the_node_or_above_the_gauge(truth: Truth) -> None:
    assert shown(truth, PRESSURE) == pytest.approx(true_pressure(truth))
    assert shown(truth, replace(PRESSURE, gauge_elevation_m=11.5)) == pytest.approx(true_pressure(truth) - 1.5)
    assert shown(truth, replace(PRESSURE, absolute=True)) == pytest.approx(true_pressure(truth) + 10.33)
    kpa = shown(truth, replace(PRESSURE, unit="kPa"))
    assert kpa == pytest.approx(true_pressure(truth) * 9.7978, rel=1e-4)


def test_flow_is_positive_from_start_to_end_and_turned_by_reverse(truth: Truth) -> None:
    flow = float(truth.snapshot.flow[truth.elements.links["P5"]]) * 1e3
    assert flow > 0
    assert shown(truth, FLOW) == pytest.approx(flow)
    assert shown(truth, replace(FLOW, reverse=True)) == pytest.approx(-flow)
    assert shown(truth, replace(FLOW, unit="m3/h")) == pytest.approx(flow * 3.6)


def test_flow_at_a_source_is_what_it_gives_and_at_a_junction_what_is_delivered(truth: Truth) -> None:
    tank, pipe = replace(FLOW, element="T1"), replace(FLOW, element="P7")
    assert shown(truth, tank) == pytest.approx(-shown(truth, pipe), abs=1e-3)
    delivered = float(truth.snapshot.delivered[truth.elements.nodes["J6"]]) * 1e3
    assert shown(truth, replace(FLOW, element="J6")) == pytest.approx(delivered)
    assert shown(truth, replace(FLOW, element="J6", quantity=Quantity.DEMAND)) == pytest.approx(delivered)


def test_level_is_above_the_tanks_bottom_and_head_is_head(truth: Truth) -> None:
    head = float(truth.snapshot.head[truth.elements.nodes["T1"]])
    level = replace(PRESSURE, element="T1", quantity=Quantity.LEVEL)
    assert shown(truth, level) == pytest.approx(head - 45)
    assert shown(truth, replace(level, quantity=Quantity.HEAD)) == pytest.approx(head)


def test_status_is_one_or_zero(truth: Truth) -> None:
    status = replace(FLOW, quantity=Quantity.STATUS, unit="", data_type="bit")
    assert shown(truth, status) == 1
    assert shown(truth, replace(status, element="P8")) == 0


def test_totaliser_counts_what_passes_and_rolls_over(truth: Truth) -> None:
    first = shown(truth, COUNT)
    rolling = replace(COUNT, rollover=10.0)
    seen, total = [], 0.0
    for minute in range(1, 121):
        total += float(truth.snapshot.flow[truth.elements.links["P5"]]) * 60
        truth.advance(START + timedelta(minutes=minute), longest_s=60)
        seen.append(shown(truth, rolling))
    assert shown(truth, COUNT) - first == pytest.approx(total)
    assert all(0 <= value < 10 for value in seen)
    assert sum(later < earlier for earlier, later in pairwise(seen)) == pytest.approx(total / 10, abs=1)
    assert shown(truth, replace(COUNT, reverse=True)) == shown(truth, replace(COUNT, reverse=True))


def test_totaliser_counts_on_between_steps(truth: Truth) -> None:
    later = held_until(truth.snapshot, truth.elements, START + timedelta(seconds=30))
    flow = float(truth.snapshot.flow[truth.elements.links["P5"]])
    assert shown(truth, COUNT, snapshot=later) - shown(truth, COUNT) == pytest.approx(30 * flow)


def test_datum_quantum_and_scale_make_the_raw_value(truth: Truth) -> None:
    plant = replace(QUIET, gauges={"PT": GaugeTruth(offset=0.37, quantum=0.25)})
    point = replace(PRESSURE, data_type="int16", scale=0.01, offset=-5.0)
    expected = round((true_pressure(truth) + 0.37) / 0.25) * 0.25
    assert shown(truth, point, plant) == round((expected + 5.0) / 0.01)


def test_noise_is_as_wide_as_was_asked_for_and_repeats_with_its_seed(truth: Truth) -> None:
    plant = TruePlant(gauge_noise_m=0.2, gauge_noise_percent=3, gauges={"quiet": GaugeTruth(noise=0.0)})
    fitted = instruments(truth, PRESSURE, FLOW, replace(PRESSURE, name="quiet"), plant=plant)
    again = instruments(truth, PRESSURE, FLOW, replace(PRESSURE, name="quiet"), plant=plant)
    other = instruments(truth, PRESSURE, FLOW, replace(PRESSURE, name="quiet"), plant=plant, seed=2)
    rows = []
    for second in range(500):
        snapshot = held_until(truth.snapshot, truth.elements, START + timedelta(seconds=second))
        readings = fitted.read(snapshot, WELL, {})
        assert readings == again.read(snapshot, WELL, {})
        assert readings != other.read(snapshot, WELL, {})
        rows.append([readings[name].raw for name in ("PT", "FT", "quiet")])
    values = np.array(rows)
    flow = float(truth.snapshot.flow[truth.elements.links["P5"]]) * 1e3
    assert values.mean(axis=0) == pytest.approx([true_pressure(truth), flow, true_pressure(truth)], abs=0.05)
    assert values.std(axis=0) == pytest.approx([0.2, 0.03 * flow, 0.0], rel=0.15, abs=1e-9)


def ailing(truth: Truth, state: GaugeState, before: dict[str, Reading], point: Point = PRESSURE) -> Reading:
    fitted = instruments(truth, point)
    return fitted.read(truth.snapshot, Condition(gauges={point.name: state}), before)[point.name]


def test_gauges_freeze_drift_and_die(truth: Truth) -> None:
    last = {"PT": Reading(12.5)}
    assert ailing(truth, GaugeState(frozen=True), last) == Reading(12.5)
    assert ailing(truth, GaugeState(frozen=True), {}).raw == pytest.approx(true_pressure(truth))
    assert ailing(truth, GaugeState(drift=1.5), last).raw == pytest.approx(true_pressure(truth) + 1.5)
    dead = ailing(truth, GaugeState(dead=True), last)
    assert math.isnan(dead.raw)
    assert dead.quality is Quality.BAD
    assert ailing(truth, GaugeState(dead=True), last, replace(PRESSURE, data_type="int16")).raw == -32768
    assert ailing(truth, GaugeState(uncertain=True), last).quality is Quality.UNCERTAIN


def test_points_that_cannot_be_measured_are_told_together(truth: Truth) -> None:
    wrong = [
        replace(PRESSURE, name="a", element="J99", line=2),
        replace(PRESSURE, name="b", quantity=Quantity.LEVEL, line=3),
        replace(FLOW, name="c", element="T1", quantity=Quantity.DEMAND, line=4),
        replace(FLOW, name="d", unit="furlong", line=5),
        replace(FLOW, name="e", data_type="string", line=6),
        replace(FLOW, name="f", quantity=Quantity.STATUS, unit="", element="J1", line=7),
        replace(FLOW, name="g", scale=0.0, line=8),
    ]
    plant = TruePlant(gauges={"PT-99": GaugeTruth()})
    _, problems = fit_out([PRESSURE, *wrong], truth.elements, plant, 1)
    assert [problem.line for problem in problems] == [0, 2, 3, 4, 5, 6, 7, 8]
    assert "PT-99" in problems[0].message
