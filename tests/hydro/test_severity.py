"""Severities: what a glance finds of a likelihood that a grid of solves hardly knows."""

from __future__ import annotations

import numpy as np
import pytest

from hydro.onsets import ByOnset
from hydro.severity import Judge, glance, scan_severities

GRID = np.append(np.geomspace(10.0, 1e6, 16), 1e9)
STEPS = 5


def likelihood(peak: float, solved: set[float]) -> Judge:
    """Return a judge whose likelihood is a Gaussian of the severity's logarithm, and note at what is solved."""

    def judge(severity: float, lower: float, upper: float) -> ByOnset:
        assert lower <= severity * (1 + 1e-9) and severity <= upper * (1 + 1e-9)
        solved.update((lower, upper))
        told = -0.5 * (np.log(severity / peak) / 0.3) ** 2
        by_onset = np.full(STEPS, told - 3.0)
        by_onset[2] = told
        return ByOnset(by_onset, np.zeros((STEPS, 1)), np.zeros((STEPS, 0)))

    return judge


@pytest.mark.parametrize("peak", [35.0, 700.0, 9e4])
@pytest.mark.parametrize("guess", [10.0, 2154.0, 1e9])
def test_a_glance_sees_the_peak_wherever_it_begins_and_solves_few_severities(peak: float, guess: float) -> None:
    solved: set[float] = set()
    assert glance(GRID, guess, likelihood(peak, solved)) > -0.3
    assert len(solved) <= 7


def test_a_scan_finds_severity_and_onset() -> None:
    peak = 700.0
    scan = scan_severities(GRID, 1e5, likelihood(peak, set()))
    assert scan.best == pytest.approx(peak, rel=0.1)
    assert scan.onset == 2
    assert scan.weights.sum() == pytest.approx(1.0)


def test_a_closed_valve_is_found_where_nothing_less_will_do() -> None:
    assert scan_severities(GRID, 1e3, likelihood(1e9, set())).best == 1e9


def test_a_severity_that_stands_is_tried_to_the_digit() -> None:
    stands = 2.3e6
    narrow = GRID[stands > GRID][-1]
    tried: list[float] = []

    def judge(severity: float, lower: float, upper: float) -> ByOnset:
        tried.append(severity)
        told = np.full(STEPS, -0.5 * (np.log(severity / stands) / 0.02) ** 2)
        return ByOnset(told, np.zeros((STEPS, 1)), np.zeros((STEPS, 0)))

    scan = scan_severities(GRID, stands, judge, stands=True)
    assert stands in tried
    assert scan.best == pytest.approx(stands, rel=0.05)
    assert scan.severities[scan.weights > 0.01].min() > narrow


def test_what_is_beyond_a_dip_is_not_believed_beside_a_severity_that_stands() -> None:
    stands = 1e4

    def judge(severity: float, lower: float, upper: float) -> ByOnset:
        beyond = -2.0 if severity < 900.0 else -np.inf
        told = np.full(STEPS, max(beyond, -(np.log(severity / stands) ** 2)))
        return ByOnset(told, np.zeros((STEPS, 1)), np.zeros((STEPS, 0)))

    scan = scan_severities(GRID, stands, judge, stands=True)
    assert scan.severities.min() > 900.0
    assert scan.weights @ np.log(scan.severities) == pytest.approx(np.log(stands), abs=0.3)
    wide = scan_severities(GRID, stands, judge)
    assert wide.severities.min() < 900.0
