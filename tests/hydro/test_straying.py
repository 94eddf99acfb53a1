"""A gauge that strays is found whatever way it does, and is not mistaken for something in the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hydro.diagnosis import diagnose
from hydro.hypothesis import Fault, Priors
from hydro.readings import Floats
from hydro.resolve import Case, at_rest, deaf
from hydro.straying import (
    OFFSET,
    UNTRUE,
    WAYS,
    deaf_by_onset,
    is_gauge,
    likeliest,
    own_by_onset,
    straying,
    straying_by_onset,
)
from tests.hydro.conftest import CaseMaker
from tests.hydro.test_kin import question

POINT = "J3/pressure"
ONSET = 20
Way = Callable[[Floats], Floats]


def drifting(value: Floats) -> Floats:
    return value + 0.12 * np.arange(len(value))


def stuck(value: Floats) -> Floats:
    return np.full_like(value, value[0])


def in_feet(value: Floats) -> Floats:
    return value * 3.28084


def fault_at(case: Case, kind: str, element: str) -> Fault:
    believed = question(case).believed.values()
    return Fault(next(one for one, _ in believed if (one.kind, one.elements) == (kind, (element,))), 1.0, 0)


def spoilt(case: Case, way: Way) -> Case:
    value = case.window.value.copy()
    row = case.window.points.index(POINT)
    value[row, ONSET:] = way(value[row, ONSET:])
    window = replace(case.window, value=value)
    return replace(case, window=window, as_read=window)


@pytest.mark.parametrize("way", [drifting, in_feet])
def test_a_gauge_that_strays_is_the_cause(case_of: CaseMaker, way: Way) -> None:
    case = spoilt(case_of(None), way)
    found = diagnose(case, case.window.points, Priors())
    first = found.causes[0]
    assert (first.candidate.kind, first.candidate.elements) == ("point_fault", (POINT,))
    assert first.probability > 0.9
    assert [one for one in found.causes[1:] if one.probability > 0.3] == []


@pytest.mark.parametrize("way", [drifting, stuck, in_feet])
def test_it_begins_where_its_readings_do(case_of: CaseMaker, way: Way) -> None:
    case = spoilt(case_of(None), way)
    rest = at_rest(case)
    strayed = likeliest(case.window, rest, fault_at(case, "point_fault", POINT))
    assert strayed.peak > rest.log_likelihood + 10.0
    assert abs(strayed.fault.onset - ONSET) <= 2
    assert strayed.log_width <= 0.0


def test_what_moves_water_is_no_gauge(case_of: CaseMaker) -> None:
    case = case_of(None)
    assert is_gauge(case.window, fault_at(case, "point_fault", POINT))
    assert not is_gauge(case.window, fault_at(case, "leak", "J3"))


@pytest.mark.parametrize("way", [drifting, in_feet])
def test_every_onset_is_weighed_as_if_it_alone_were_asked_for(case_of: CaseMaker, way: Way) -> None:
    case = spoilt(case_of(None), way)
    evidence, fault = at_rest(case), fault_at(case, "point_fault", POINT)
    one_by_one = [straying(case.window, evidence, replace(fault, onset=step)) for step in range(case.window.steps)]
    told, offsets = straying_by_onset(case.window, evidence, fault.candidate.indices[0])
    assert told == pytest.approx(np.array([one.log_likelihood for one in one_by_one]), abs=1e-5)
    assert offsets == pytest.approx(np.array([OFFSET * one.beside.mean[-WAYS] for one in one_by_one]), rel=1e-5)


@pytest.mark.parametrize("way", [drifting, stuck, in_feet])
def test_a_gauge_that_says_nothing_is_weighed_by_what_the_others_say_and_by_its_own_noise(
    case_of: CaseMaker, way: Way
) -> None:
    case = spoilt(case_of(None), way)
    evidence, fault = at_rest(case), fault_at(case, "point_fault", POINT)
    row = fault.candidate.indices[0]
    quick = deaf_by_onset(evidence, row)
    for onset in (0, ONSET, case.window.steps - 1):
        exact = deaf(case, (replace(fault, severity=0.0, onset=onset),), evidence).log_likelihood
        told = quick[onset] + own_by_onset(case.window, evidence, row)[onset]
        # The departures are weighed as if the gauge told of them still: that is never too much.
        assert told < exact + 1e-3
        if onset == ONSET:
            assert told > exact - 5.0


def test_what_a_gauge_reads_of_its_own_is_a_density(case_of: CaseMaker) -> None:
    case = case_of(None)
    evidence, row = at_rest(case), case.window.points.index(POINT)
    last = case.window.steps - 1
    reads = np.linspace(-400.0, 500.0, 601)
    density = []
    for read in reads:
        value = case.window.value.copy()
        value[row, last] = read
        window = replace(case.window, value=value)
        density.append(np.exp(own_by_onset(window, evidence, row)[last]) / UNTRUE / np.sqrt(2.0 * np.pi))
    assert np.trapezoid(density, reads) == pytest.approx(1.0, abs=0.01)


def test_a_gauge_that_is_well_is_none_though_less_stirs_than_is_believed(case_of: CaseMaker) -> None:
    case = case_of(None)
    evidence = at_rest(case)
    for row in range(len(case.window.points)):
        alone = deaf_by_onset(evidence, row) + own_by_onset(case.window, evidence, row)
        assert alone.max() < evidence.log_likelihood
