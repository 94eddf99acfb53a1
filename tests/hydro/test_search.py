"""The search on a town that can be seen through: what is found, what is not, and what makes no difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hydro import ledger
from hydro.complaint import Complaint
from hydro.conditions import Conditions
from hydro.diagnosis import Diagnosis, diagnose
from hydro.engine import Engine
from hydro.errors import SolveError
from hydro.evidence import Evidence
from hydro.faults import KINDS, Scene
from hydro.faults.blocked_link import CLOSED
from hydro.fitting import Fit, explain, nearer
from hydro.hypothesis import Fault, Hypothesis, Priors
from hydro.ledger import Effort
from hydro.measurement import next_measurements
from hydro.network import TANK
from hydro.readings import Floats
from hydro.resolve import Case, at_rest, evidence_at, recentred
from hydro.weighing import Explained, Question, Weighed
from tests.hydro.conftest import CaseMaker


def asked(case: Case) -> Diagnosis:
    return diagnose(case, case.window.points, Priors())


def test_a_healthy_morning_is_healthy(case_of: CaseMaker) -> None:
    found = asked(case_of(None))
    assert found.healthy_probability > 0.5
    assert found.causes[0].probability < 0.3


def test_a_blocked_main_is_found_with_its_severity_and_onset(town: Engine, case_of: CaseMaker) -> None:
    link = town.network.link_index["P5"]

    def blocked(one: Conditions) -> Conditions:
        minor_loss = one.minor_loss.copy()
        minor_loss[link] = 1500.0
        return replace(one, minor_loss=minor_loss)

    case = case_of(blocked)
    found = asked(case)
    first = found.causes[0]
    assert (first.candidate.kind, first.candidate.elements) == ("blocked_link", ("P5",))
    assert first.probability > 0.9
    assert 700.0 < first.fault.severity < 3000.0
    begun = (case.window.time[first.fault.onset] - case.window.origin) / 3600.0
    assert begun == pytest.approx(6.0, abs=0.75)


def test_grown_demand_is_told_from_a_blocked_main(town: Engine, case_of: CaseMaker) -> None:
    node = town.network.node_index["J6"]

    def grown(one: Conditions) -> Conditions:
        demand = one.demand.copy()
        demand[node] += 0.002
        return replace(one, demand=demand)

    found = asked(case_of(grown))
    kinds = {cause.candidate.kind for cause in found.causes if cause.probability > 0.5}
    assert "blocked_link" not in kinds
    assert found.causes[0].candidate.kind in ("demand_growth", "leak")
    assert found.causes[0].probability > 0.5


def test_a_complaint_is_answered_by_what_explains_it_not_by_what_is_surest(town: Engine, case_of: CaseMaker) -> None:
    grown, behind = town.network.node_index["J2"], town.network.node_index["J6"]

    def change(one: Conditions) -> Conditions:
        demand = one.demand.copy()
        demand[grown] += 0.02
        return replace(one, demand=demand)

    case = case_of(change)
    unread = replace(case, window=case.window.without(["J6/pressure"]))
    late = np.array([case.window.steps - 1])
    complaint = Complaint("J6", row=case.window.points.index("J6/pressure"), steps=late, required=14.0)
    found = diagnose(unread, case.window.points, Priors(any_fault=0.6, another=0.4), complaint)
    assert found.causes[0].candidate.elements == ("J2",)
    answering = found.answering
    lowest = answering.evidence.snapshots[-1].state.pressure[behind]
    assert found.found.asked.usual - lowest > 0.5
    # Wherever else a gauge hangs already, another one tells nothing.
    assert {one.node for one in next_measurements(found)} == {behind}


def test_a_fault_that_does_nothing_explains_nothing(case_of: CaseMaker) -> None:
    case = case_of(None)
    rest = at_rest(case)
    scene = Scene(case.engine.network, case.assets, case.window.points, case.window.observables, frozenset(), None)
    main = next(one for one, _ in Priors().of(scene).values() if one.elements == ("P1",))
    for onset in (0, 3, case.window.steps - 1):
        nothing = (Fault(main, 1e-3, onset),)
        assert evidence_at(case, nothing, rest, ()).log_likelihood == pytest.approx(rest.log_likelihood, abs=0.05)


def test_a_closed_valve_is_found_closed(town: Engine, case_of: CaseMaker) -> None:
    link = town.network.link_index["P5"]

    def closed(one: Conditions) -> Conditions:
        status = one.status.copy()
        status[link] = 0.0
        return replace(one, status=status)

    first = asked(case_of(closed)).causes[0]
    assert first.candidate.elements == ("P5",)
    assert first.fault.severity == CLOSED


def test_what_is_as_good_as_the_best_is_solved_beside_it(town: Engine, case_of: CaseMaker) -> None:
    link = town.network.link_index["P5"]

    def blocked(one: Conditions) -> Conditions:
        minor_loss = one.minor_loss.copy()
        minor_loss[link] = 700.0
        return replace(one, minor_loss=minor_loss)

    case = case_of(blocked)
    unread = replace(case, window=case.window.without(["J5/pressure"]))
    least = Effort(tried=1, scanned=1, exact=1, near=1, named=1, lost=0, most_faults=1)

    def solved(effort: Effort) -> set[tuple[str, ...]]:
        found = diagnose(unread, (), Priors(), effort=effort)
        return {one.hypothesis[0].candidate.elements for one in found.found.explained}

    series = {("P5",), ("P6",)}
    assert series <= solved(least)
    assert not series <= solved(replace(least, spread=0))


def test_tanks_are_decided_anew_under_several_hypotheses(case_of: CaseMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    under = list[Hypothesis]()

    def decided(case: Case, hypothesis: Hypothesis, evidence: Evidence) -> Case:
        assert evidence.log_likelihood == evidence_at(case, hypothesis, evidence, hypothesis).log_likelihood
        under.append(hypothesis)
        return case

    monkeypatch.setattr(ledger, "decided_under", decided)
    # Nothing is ever explained well enough to leave the tanks alone.
    monkeypatch.setattr(ledger, "TURN", -np.inf)
    asked(case_of(None))
    assert len({hypothesis[0].key for hypothesis in under}) == ledger.TURNED


def test_hypotheses_that_cannot_be_solved_end_nothing_but_themselves(
    town: Engine, case_of: CaseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = explain

    def some(question: Question, one: Weighed) -> Explained:
        if one.hypothesis[-1].candidate.kind == "blocked_link":
            raise SolveError("no state")
        return whole(question, one)

    monkeypatch.setattr(ledger, "explain", some)
    found = asked(case_of(None))
    assert found.found.explained
    assert "blocked_link" not in {fault.candidate.kind for one in found.found.explained for fault in one.hypothesis}


def test_where_no_hypothesis_can_be_solved_that_is_said(case_of: CaseMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(question: Question, one: Weighed) -> Explained:
        raise SolveError("no state")

    monkeypatch.setattr(ledger, "explain", none)
    with pytest.raises(SolveError, match="no state under any cause"):
        asked(case_of(None))


def test_a_working_point_that_overshoots_is_sought_half_way(case_of: CaseMaker) -> None:
    case = case_of(None)
    rest = at_rest(case)
    whole = recentred(case, (), rest).place
    half = 0.5 * (rest.place.departures + whole.departures)

    def prefers(wanted: Floats) -> Callable[[Evidence], Fit]:
        return lambda evidence: Fit(evidence, -float(np.linalg.norm(evidence.place.departures - wanted)))

    assert np.linalg.norm(whole.departures - rest.place.departures) > 1e-6
    for wanted in (whole.departures, half):
        fit = prefers(wanted)
        found = nearer(case, (), fit(rest), fit)
        assert found.evidence.place.departures == pytest.approx(wanted, abs=1e-9)


def test_what_was_not_solved_is_not_told_as_likelier_than_what_was(
    case_of: CaseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = {(kind.name, many): 1e6 for kind in KINDS for many in (False, True)}
    monkeypatch.setattr(ledger, "_gains", lambda _tried, _solved: families)
    found = asked(case_of(None)).found
    assert len(found.tail) > 10
    assert found.tail[0].log_weight <= found.explained[0].log_weight - ledger.WORTH_NAMING


def test_tanks_decided_as_the_best_hypothesis_has_the_network_begin_the_search_again(
    town: Engine, case_of: CaseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = case_of(None)
    tank = int(np.flatnonzero(town.network.node_kind == TANK)[0])

    def full(one: Conditions) -> Conditions:
        head = one.head.copy()
        head[tank] = town.network.greatest_head[tank]
        return replace(one, head=head)

    wrong = replace(right, plain=tuple(full(one) for one in right.plain))
    monkeypatch.setattr(ledger, "decided_under", lambda case, _hypothesis, _evidence: case)
    stays = asked(wrong)
    assert stays.found.case is wrong
    assert stays.healthy_probability < 0.5
    monkeypatch.setattr(ledger, "decided_under", lambda _case, _hypothesis, _evidence: right)
    turns = asked(wrong)
    assert turns.found.case is right
    assert turns.healthy_probability > 0.5


def test_a_demand_that_grows_far_beyond_its_double_is_rare_and_not_impossible(case_of: CaseMaker) -> None:
    case = case_of(None)
    scene = Scene(case.engine.network, case.assets, case.window.points, case.window.observables, frozenset(), None)
    kind = next(one for one in KINDS if one.name == "demand_growth")
    candidate = kind.candidates(scene)[0]
    usual = float(scene.network.base_demand[list(candidate.indices)].sum())
    double, tenfold, hundredfold = kind.log_odds(scene, candidate, usual * np.array([1.0, 9.0, 99.0]))
    assert double > tenfold + 2.0 > hundredfold + 2.0
    assert hundredfold > double - 12.0
    assert np.mean(np.exp(kind.log_odds(scene, candidate, kind.severities(scene)))) == pytest.approx(1.0)
