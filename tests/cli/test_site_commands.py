"""``hydro init``, ``hydro check`` and ``hydro read``: from a bare INP to a site that is right."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cli import check, init, read
from cli.main import main
from models.problem import BadInput

TOWN = Path("tests/simulator/town.inp").resolve()
JIAOZHOU = Path("sample_networks/jiaozhou").resolve()
Out = pytest.CaptureFixture[str]


TWO_NODES = """[JUNCTIONS]
J1 0 1
J2 0 1
[RESERVOIRS]
R 50
[PIPES]
P1 R J1 100 100 130 0 Open
P2 J1 J2 100 100 130 0 Open
[OPTIONS]
UNITS LPS
[END]
"""


def call(command: ModuleType, *arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    status: int = command.run(parser.parse_args([str(one) for one in arguments]))
    return status


def ask(capsys: Out, command: ModuleType, *arguments: object) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    status = call(command, *arguments, "--json")
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


@pytest.fixture
def jiaozhou(tmp_path: Path) -> Path:
    return Path(shutil.copytree(JIAOZHOU, tmp_path / "jiaozhou", ignore=shutil.ignore_patterns("plant", "data")))


def test_sample_site_has_no_problem(jiaozhou: Path, capsys: Out) -> None:
    status, answer, err = ask(capsys, check, jiaozhou)
    assert (status, answer["ok"], answer["points"], err) == (0, True, 26, "")


def test_every_register_is_held_against_the_network(jiaozhou: Path, capsys: Out) -> None:
    for name, row in {
        "points.csv": "PT-X,J-999999,pressure,m,rtu-north,holding/900\nPT-Y,M-IN,pressure,m,rtu-north,holding/902\n",
        "customers.csv": "C-X,Somebody,office,Nowhere 1,J-888888\n",
        "valves.csv": "V-X,P-888888,start\n",
        "pipes.csv": "P-777777,PE,90,\n",
        "zones.csv": "J-777777,west\n",
    }.items():
        with (jiaozhou / name).open("a", encoding="utf-8") as file:
            file.write(row)
    status, answer, err = ask(capsys, check, jiaozhou)
    assert status == 3
    said = {(Path(one["file"]).name, one["line"] > 1, one["message"].split(",")[0]) for one in answer["problems"]}
    assert said == {
        ("points.csv", True, 'point PT-X: element "J-999999" is not in the network'),
        ("points.csv", True, "point PT-Y: pressure at link M-IN"),
        ("customers.csv", True, 'customer C-X: node "J-888888" is not in the network'),
        ("valves.csv", True, 'valve V-X: link "P-888888" is not in the network'),
        ("pipes.csv", True, 'pipe P-777777: link "P-777777" is not in the network'),
        ("zones.csv", True, 'zone west: node "J-777777" is not in the network'),
    }
    assert len(err.splitlines()) == 6


def test_faults_of_the_file_and_of_the_network_are_told_together(jiaozhou: Path, capsys: Out) -> None:
    with (jiaozhou / "points.csv").open("a", encoding="utf-8") as file:
        file.write("PT-X,J-001,pressure,furlong,rtu-north,holding/900\nPT-Y,j-001,pressure,m,rtu-north,holding/902\n")
    status, answer, _ = ask(capsys, check, jiaozhou)
    assert status == 3
    assert [one["message"].split(":")[0] for one in answer["problems"]] == ["point PT-X", "point PT-Y"]
    assert answer["problems"][1]["message"].endswith("?")


def test_network_that_does_not_load_is_said_with_epanets_words(jiaozhou: Path, capsys: Out) -> None:
    text = (jiaozhou / "network.inp").read_text(encoding="utf-8")
    (jiaozhou / "network.inp").write_text(text.replace("[PIPES]", "[PIPES]\nP-BAD J-001 NOWHERE 10 100 100 0 Open", 1))
    status, answer, err = ask(capsys, check, jiaozhou)
    assert status == 3
    assert answer["problems"][0]["file"].endswith("network.inp")
    assert "NOWHERE" in err


def test_network_that_does_not_solve_exits_with_4_and_names_the_node(tmp_path: Path, capsys: Out) -> None:
    site = tmp_path / "new"
    assert call(init, TOWN, site) == 0
    # EPANET loads a main this rough and then finds heads that are no numbers.
    text = (site / "network.inp").read_text(encoding="utf-8")
    (site / "network.inp").write_text(
        text.replace("[JUNCTIONS]", "[JUNCTIONS]\nJ-END 1 1", 1).replace(
            "[PIPES]", "[PIPES]\nP-END J-END J1 100 100 1e-200 0 Open", 1
        ),
        encoding="utf-8",
    )
    status, answer, err = ask(capsys, check, site)
    assert status == 4
    assert "does not solve at network time" in answer["problems"][0]["message"]
    assert "EPANET finds no head at node J" in err


@pytest.mark.parametrize("height", ["nan", "1e308"])
@pytest.mark.parametrize("command", ["whatif", "sizing", "diagnose"])
def test_question_to_a_network_with_a_height_that_is_none_names_the_node_and_its_line(
    tmp_path: Path, capsys: Out, command: str, height: str
) -> None:
    network, readings = tmp_path / "sky.inp", tmp_path / "readings.csv"
    network.write_text(TWO_NODES.replace("J2 0", f"J2 {height}"))
    readings.write_text("time,element,quantity,value,unit\n2026-01-01T00:00:00Z,J1,pressure,40,m\n")
    extra = ["--readings", str(readings)] if command == "diagnose" else []
    assert main([command, str(network), *extra, "--json"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{network}: node J2: elevation " in said.err
    assert said.err.endswith("m, expected -1000 to 10000 m in line 3\n")


def test_demand_that_no_open_link_joins_to_a_source_is_a_warning(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "shut.inp").write_text(TWO_NODES.replace("R J1 100 100 130 0 Open", "R J1 100 100 130 0 Closed"))
    call(init, tmp_path / "shut.inp", tmp_path / "new")
    status, answer, _ = ask(capsys, check, tmp_path / "new")
    assert (status, answer["ok"]) == (0, True)
    (warning,) = [one["message"] for one in answer["warnings"] if "open link" in one["message"]]
    assert warning.endswith("no open link leads from a reservoir or tank to node J1 and 1 more with demand")


def test_missing_site_is_bad_input(tmp_path: Path, capsys: Out) -> None:
    status, answer, _ = ask(capsys, check, tmp_path / "nowhere")
    assert (status, answer["site"]) == (3, None)
    assert "is not there" in answer["problems"][0]["message"]


def test_times_that_another_reader_takes_otherwise_are_a_warning(tmp_path: Path) -> None:
    from dataclasses import replace

    from hydro.engine import Engine

    with Engine(TOWN, workers=1) as engine:
        network = engine.network
    assert check.compare_times(TOWN, network) == []
    other = check.compare_times(TOWN, replace(network, pattern_start_s=network.pattern_start_s + 3600))
    assert ["PATTERN START" in one.message for one in other] == [True]


def test_a_site_is_made_from_any_network_and_passes_the_check(tmp_path: Path, capsys: Out) -> None:
    site = tmp_path / "new"
    status, made, _ = ask(capsys, init, JIAOZHOU / "network.inp", site)
    assert status == 0
    assert len(made["gauges"]) == len(set(made["gauges"])) == 11
    status, answer, err = ask(capsys, check, site)
    assert (status, answer["ok"]) == (0, True)
    assert "holds no point yet" in err
    assert (site / "network.inp").read_bytes() == (JIAOZHOU / "network.inp").read_bytes()


@pytest.mark.parametrize("odd", ["J2", "J,2", 'J"2"'])
def test_proposals_pass_the_check_once_they_are_taken(tmp_path: Path, capsys: Out, odd: str) -> None:
    site, network = tmp_path / "new", tmp_path / "network.inp"
    network.write_text(TWO_NODES.replace("J2", odd))
    call(init, network, site)
    points, settings = site / "points.csv", site / "site.toml"
    rows = [line.removeprefix("# ") for line in points.read_text().splitlines() if not line.startswith("# Proposed")]
    points.write_text("\n".join(rows) + "\n")
    text = settings.read_text()
    settings.write_text(
        text.replace("# [[devices]]\n# name", "[[devices]]\nname", 1).replace("# protocol", "protocol", 1)
    )
    status, answer, _ = ask(capsys, check, site)
    assert (status, answer["points"]) == (0, 2)


def test_network_of_a_chinese_machine_is_kept_as_utf_8(tmp_path: Path, capsys: Out) -> None:
    source, site = tmp_path / "gbk.inp", tmp_path / "new"
    source.write_bytes(TWO_NODES.replace("J1", "桂花路").encode("gb18030"))
    status, made, err = ask(capsys, init, source, site)
    assert (status, sorted(made["gauges"])) == (0, ["J2", "桂花路"])
    assert "read as GB 18030" in err
    assert "桂花路" in (site / "network.inp").read_text(encoding="utf-8")
    (site / "network.inp").write_bytes(source.read_bytes())
    _, answer, _ = ask(capsys, check, site)
    assert any("is not UTF-8, expected UTF-8" in one["message"] for one in answer["warnings"])


def test_full_disk_leaves_no_half_of_a_site(tmp_path: Path) -> None:
    site = tmp_path / "new"
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); from cli.main import main; sys.exit(main())"
    )
    network = str(JIAOZHOU / "network.inp")
    made = subprocess.run(
        [sys.executable, "-c", limited, "init", network, str(site)], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stderr) == (5, f"{site / 'network.inp'}: File too large\n")
    assert not site.exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(BadInput, match="is there already"):
        call(init, TOWN, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["note.txt"]


def test_a_network_that_does_not_load_makes_no_site(tmp_path: Path, capsys: Out) -> None:
    bad = tmp_path / "bad.inp"
    bad.write_text("[JUNCTIONS]\nJ1 x\n")
    assert main(["init", str(bad), str(tmp_path / "new")]) == 3
    assert not (tmp_path / "new").exists()
    assert main(["init", str(tmp_path / "none.inp"), str(tmp_path / "new")]) == 3
    assert "is not there" in capsys.readouterr().err


def test_gauges_are_far_from_each_other() -> None:
    from hydro.engine import Engine

    with Engine(TOWN, workers=1) as engine:
        gauges = init.propose_gauges(engine.network)
    assert len(gauges) == len(set(gauges)) == 3


def test_reading_a_site_whose_devices_are_all_away_exits_with_5(jiaozhou: Path, capsys: Out) -> None:
    from cli.stage import _move_ports

    _move_ports(jiaozhou / "site.toml")
    status, answer, _ = ask(capsys, read, jiaozhou)
    assert status == 5
    assert {one["quality"] for one in answer["points"]} == {"bad"}
    assert all("does not answer" in one["reason"] for one in answer["points"])


def test_quarter_of_an_hour_is_too_little_to_learn_from(jiaozhou: Path, capsys: Out) -> None:
    lines = (jiaozhou / "history.csv").read_text(encoding="utf-8").splitlines()
    (jiaozhou / "short.csv").write_text("\n".join(lines[:50]) + "\n", encoding="utf-8")
    assert main(["calibrate", str(jiaozhou), "--history", str(jiaozhou / "short.csv")]) == 4
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("no hour of good readings between 2026-06-28T16:00:00+00:00")
