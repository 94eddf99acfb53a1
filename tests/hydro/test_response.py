"""What a fault moves, against EPANET itself."""

from __future__ import annotations

import numpy as np
import pytest

from hydro.departures import zone_response
from hydro.evidence import Evidence
from hydro.faults import KINDS, Scene
from hydro.hypothesis import Fault, Hypothesis
from hydro.readings import Floats
from hydro.resolve import Case, at_rest, conditions_under, evidence_at
from hydro.response import SLACK, STEP, Response, slack
from tests.hydro.conftest import CaseMaker

GUESSES = {"blocked_link": ("P5", 2000.0), "demand_growth": ("J6", 0.002), "leak": ("J5", 0.001)}


@pytest.fixture(scope="module")
def case(case_of: CaseMaker) -> Case:
    return case_of(None)


@pytest.fixture(scope="module")
def rest(case: Case) -> Evidence:
    return at_rest(case)


def fault_of(case: Case, kind_name: str, onset: int) -> Fault:
    element, severity = GUESSES[kind_name]
    scene = Scene(case.engine.network, case.assets, case.window.points, case.window.observables, frozenset(), None)
    kind = next(one for one in KINDS if one.name == kind_name)
    candidate = next(one for one in kind.candidates(scene) if one.elements == (element,))
    return Fault(candidate, severity, onset)


def solved(case: Case, evidence: Evidence, hypothesis: Hypothesis) -> Floats:
    """Return (T, S) the observed values that EPANET has under a hypothesis at the evidence's departures."""
    conditions = [conditions_under(case, evidence.place, hypothesis, step) for step in range(case.window.steps)]
    states = case.engine.solve_many(conditions)
    return np.stack([case.window.observables.values(state, case.engine.network) for state in states])


@pytest.mark.parametrize("kind", sorted(GUESSES))
def test_moves_are_those_of_epanet_in_the_steps_it_solves_and_near_them_between(
    case: Case, rest: Evidence, kind: str
) -> None:
    fault = fault_of(case, kind, 0)
    moved = Response(case, rest, (), (fault,), 0).on(fault.severity, fault.severity, fault.severity)
    exact = solved(case, rest, (fault,)) - solved(case, rest, ())
    apart = np.abs(moved - exact).max(axis=1)
    assert np.abs(exact).max() > 0.5
    assert np.sort(apart)[:5] == pytest.approx(0.0, abs=1e-4)
    assert np.median(apart) < 0.15 * np.abs(exact).max()


@pytest.mark.parametrize("kind", sorted(GUESSES))
def test_a_severity_that_grows_moves_what_epanet_says_from_its_onset_on(case: Case, rest: Evidence, kind: str) -> None:
    onset = case.window.steps // 2
    fault = fault_of(case, kind, onset)
    there = evidence_at(case, (fault,), rest, ())
    larger = Fault(fault.candidate, fault.severity * float(np.exp(STEP)), onset)
    exact = (solved(case, there, (larger,)) - solved(case, there, (fault,))) * (SLACK / STEP)
    told = slack(case, there, (fault,))[:, :, 0]
    assert told[:onset] == pytest.approx(0.0, abs=1e-9)
    apart = np.abs(told - exact).max(axis=1)[onset:]
    assert np.median(apart) < 0.15 * np.abs(exact).max()
    if not fault.kind.proportional:
        assert np.sort(apart)[:3] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("growth", [0.1, 1.0])
def test_grown_demand_of_a_zone_moves_what_the_zone_moves_that_draws_more(
    case: Case, rest: Evidence, growth: float
) -> None:
    scene = Scene(case.engine.network, case.assets, case.window.points, case.window.observables, frozenset(), None)
    kind = next(one for one in KINDS if one.name == "demand_growth")
    zone = next(one for one in kind.candidates(scene) if len(one.elements) > 1)
    usual = float(case.engine.network.base_demand[list(zone.indices)].sum())
    fault = Fault(zone, growth * usual, 0)
    there = evidence_at(case, (fault,), rest, ())
    strayed = zone_response(there.snapshots[0], case.assets)[:, case.assets.zone[zone.indices[0]]]
    of_grown = growth / (1.0 + growth)
    assert np.abs(strayed).max() > 1e-3
    assert slack(case, there, (fault,))[0, :, 0] * STEP / SLACK == pytest.approx(strayed * of_grown * np.expm1(STEP))
    more = 1.5 * fault.severity
    told = Response(case, there, (fault,), (fault,), 0).on(more, 0.0, 2.0 * more)[0]
    assert told == pytest.approx(0.5 * strayed * of_grown)


def test_without_faults_there_is_no_slack(case: Case, rest: Evidence) -> None:
    assert slack(case, rest, ()).shape == (*rest.residual.shape, 0)


@pytest.mark.parametrize("kind", sorted(GUESSES))
def test_a_fault_that_stands_moves_nothing_as_it_stands_and_what_epanet_says_a_little_above(
    case: Case, rest: Evidence, kind: str
) -> None:
    onset = case.window.steps // 3
    fault = fault_of(case, kind, onset)
    base = evidence_at(case, (fault,), rest, ())
    response = Response(case, base, (fault,), (fault,), 0)
    assert response.on(*[fault.severity] * 3)[onset:] == pytest.approx(0.0, abs=1e-9)
    more = fault.severity * 1.3
    larger = Fault(fault.candidate, more, onset)
    exact = (solved(case, base, (larger,)) - solved(case, base, (fault,)))[onset:]
    apart = np.abs(response.on(more, more, more)[onset:] - exact)
    assert np.median(apart.max(axis=1)) < 0.1 * np.abs(exact).max()
