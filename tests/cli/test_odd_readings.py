"""Readings as files bring them: odd ones are said, none is believed because it is there."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.main import main
from hydro.engine import Engine
from hydro.network import JUNCTION

NET = Path(__file__).parents[1] / "simulator" / "town.inp"
BEGAN = datetime(2026, 7, 11, tzinfo=UTC)
Row = list[Any]
Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def healthy() -> list[Row]:
    """A day of pressures at every junction of a town whose tank and pump nobody reads."""
    chance = np.random.default_rng(1)
    with Engine(NET, workers=1) as engine:
        network = engine.network
        states = engine.run(np.arange(0.0, 86400.0, 900.0))
        junctions = np.flatnonzero(network.node_kind == JUNCTION)
        return [
            [
                (BEGAN + timedelta(seconds=900 * step)).isoformat(),
                network.node_ids[node],
                "pressure",
                round(float(state.pressure[node] + 0.1 * chance.standard_normal()), 3),
                "m",
            ]
            for step, state in enumerate(states)
            for node in junctions
        ]


def diagnosed(tmp_path: Path, capsys: Out, rows: list[Row], *more: str) -> tuple[int, dict[str, Any], str]:
    file = tmp_path / "readings.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([["time", "element", "quantity", "value", "unit"], *rows])
    capsys.readouterr()
    status = main(["diagnose", str(NET), "--readings", str(file), "--start", BEGAN.isoformat(), "--json", *more])
    said = capsys.readouterr()
    return status, json.loads(said.out) if status == 0 else {}, said.err


def with_values(rows: list[Row], change: Callable[[Row], object]) -> list[Row]:
    return [[*row[:3], change(row), row[4]] for row in rows]


def remarks(document: dict[str, Any]) -> dict[str, list[str]]:
    return {one["kind"]: one["elements"] for one in document["remarks"]}


def test_tank_and_pump_that_nobody_reads_are_said_and_blame_nothing(
    healthy: list[Row], tmp_path: Path, capsys: Out
) -> None:
    status, document, _ = diagnosed(tmp_path, capsys, healthy)
    assert status == 0
    assert document["healthy_probability"] > 0.5
    assert [one["elements"] for one in document["remarks"] if one["kind"] == "unread"] == [["T1"], ["PU1"]]


def test_a_unit_that_is_mistaken_everywhere_is_said_and_nothing_else(
    healthy: list[Row], tmp_path: Path, capsys: Out
) -> None:
    rows = with_values(healthy, lambda row: round(row[3] * 1.4223, 2))
    _, document, _ = diagnosed(tmp_path, capsys, rows)
    assert len(remarks(document)["unit"]) == 6
    assert "psi given as m" in str(document["remarks"])
    assert not document["can_say"]


def test_a_gauge_that_stands_still_is_left_out(healthy: list[Row], tmp_path: Path, capsys: Out) -> None:
    rows = with_values(healthy, lambda row: 31.25 if row[1] == "J1" else row[3])
    _, document, _ = diagnosed(tmp_path, capsys, rows)
    assert remarks(document)["frozen"] == ["J1/pressure"]
    assert {"reason": "frozen", "count": 96} in document["window"]["rejected"]
    assert document["healthy_probability"] > 0.5


def test_too_few_readings_say_nothing(healthy: list[Row], tmp_path: Path, capsys: Out) -> None:
    for rows in (healthy[:1], [row for row in healthy if row[1] in ("J1", "J2")]):
        _, document, _ = diagnosed(tmp_path, capsys, rows)
        assert not document["can_say"]
        assert "too few to say anything" in str(document["remarks"])


def test_what_is_there_twice_counts_once(healthy: list[Row], tmp_path: Path, capsys: Out) -> None:
    _, once, _ = diagnosed(tmp_path, capsys, healthy)
    _, twice, _ = diagnosed(tmp_path, capsys, [*healthy, *reversed(healthy[:60])])
    assert twice["window"]["rejected"] == [{"reason": "repeated", "count": 60}]
    assert twice["causes"] == once["causes"]


def test_two_values_at_one_time_are_refused_with_both_lines(healthy: list[Row], tmp_path: Path, capsys: Out) -> None:
    status, _, told = diagnosed(tmp_path, capsys, [*healthy, [*healthy[0][:3], 99.5, "m"]])
    assert status == 3
    assert "readings.csv:578: J1/pressure at 2026-07-11T00:00:00+00:00: 99.5, but" in told
    assert "in line 2, expected one value at a time" in told


def test_readings_of_the_future_are_refused(healthy: list[Row], tmp_path: Path, capsys: Out) -> None:
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    status, _, told = diagnosed(tmp_path, capsys, [*healthy, [later, *healthy[0][1:]]])
    assert status == 3
    assert f'readings.csv:578: reading of J1: time "{later}" is in the future' in told


def test_pressures_below_a_vacuum_and_no_numbers_are_no_readings(
    healthy: list[Row], tmp_path: Path, capsys: Out
) -> None:
    rows = with_values(healthy, lambda row: "nan" if row[1] == "J1" else -row[3])
    status, _, told = diagnosed(tmp_path, capsys, rows)
    assert status == 4
    assert "nothing to compare (left out: 96 no number, 480 below a vacuum)" in told
