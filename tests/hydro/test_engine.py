"""The engine against EPANET itself: fresh and reused, steady and through time, one project and many."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wntr

from benchmarks.engine.networks import NETWORKS, SMALL
from hydro.conditions import Conditions
from hydro.connection import cut_off
from hydro.engine import Engine
from hydro.errors import NetworkError, SolveError
from hydro.extended import Limits
from hydro.network import PIPES, PRV, PUMP
from hydro.readings import Floats
from hydro.scenario import Scenario
from hydro.toolkit import FRESH_FLOWS, Count, Option, Time, Toolkit

HOURS = np.array([0.0, 3.0, 8.0, 17.0]) * 3600.0


@pytest.fixture(params=NETWORKS, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with Engine(NETWORKS[request.param]) as engine:
        yield engine


def changes(engine: Engine, conditions: Conditions) -> list[Conditions]:
    """Return conditions that touch everything a project sets, one after the other."""
    network = engine.network
    pipes = np.flatnonzero(np.isin(network.link_kind, PIPES) & ~network.initially_closed)
    widest = pipes[np.argsort(-network.diameter[pipes])]
    found = []
    for place, (name, value) in enumerate(
        [("status", 0.0), ("minor_loss", 500.0), ("diameter", 0.08), ("roughness", 60.0)], start=3
    ):
        values = getattr(conditions, name).copy()
        values[widest[min(place, len(widest) - 1)]] = value
        found.append(replace(conditions, **{name: values}))
    for kind in (PUMP, PRV):
        for link in np.flatnonzero(network.link_kind == kind)[:1]:
            status = conditions.status.copy()
            status[link] = 0.0
            found.append(replace(conditions, status=status))
    leak = conditions.leak.copy()
    leak[np.argmax(network.base_demand)] = 1e-3
    found.append(replace(conditions, leak=leak, demand=conditions.demand * 1.3, head=conditions.head + 0.5))
    return found


def heads(engine: Engine, conditions: Conditions) -> Floats:
    """Return the heads that mean something: EPANET's number at nodes cut off from every source does not."""
    state = engine.solve(conditions)
    return np.where(cut_off(engine.network, state.status), 0.0, state.head)


def test_reused_and_fresh_projects_give_the_same_answer(engine: Engine, request: pytest.FixtureRequest) -> None:
    plain = engine.default_conditions(8 * 3600.0)
    asked = [plain, *changes(engine, plain), plain]
    reused = [heads(engine, one) for one in asked]
    path = NETWORKS[request.node.callspec.params["engine"]]
    for conditions, before in zip(asked, reused, strict=True):
        with Engine(path, workers=1) as fresh:
            assert np.max(np.abs(heads(fresh, conditions) - before)) < 1e-6


def test_runs_are_those_of_epanet_in_the_files_own_units(engine: Engine, request: pytest.FixtureRequest) -> None:
    path = NETWORKS[request.node.callspec.params["engine"]]
    network, law = engine.network, engine.pressure_demand
    kit = Toolkit()
    try:
        kit.open(path, Path("/dev/null"))
        elevation = kit.array("getnodevalues", 0, len(network.node_ids))
        foot = 0.3048 if kit.integer("getflowunits") < 5 else 1.0
        psi = 0.3048 / 0.4333
        metre = {0: psi, 2: 1.0}[int(kit.option(Option.PRESSURE_UNITS))]
        if law is not None and network.pressure_demand is None:
            kit.set_demand_model(law.minimum / metre, law.required / metre, law.exponent)
        kit.set_option(Option.ACCURACY, 1e-5)
        kit.set_option(Option.TRIALS, 100)
        kit.set_option(Option.UNBALANCED, 10)
        kit.set_time(Time.DURATION, 20 * 3600)
        kit.call("openH")
        kit.call("initH", FRESH_FLOWS)
        theirs: dict[int, Floats] = {}
        step = 1
        while step > 0:
            kit.run()
            theirs[kit.time(Time.NOW)] = kit.array("getnodevalues", 10, len(network.node_ids)) * foot
            step = kit.long("nextH")
    finally:
        kit.close()
    assert np.allclose(elevation * foot, network.elevation)
    for instant, state in zip(HOURS, engine.run(HOURS), strict=True):
        last = max(time for time in theirs if time <= instant)
        fed = ~cut_off(network, state.status)
        assert np.max(np.abs(theirs[last] - state.head)[fed]) < 1e-3


def test_a_steady_state_is_the_runs_own_where_it_stands(engine: Engine) -> None:
    # From 7 h on ky10 has pumps of constant power behind check valves that run or rest: EPANET stays with the last.
    hours = HOURS[:2] if engine.network.name == "ky10" else HOURS
    for state, conditions in zip(engine.run(hours), engine.conditions_at(hours), strict=True):
        steady = engine.solve(conditions)
        fed = ~cut_off(engine.network, state.status)
        assert np.max(np.abs(steady.head - state.head)[fed]) < 1e-3
        assert np.array_equal(steady.status, state.status)


def test_times_are_epanets_and_wntrs(engine: Engine, request: pytest.FixtureRequest) -> None:
    path = NETWORKS[request.node.callspec.params["engine"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = wntr.network.WaterNetworkModel(str(path)).options.time
    network = engine.network
    assert (network.duration_s, network.pattern_step_s, network.pattern_start_s, network.start_clocktime_s) == (
        times.duration,
        times.pattern_timestep,
        times.pattern_start,
        times.start_clocktime,
    )


def test_spelt_times_are_read_as_epanet_reads_them_where_wntr_does_not(tmp_path: Path) -> None:
    inp = tmp_path / "spelt.inp"
    text = NETWORKS["town"].read_text().replace("Duration            24:00", "Duration 1 DAY")
    inp.write_text(text.replace("Hydraulic Timestep  0:05", "Hydraulic Timestep 15 MIN"))
    with Engine(inp, workers=1) as engine:
        assert (engine.network.duration_s, engine.network.hydraulic_step_s) == (86400, 900)


@pytest.mark.parametrize("name", SMALL)
def test_many_solves_give_what_single_ones_give_in_order(name: str) -> None:
    with Engine(SMALL[name], workers=2) as engine:
        asked = [engine.default_conditions(hour * 3600.0) for hour in range(24)]
        together = engine.solve_many(asked)
        for conditions, state in zip(asked, together, strict=True):
            assert np.array_equal(engine.solve(conditions).head, state.head)


def test_a_closed_pipe_carries_nothing_with_a_check_valve_or_without() -> None:
    for name, link in (("Net6", "LINK-3829"), ("ky10", None), ("Net3", "20")):
        with Engine(NETWORKS[name], workers=1) as engine:
            network = engine.network
            checked = np.flatnonzero(network.link_kind == 0)
            place = network.link_index.get(link or "", int(checked[0]) if len(checked) else 0)
            conditions = engine.default_conditions(0.0)
            status = conditions.status.copy()
            status[place] = 0.0
            assert abs(engine.solve(replace(conditions, status=status)).flow[place]) < 1e-5


def test_demand_follows_pressure_where_the_file_does_not_say() -> None:
    with Engine(NETWORKS["town"], workers=1) as engine:
        law = engine.pressure_demand
        assert law is not None
        assert law.required == pytest.approx(14.0)
        conditions = engine.default_conditions(0.0)
        state = engine.solve(replace(conditions, demand=conditions.demand * 12.0))
        low = (state.pressure > 0.5) & (state.pressure < 13.5) & (conditions.demand > 0.0)
        assert low.any()
        wanted = 12.0 * conditions.demand * law.fraction(state.pressure)
        assert np.allclose(state.demand[low], wanted[low], rtol=1e-4)


@pytest.mark.parametrize("unit", ["GPM", "LPS", "CMH", "MGD"])
def test_the_files_flow_unit_changes_nothing_but_numbers(unit: str, tmp_path: Path) -> None:
    scale = {"GPM": 1.0 / 0.0630902, "LPS": 1.0, "CMH": 3.6, "MGD": 0.0228245}[unit]
    us = unit in ("GPM", "MGD")
    metre, millimetre, head = (1 / 0.3048, 1 / 25.4, 50 / 0.3048) if us else (1.0, 1.0, 50.0)
    inp = tmp_path / "units.inp"
    inp.write_text(
        f"[JUNCTIONS]\nJ {10 * metre} {4 * scale}\nK {8 * metre} {6 * scale}\n[RESERVOIRS]\nR {head}\n"
        f"[PIPES]\nP R J {900 * metre} {150 * millimetre} 110 2 Open\n"
        f"Q J K {300 * metre} {100 * millimetre} 90 0 Open\n"
        f"[OPTIONS]\nUNITS {unit}\n"
    )
    with Engine(inp, workers=1) as engine:
        state = engine.solve(engine.default_conditions(0.0))
        assert state.demand[:2] == pytest.approx([0.004, 0.006], rel=1e-4)
        assert state.pressure[:2] == pytest.approx([36.9, 34.4], abs=0.3)
        assert engine.network.diameter == pytest.approx([0.150, 0.100], rel=1e-9)


CHATTER = """[JUNCTIONS]
J1 0 10
[TANKS]
T1 30 2.5 0 5 {diameter} 0
[RESERVOIRS]
R1 20
[PIPES]
P1 J1 T1 10 300 130
[PUMPS]
PU R1 J1 HEAD C
[CURVES]
C 50 30
[CONTROLS]
LINK PU CLOSED IF NODE T1 ABOVE 2.5000001
LINK PU OPEN IF NODE T1 BELOW 2.5
[OPTIONS]
UNITS LPS
[TIMES]
DURATION 240:00
"""


def test_files_that_many_threads_read_at_once_are_read_whole(tmp_path: Path) -> None:
    def links(number: int) -> int:
        kit = Toolkit()
        try:
            kit.open(NETWORKS["Net3"], tmp_path / f"{number}.rpt")
            return kit.integer("getcount", Count.LINKS)
        finally:
            kit.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(links, range(100))) == {119}


def test_a_network_whose_controls_chatter_is_given_up_in_steps_and_in_time(tmp_path: Path) -> None:
    inp = tmp_path / "chatter.inp"
    inp.write_text(CHATTER.format(diameter=1.0))
    ticks = iter(range(10**9))
    for limits, said in (
        (Limits(steps=500), "in 500 steps"),
        (Limits(seconds=40.0, clock=lambda: float(next(ticks))), "in 40 s"),
    ):
        with Engine(inp, limits=limits) as engine, pytest.raises(SolveError, match=said) as raised:
            engine.run(np.array([0.0, 200 * 3600.0]))
        assert "chatter: got only as far as" in str(raised.value)


def test_a_long_run_leaves_the_disk_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inp = tmp_path / "chatter.inp"
    inp.write_text(CHATTER.format(diameter=1.0))
    monkeypatch.chdir(tmp_path)
    with Engine(inp, limits=Limits(steps=2_000)) as engine:
        scratch = engine.scratch
        with pytest.raises(SolveError):
            engine.run(np.array([200 * 3600.0]))
        assert sum(file.stat().st_size for file in scratch.rglob("*")) < 20_000
    assert not scratch.exists()
    assert [file.name for file in tmp_path.iterdir()] == ["chatter.inp"]


def test_measured_levels_drive_a_run_and_the_rest_follows(tmp_path: Path) -> None:
    with Engine(NETWORKS["Net3"], workers=1) as engine:
        times = np.arange(0.0, 6 * 3600.0, 900.0)
        plain = [engine.default_conditions(float(time)) for time in times]
        tanks = np.flatnonzero(engine.network.node_kind == 2)
        measured = engine.network.elevation[tanks[0]] + np.linspace(3.0, 5.0, len(times))
        given = []
        for conditions, level in zip(plain, measured, strict=True):
            head = np.full_like(conditions.head, np.nan)
            head[tanks[0]] = level
            given.append(replace(conditions, head=head))
        states = engine.extended(times, given)
        assert [state.head[tanks[0]] for state in states] == pytest.approx(measured, abs=1e-6)
        assert np.ptp([state.head[tanks[1]] for state in states]) > 0.01


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no nodes"),
        ("[JUNCTIONS]\nJ 1 1\n[RESERVOIRS]\nR 10\n[PIPES]\nP R X 10 100 100\n[END]\n", "undefined node"),
        ("a letter, not a network\n", "holds no nodes"),
        ("[JUNCTIONS]\nJ 1 1\n[RESERVOIRS]\nR 10\n[END]\n", "holds no links"),
        (
            "[JUNCTIONS]\nJ ten 1\n[RESERVOIRS]\nR 10\n[PIPES]\nP R J 10 100 100\n[END]\n",
            'numeric.*"J ten 1" in line 2',
        ),
        ("[JUNCTIONS]\nJ 1 1\nK 1 1\n[PIPES]\nP J K 10 100 100\n[END]\n", "no reservoir and no tank"),
    ],
)
def test_a_file_that_does_not_load_says_what_epanet_says(text: str, said: str, tmp_path: Path) -> None:
    inp = tmp_path / "bad.inp"
    inp.write_text(text)
    with pytest.raises(NetworkError, match=said) as raised:
        Engine(inp)
    assert str(raised.value).startswith(str(inp))


@pytest.mark.parametrize(
    ("given", "instead", "said"),
    [
        ("J2   14", "J2   nan", r"node J2: elevation nan m, expected -1000 to 10000 m in line 7"),
        ("J2   14", "J2   1e308", r"node J2: elevation \S+ m, expected -1000 to 10000 m"),
        ("J3   13    5", "J3   13    5e9", r"node J3: demand 5e\+06 m³/s, expected -1000 to 1000 m³/s"),
        ("400     250   130", "400     nan   130", r"link P1: diameter nan m, expected 0 to 50 m"),
        ("400     250   130", "1e12    250   130", r"link P1: length 1e\+12 m"),
    ],
)
def test_numbers_that_no_network_has_are_told_with_their_line(
    given: str, instead: str, said: str, tmp_path: Path
) -> None:
    inp = tmp_path / "odd.inp"
    inp.write_text((Path(__file__).parents[1] / "simulator" / "town.inp").read_text().replace(given, instead, 1))
    with pytest.raises(NetworkError, match=said):
        Engine(inp)


def test_conditions_that_epanet_refuses_are_refused_again_and_leave_no_trace() -> None:
    with Engine(NETWORKS["Net3"], workers=1) as engine:
        good = engine.default_conditions(0.0)
        before = engine.solve(good)
        links = engine.network.link_index
        diameter, demand = good.diameter.copy(), good.demand * 1.3
        diameter[links["20"]], diameter[links["60"]] = 0.5, -1.0
        bad = replace(good, diameter=diameter, demand=demand)
        for _ in range(2):
            with pytest.raises(SolveError):
                engine.solve(bad)
        after = engine.solve(good)
    assert after.head == pytest.approx(before.head, abs=1e-6)
    assert after.flow == pytest.approx(before.flow, abs=1e-6)


def test_scenarios_leave_no_trace_on_the_projects_they_ran_on() -> None:
    with Engine(NETWORKS["Net3"], workers=1) as engine:
        times = np.array([0.0, 6 * 3600.0, 20 * 3600.0])
        before = engine.run(times)
        scenario = Scenario(
            diameter={"20": 0.3}, roughness={"20": 70.0}, minor_loss={"40": 30.0}, open={"10": True, "335": False},
            base_demand={"15": 0.02},
        )  # fmt: skip
        changed = engine.run(times, scenario)
        assert max(np.max(np.abs(a.head - b.head)) for a, b in zip(before, changed, strict=True)) > 0.5
        again = engine.run(times)
        assert all(np.allclose(a.head, b.head, atol=1e-5) for a, b in zip(before, again, strict=True))


def test_conditions_hold_until_the_next_ones_and_a_tank_moves_on_from_its_level(town: Engine) -> None:
    plain = town.default_conditions(0.0)
    tank = town.network.node_index["T1"]
    free = replace(plain, head=np.where(np.arange(len(plain.head)) == tank, np.nan, plain.head))
    ever, then = replace(free, demand=2.0 * plain.demand), replace(free, demand=0.0 * plain.demand)
    start = replace(ever, head=plain.head)
    quarters = np.arange(0.0, 3 * 3600.0 + 1.0, 900.0)
    step_by_step = town.extended(quarters, [start, *[ever] * (len(quarters) - 1)])
    at_once = town.extended(np.array([0.0, 3 * 3600.0]), [start, then])
    assert abs(at_once[-1].head[tank] - plain.head[tank]) > 0.1
    assert at_once[-1].head[tank] == pytest.approx(step_by_step[-1].head[tank], abs=0.02)


def test_conditions_may_hold_before_the_time_they_are_asked_for(town: Engine) -> None:
    plain = town.default_conditions(0.0)
    tank = town.network.node_index["T1"]
    free = replace(plain, head=np.where(np.arange(len(plain.head)) == tank, np.nan, plain.head))
    much, none = replace(free, demand=2.0 * plain.demand), replace(free, demand=0.0 * plain.demand)
    start = replace(much, head=np.where(np.arange(len(plain.head)) == tank, 46.0, plain.head))
    # The first hour draws much and the second nothing, whichever states are asked for.
    hours = town.extended(np.array([0.0, 3600.0, 7200.0]), [start, none, none])
    middle = town.extended(np.array([0.0, 5400.0, 7200.0]), [start, none, none], np.array([0.0, 3600.0, 7200.0]))
    late = town.extended(np.array([0.0, 5400.0, 7200.0]), [start, none, none])
    assert middle[-1].head[tank] == pytest.approx(hours[-1].head[tank], abs=1e-3)
    assert abs(late[-1].head[tank] - hours[-1].head[tank]) > 0.02
