"""``hydro diagnose`` on a bare network: what it takes, and what it refuses; its answers are held in tests/diagnosis."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.main import main

NET = Path(__file__).parents[1] / "simulator" / "town.inp"
Out = pytest.CaptureFixture[str]


def readings(
    path: Path, offset: str, factor: float = 1.0, unit: str = "m", element: str = "", hours: tuple[int, ...] = (6,)
) -> Path:
    rows = ["time,element,quantity,value,unit"]
    rows += [
        f"2026-07-11T{hour:02d}:{minute:02d}:00{offset},{element},pressure,{30.0 * factor},{unit}"
        for hour in hours
        for minute in (0, 15, 30, 45)
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


def junction_and_link() -> tuple[str, str]:
    from hydro.engine import Engine
    from hydro.network import JUNCTION

    with Engine(NET, workers=1) as engine:
        network = engine.network
        node = next(name for name, place in network.node_index.items() if network.node_kind[place] == JUNCTION)
        return node, network.link_ids[0]


def ask(capsys: Out, *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(["diagnose", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_quantity_that_an_element_cannot_have_is_refused_with_its_line(capsys: Out, tmp_path: Path) -> None:
    _, link = junction_and_link()
    file = readings(tmp_path / "r.csv", "+08:00", element=link)
    status, _, err = ask(capsys, NET, "--readings", file)
    assert status == 3
    assert f"{file}:2" in err
    assert f"pressure at link {link}, expected" in err


def test_the_networks_time_begins_by_the_clock_of_the_readings(capsys: Out, tmp_path: Path) -> None:
    node, _ = junction_and_link()
    for offset, hour in (("+08:00", 16), ("+00:00", 0)):
        file = readings(tmp_path / "r.csv", offset, element=node)
        status, out, err = ask(capsys, NET, "--readings", file, "--json")
        assert (status, err) == (0, "")
        began = datetime.fromisoformat(json.loads(out)["start"])
        assert began == datetime(2026, 7, 10 if hour else 11, hour, tzinfo=UTC)


def test_a_baseline_has_units_of_its_own(capsys: Out, tmp_path: Path) -> None:
    node, _ = junction_and_link()
    file = readings(tmp_path / "r.csv", "+08:00", element=node)
    told = []
    for factor, unit in ((1.0, "m"), (9.80665, "kPa")):
        baseline = readings(tmp_path / f"{unit}.csv", "+08:00", factor, unit, node, hours=tuple(range(6)))
        status, out, err = ask(capsys, NET, "--readings", file, "--baseline", baseline, "--json")
        assert (status, err) == (0, "")
        told.append(json.loads(out)["healthy_probability"])
    assert told[0] == pytest.approx(told[1], abs=1e-3)


def test_a_baseline_too_short_to_learn_from_is_said(capsys: Out, tmp_path: Path) -> None:
    node, _ = junction_and_link()
    file = readings(tmp_path / "r.csv", "+08:00", element=node)
    status, _, err = ask(capsys, NET, "--readings", file, "--baseline", file)
    assert status == 4
    assert "no hour of good readings" in err


@pytest.mark.parametrize(
    ("option", "value"), [("--pressure-noise-m", "-1"), ("--demand-cv", "nan"), ("--zone-cv", "0"), ("--zone-cv", "x")]
)
def test_doubt_that_nothing_can_be_weighed_with_is_wrong_usage(capsys: Out, option: str, value: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["diagnose", str(NET), "--readings", "r.csv", f"{option}={value}"])
    assert ended.value.code == 2
    assert f'argument {option}: "{value}", expected a number from' in capsys.readouterr().err
