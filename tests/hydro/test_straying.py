"""A gauge that strays is found whatever way it does, and is not mistaken for something in the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hydro.diagnosis import diagnose
from hydro.hypothesis import Fault, Priors
from hydro.readings import Floats
from hydro.resolve import Case, at_rest
from hydro.straying import OFFSET, WAYS, is_gauge, likeliest, straying
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
    return replace(case, window=replace(case.window, value=value))


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
    best = max(one_by_one, key=lambda one: one.log_likelihood)
    told = np.array([one.log_likelihood for one in one_by_one])
    found = likeliest(case.window, evidence, fault)
    assert found.fault.onset == one_by_one.index(best)
    assert found.peak == pytest.approx(best.log_likelihood, abs=1e-6)
    assert found.log_width == pytest.approx(float(np.log(np.mean(np.exp(told - told.max())))), abs=1e-6)
    assert found.fault.severity == pytest.approx(OFFSET * float(best.beside.mean[-WAYS]), rel=1e-6)
