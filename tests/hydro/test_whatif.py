"""What-ifs: exact, undone, saved as a file that gives the same answer; and what the command says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.engine.networks import JIAOZHOU, NETWORKS, ROOT, SMALL
from cli.main import main
from hydro.catalogue import standard_catalogue
from hydro.connection import cut_off
from hydro.engine import Engine
from hydro.network import JUNCTION, PIPES, PUMP
from hydro.readings import Floats
from hydro.scenario import Scenario
from hydro.toolkit import FRESH_FLOWS, Time, Toolkit
from hydro.whatif import clock_time, peak_time, what_if, what_if_under

NET3 = NETWORKS["Net3"]
Out = pytest.CaptureFixture[str]


def ask(capsys: Out, *arguments: object) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    status = main(["whatif", *(str(one) for one in arguments), "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out) if said.out else {}, said.err


def epanet(inp: Path, times: Sequence[float]) -> list[Floats]:
    """Return the pressures EPANET itself finds in a file, in the file's unit, in force at times [s]."""
    kit = Toolkit()
    try:
        kit.open(inp, Path("/dev/null"))
        nodes = kit.integer("getcount", 0)
        kit.call("openH")
        kit.call("initH", FRESH_FLOWS)
        found: list[Floats] = []
        step = 1
        while step > 0 and len(found) < len(times):
            kit.run()
            now, pressure = kit.time(Time.NOW), kit.array("getnodevalues", 11, nodes)
            step = kit.long("nextH")
            while len(found) < len(times) and times[len(found)] < now + max(step, 1):
                found.append(pressure)
        return found
    finally:
        kit.close()


def everything(engine: Engine) -> Scenario:
    """Return a scenario that changes a bit of everything."""
    network = engine.network
    pipes = np.flatnonzero(np.isin(network.link_kind, PIPES) & ~network.initially_closed)
    ids = [network.link_ids[link] for link in pipes[np.argsort(-network.diameter[pipes])]]
    drawing = np.flatnonzero((network.node_kind == JUNCTION) & (network.base_demand > 0.0))
    resting = np.flatnonzero((network.node_kind == JUNCTION) & (network.base_demand == 0.0))
    pumps = np.flatnonzero(network.link_kind == PUMP)[1:2]
    return Scenario(
        pipes={ids[1]: standard_catalogue().named("PE100 SDR11 DN160")},
        diameter={ids[2]: 0.12},
        roughness={ids[3]: 70.0},
        minor_loss={ids[4]: 40.0},
        open={ids[5]: False, **{network.link_ids[pump]: False for pump in pumps}},
        base_demand={
            network.node_ids[drawing[0]]: 0.004,
            **{network.node_ids[node]: 0.003 for node in resting[:1]},
        },
    )


@pytest.mark.parametrize("name", [*SMALL, "ky4", "Net6"])
def test_epanet_gives_the_same_answer_with_the_saved_file(name: str, tmp_path: Path) -> None:
    saved = tmp_path / "saved.inp"
    with Engine(NETWORKS[name]) as engine:
        network, scenario = engine.network, everything(engine)
        times = [0.0, 4 * 3600.0, 9 * 3600.0]
        answer = what_if(engine, scenario, times)
        engine.save(saved, scenario, times[-1])
        metre = 1.0 if abs(network.diameter[0]) and "psi" not in _pressure_unit(saved) else 0.3048 / 0.4333
        for state, theirs in zip(answer.after, epanet(saved, times), strict=True):
            fed = ~cut_off(network, state.status) & (network.node_kind == JUNCTION)
            assert np.max(np.abs(theirs * metre - state.pressure)[fed]) < 0.005
        assert max(np.ptp(a.head - b.head) for a, b in zip(answer.before, answer.after, strict=True)) > 0.05


def test_a_file_that_cannot_be_written_whole_is_told_and_leaves_what_was_there(tmp_path: Path) -> None:
    saved = tmp_path / "saved.inp"
    saved.write_text("as it was")
    # The largest size that a file may have stands for the end of the disk.
    code = (
        "import resource, signal, sys; from cli.main import main; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        f"sys.exit(main(['whatif', {str(NETWORKS['Net1'])!r}, '--close', '10', '--save', {str(saved)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 3
    assert "saved.inp: cannot be written whole" in done.stderr
    assert saved.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [saved]


def _pressure_unit(inp: Path) -> str:
    options = inp.read_text(errors="replace").split("[OPTIONS]")[1].split("[")[0].upper()
    return "psi" if any(f"UNITS {unit}" in " ".join(options.split()) for unit in ("GPM", "CFS", "MGD")) else "m"


def test_an_instant_with_given_levels_is_one_solve_and_leaves_no_trace() -> None:
    with Engine(NET3, workers=1) as engine:
        conditions = engine.conditions_at(np.array([8 * 3600.0]))[0]
        scenario = Scenario(open={"101": False}, base_demand={"105": 0.02})
        answer = what_if_under(engine, scenario, conditions, 8 * 3600.0)
        fresh = what_if_under(engine, scenario, conditions, 8 * 3600.0, before=answer.before[0])
        assert np.allclose(fresh.after[0].head, answer.after[0].head, atol=1e-6)
        assert np.allclose(engine.solve(conditions).head, answer.before[0].head, atol=1e-6)
        assert answer.after[0].flow[engine.network.link_index["101"]] == pytest.approx(0.0, abs=1e-7)


def test_a_nodes_demand_follows_its_patterns_also_where_it_drew_nothing() -> None:
    with Engine(NETWORKS["town"], workers=1) as engine:
        network = engine.network
        node = next(one for one in range(len(network.node_ids)) if network.base_demand[one] > 0.0)
        resting = next(
            one for one in range(len(network.node_ids)) if not network.base_demand[one] and not network.node_kind[one]
        )
        scenario = Scenario(base_demand={network.node_ids[node]: 0.0011, network.node_ids[resting]: 0.0013})
        times = [3 * 3600.0, 7 * 3600.0]
        answer = what_if(engine, scenario, times)
        for time, state in zip(times, answer.after, strict=True):
            share = engine.demand_at(time)[node] / network.base_demand[node]
            assert state.demand[node] == pytest.approx(0.0011 * share, rel=1e-4)
            assert state.demand[resting] == pytest.approx(0.0013 * engine.pattern_at(time)[resting], rel=1e-4)


def test_a_held_link_obeys_no_control_or_rule(tmp_path: Path) -> None:
    inp = tmp_path / "ruled.inp"
    rules = (
        "[RULES]\nRULE R1\nIF SYSTEM CLOCKTIME >= 2 AM\nTHEN PUMP PU1 STATUS IS OPEN\nAND PIPE P1 STATUS IS OPEN\n\n"
    )
    inp.write_text(NETWORKS["town"].read_text().replace("[TIMES]", f"{rules}[TIMES]"))
    saved = tmp_path / "saved.inp"
    with Engine(inp) as engine:
        times = [0.0, 5 * 3600.0, 9 * 3600.0]
        scenario = Scenario(open={"PU1": False})
        answer = what_if(engine, scenario, times)
        pump = engine.network.link_index["PU1"]
        assert [state.flow[pump] for state in answer.after] == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
        assert any(state.flow[pump] > 1e-3 for state in what_if(engine, Scenario(), times).after)
        engine.save(saved, scenario, times[-1])
        for state, theirs in zip(answer.after, epanet(saved, times), strict=True):
            fed = ~cut_off(engine.network, state.status)
            assert np.max(np.abs(theirs - state.pressure)[fed]) < 0.005


def test_peak_is_the_instant_of_greatest_total_demand() -> None:
    with Engine(NETWORKS["jiaozhou"], workers=1) as engine:
        totals = [engine.demand_at(hour * 3600.0).sum() for hour in range(24)]
        assert peak_time(engine) == 3600.0 * int(np.argmax(totals))
        assert clock_time(engine.network, 30, 15) == 30.25 * 3600.0
    with Engine(NETWORKS["Net2"], workers=1) as engine:
        assert clock_time(engine.network, 7, 0) == 23 * 3600.0, "its clock starts at 8 in the morning"


def test_the_command_tells_before_after_and_difference(capsys: Out, tmp_path: Path) -> None:
    saved = tmp_path / "new.inp"
    status, told, err = ask(
        capsys, NET3, "--set", "20=PE100 SDR11 DN315", "--close", "101", "--demand-l-s", "105=20", "--at", "08:00",
        "--save", saved, "--required-pressure-m", "45",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert told["times"] == [{"time_s": 8 * 3600.0, "clock": "08:00"}]
    assert told["changes"][0] == {
        "change": "pipe", "link": "20", "size": "PE100 SDR11 DN315", "inner_mm": 257.8, "roughness": 150.0
    }  # fmt: skip
    node = next(row for row in told["nodes"] if row["node"] == "105")
    assert node["demand_l_s"]["after"] > node["demand_l_s"]["before"]
    for row in told["nodes"]:
        pressure = row["pressure_m"]
        assert pressure["difference"] == pytest.approx(pressure["after"] - pressure["before"], abs=2e-6)
    link = next(row for row in told["links"] if row["link"] == "101")
    assert link["status"] == {"before": "open", "after": "closed"}
    below = told["customers_below"]
    assert 0 < below["before"] <= len(below["customers"])
    lowest = min(
        (row for row in told["nodes"] if row["demand_l_s"]["after"] > 0.0), key=lambda row: row["pressure_m"]["after"]
    )
    assert told["worst_node"]["node"] == lowest["node"]
    again, reread, _ = ask(capsys, saved, "--at", "08:00", "--required-pressure-m", "45")
    assert again == 0
    for ours, theirs in zip(told["nodes"], reread["nodes"], strict=True):
        assert theirs["pressure_m"]["before"] == pytest.approx(ours["pressure_m"]["after"], abs=0.005)


def test_roughness_is_in_the_networks_own_formula_also_when_saved(capsys: Out, tmp_path: Path) -> None:
    """A Darcy-Weisbach height in millimetres, on a network without tanks or controls."""
    inp, saved = ROOT / "tests/cases/linear/darcy_weisbach_slow.inp", tmp_path / "new.inp"
    status, told, err = ask(capsys, inp, "--roughness", "A=3", "--demand-l-s", "J6=1", "--save", saved)
    assert (status, err) == (0, "")
    assert told["changes"][0] == {"change": "roughness", "link": "A", "roughness": 3.0}
    with Engine(saved, workers=1) as engine:
        assert engine.network.roughness[engine.network.link_index["A"]] == pytest.approx(0.003)
    junctions = [row["pressure_m"]["after"] for row in told["nodes"][:6]]
    assert epanet(saved, [0.0])[0][:6] == pytest.approx(junctions, abs=1e-4)
    assert told["nodes"][5]["pressure_m"]["difference"] < -0.01


def test_a_day_has_a_list_for_each_quantity(capsys: Out) -> None:
    status, told, _ = ask(capsys, JIAOZHOU, "--diameter-mm", "P-144=90", "--duration", "6h")
    assert status == 0
    assert [one["clock"] for one in told["times"]][:3] == ["00:00", "00:15", "00:30"]
    assert all(len(row["pressure_m"]["after"]) == len(told["times"]) == 25 for row in told["nodes"])


def test_nodes_cut_off_from_every_source_have_no_pressure(capsys: Out) -> None:
    status, told, _ = ask(capsys, NETWORKS["Net1"], "--close", "10", "--close", "110", "--at", "01:00")
    assert status == 0
    assert set(told["cut_off"]["after"]) == {"10", "11", "12", "13", "21", "22", "23", "31", "32"} - {"10"}
    row = next(one for one in told["nodes"] if one["node"] == "22")
    assert row["pressure_m"]["after"] is None
    assert row["pressure_m"]["before"] > 50.0
    assert told["customers_below"]["after"] == 8


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--close", "1011"], 3, 'link "1011" is not in the network Net3, expected "101"?'),
        (["--set", "10=PE100 SDR17 DN110"], 3, "pump 10: new pipe PE100 SDR17 DN110, expected a pipe"),
        (["--set", "20=PE100 SDR17 DN115"], 3, 'pipe size "PE100 SDR17 DN115" is not in the catalogue, expected'),
        (["--set", "20"], 3, '--set "20", expected ELEMENT=VALUE'),
        (["--diameter-mm", "20=wide"], 3, '--diameter-mm "20=wide": "wide" is no number'),
        (["--diameter-mm", "20=0"], 3, "link 20: diameter 0 mm, must be above 0 and at most 10000 mm"),
        (["--diameter-mm", "20=nan"], 3, "link 20: diameter nan mm, must be above 0"),
        (["--roughness", "20=-5"], 3, "pipe 20: roughness -5, must be above 0"),
        (["--minor-loss", "20=-1"], 3, "link 20: minor loss -1, must be 0 or above"),
        (["--demand-l-s", "River=3"], 3, "reservoir River: demand 3 l/s, expected a junction"),
        (["--demand-l-s", "nowhere=3"], 3, 'node "nowhere" is not in the network Net3'),
        (["--open", "River"], 3, 'link "River" is not in the network Net3, a node has that id'),
        (["--open", "20", "--close", "20"], 3, "link 20: both --open and --close, expected one"),
        (["--diameter-mm", "20=90", "--diameter-mm", "20=100"], 3, "--diameter-mm 20: given twice, expected one value"),
        (["--at", "25h"], 3, '--at "25h", expected the network\'s clock as HH:MM'),
        (["--duration", "soon"], 3, '--duration "soon", expected a span up to a year such as 24h'),
        (["--required-pressure-m", "-1"], 3, "--required-pressure-m -1, expected above 0 and at most 200 m"),
        (["--save", "/nowhere/new.inp"], 3, "/nowhere/new.inp"),
        (["--save", str(NET3)], 3, "--save would overwrite the network itself, expected another file"),
        (["--save", "/dev/null"], 3, "--save is there and is no file, expected a file's name"),
    ],
)
def test_bad_input_is_told_in_one_clear_message(arguments: list[str], status: int, said: str, capsys: Out) -> None:
    code, told, err = ask(capsys, NET3, *arguments)
    assert (code, told) == (status, {})
    assert said in err
    assert "Traceback" not in err


def test_all_that_is_wrong_with_a_scenario_is_told_at_once(capsys: Out) -> None:
    _, _, err = ask(capsys, NET3, "--close", "nothing", "--roughness", "10=100", "--demand-l-s", "River=1")
    assert len(err.strip().splitlines()) == 3


def test_a_check_valve_can_be_closed_but_not_opened(capsys: Out) -> None:
    with Engine(NETWORKS["ky10"], workers=1) as engine:
        valve = engine.network.link_ids[int(np.flatnonzero(engine.network.link_kind == 0)[0])]
    status, told, _ = ask(capsys, NETWORKS["ky10"], "--close", valve, "--at", "00:00")
    assert status == 0
    assert next(row for row in told["links"] if row["link"] == valve)["flow_l_s"]["after"] == pytest.approx(
        0.0, abs=1e-6
    )
    status, _, err = ask(capsys, NETWORKS["ky10"], "--open", valve)
    assert status == 3
    assert "has a check valve, which opens by itself; it can only be closed" in err


def test_a_network_that_is_not_there_is_bad_input(capsys: Out) -> None:
    status, _, err = ask(capsys, "/nowhere/net.inp")
    assert status == 3
    assert "/nowhere/net.inp: is not there, expected an EPANET file or a site's folder" in err
