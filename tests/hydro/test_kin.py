"""Faults next to one another: what screening may pass over."""

from __future__ import annotations

from dataclasses import replace

from hydro.engine import Engine
from hydro.faults import Scene
from hydro.hypothesis import Fault, Priors
from hydro.kin import kin
from hydro.resolve import Case, at_rest
from hydro.shortlist import Lead, choose, leads, unlike
from hydro.weighing import Question
from tests.hydro.conftest import CaseMaker


def question(case: Case) -> Question:
    points = frozenset(case.window.points)
    law = case.engine.pressure_demand
    scene = Scene(case.engine.network, case.assets, case.window.points, case.window.observables, points, law)
    return Question(case, scene, Priors().of(scene), Priors(), None, 0.0, 0.0, at_rest(case))


def fault_at(asked: Question, key: tuple[str, tuple[int, ...]], severity: float) -> Fault:
    return Fault(asked.believed[key][0], severity, 7)


def test_kin_of_a_pipe_are_the_pipes_around_it_the_nearest_first(town: Engine, case_of: CaseMaker) -> None:
    asked = question(case_of(None))
    found = kin(asked, fault_at(asked, ("blocked_link", (town.network.link_index["P6"],)), 900.0))
    names = [one.fault.candidate.elements[0] for one in found]
    # P6 joins J5 and J6; only P5 ends there too (P8 is closed in the file), the others are reached from its end.
    assert names[0] == "P5"
    assert set(names) <= {"P1", "P2", "P3", "P4", "P5", "P7", "P9"}
    assert all((one.fault.severity, one.fault.onset) == (900.0, 7) for one in found)


def test_kin_of_a_leak_are_leaks_at_the_nodes_around_it(town: Engine, case_of: CaseMaker) -> None:
    asked = question(case_of(None))
    found = kin(asked, fault_at(asked, ("leak", (town.network.node_index["J6"],)), 0.001))
    assert found[0].fault.candidate.elements == ("J5",)
    assert {one.fault.candidate.kind for one in found} == {"leak"}


def test_a_fault_of_an_instrument_or_of_many_pipes_has_no_kin(case_of: CaseMaker) -> None:
    asked = question(case_of(None))
    for kind in ("point_fault", "roughness_growth"):
        candidate = next(one for one, _ in asked.believed.values() if one.kind == kind)
        assert kin(asked, Fault(candidate, 0.5, 0)) == []


def test_of_leads_that_move_the_readings_alike_the_best_is_kept(case_of: CaseMaker) -> None:
    whole = case_of(None)
    # With one gauge left, a leak at any node beyond it looks like one at any other.
    gone = [point for point in whole.window.points if point != "J2/pressure"]
    case = replace(whole, window=whole.window.without(gone))
    asked, rest = question(case), at_rest(case)
    every = leads(rest, asked.scene, asked.believed, None, 0.0)
    kept = unlike(every, rest, case.compared, None)
    assert 0 < len(kept) < len(every)
    assert [one.key for one in every if one in kept] == [one.key for one in kept]
    assert {one.fault.candidate.kind for one in kept} == {one.fault.candidate.kind for one in every}
    assert unlike(kept, rest, case.compared, None) == kept


def test_what_strikes_a_whole_zone_is_looked_at_however_many_customers_stand_before_it(case_of: CaseMaker) -> None:
    asked = question(case_of(None))
    growths = [
        Lead(Fault(one, 0.001, 0), -3.0, float(-len(one.indices)))
        for one, _ in asked.believed.values()
        if one.kind == "demand_growth"
    ]
    ordered = sorted(growths, key=lambda lead: -lead.log_weight)
    assert len(ordered[0].fault.candidate.indices) == 1
    chosen = choose(ordered, 1, -100.0)
    assert {lead.fault.family for lead in chosen} == {("demand_growth", False), ("demand_growth", True)}
