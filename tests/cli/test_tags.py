"""``hydro init --points``: tag lists as control systems export them become points, or stay with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.tags import HEADINGS, UNIT_WORDS, read_tags
from hydro.engine import Engine
from hydro.network import Network
from models.problem import BadInput
from models.quantity import UNITS
from models.site_file import load_site

JIAOZHOU = Path("sample_networks/jiaozhou/network.inp").resolve()
TAGS = """Tag Name;Description;PLC;Address;Data Type;Eng. Units;EU Low;EU High
PT_J-126;Pressure Guihua Road;RTU7;40011;Float;kPa;0;900
FT-1;Flow of main P-144;RTU7;40013;REAL;m³/h;;
LT-1;level TANK-E;PS;ns=2;mwc;;
QM-FAN;fan factory at J-126;RTU7;holding/20;float32;m3/h;;
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Engine(JIAOZHOU, workers=1) as engine:
        yield engine.network


def tags(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "tags.csv"
    file.write_text(text, encoding=encoding)
    return file


def one(tmp_path: Path, network: Network, **cells: str) -> dict[str, Any]:
    """Return the row of a single tag, or the reason why it was left."""
    cells = {"tag": "T", "element": "J-126", "address": "holding/0", "unit": "bar"} | cells
    taken = read_tags(tags(tmp_path, f"{','.join(cells)}\n{','.join(cells.values())}\n"), network)
    return dict(taken.rows[0]) if taken.rows else {"left": str(taken.left[0])}


def test_export_becomes_a_site_that_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TAGS.replace("ns=2;mwc;;", '"ns=2;s=Tank";Double;mwc;;')
    assert main(["init", str(JIAOZHOU), str(tmp_path / "site"), "--points", str(tags(tmp_path, text)), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["points"], answer["left"]) == (4, [])
    assert main(["check", str(tmp_path / "site"), "--json"]) == 0
    site = load_site(tmp_path / "site")
    told = [(p.name, p.element, str(p.quantity), p.unit, p.device, p.address, p.data_type) for p in site.points]
    assert told == [
        ("PT_J-126", "J-126", "pressure", "kPa", "RTU7", "holding/10", "float32"),
        ("FT-1", "P-144", "flow", "m3/h", "RTU7", "holding/12", "float32"),
        ("LT-1", "TANK-E", "level", "m", "PS", "ns=2;s=Tank", "float64"),
        ("QM-FAN", "J-126", "demand", "m3/h", "RTU7", "holding/20", "float32"),
    ]
    assert (site.points[0].valid_min, site.points[0].valid_max) == (0.0, 900.0)
    assert {device.name: device.protocol for device in site.devices} == {"RTU7": "modbus-tcp", "PS": "opcua"}


def test_what_cannot_be_placed_is_told_and_kept_as_a_comment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "tag,address,unit\nPT_J-126,40001,bar\nPT_NOWHERE,40003,bar\n,40005,bar\nPT_J-126,40007,bar\n"
    assert main(["init", str(JIAOZHOU), str(tmp_path / "site"), "--points", str(tags(tmp_path, text))]) == 0
    said = capsys.readouterr()
    assert "1 points taken" in said.out
    assert "3 left to you" in said.out
    reasons = [
        "tags.csv:3: tag PT_NOWHERE: names no element",
        "tags.csv:4: tag (no name)",
        "5: tag PT_J-126: stands twice",
    ]
    kept = (tmp_path / "site" / "points.csv").read_text(encoding="utf-8")
    for reason in reasons:
        assert reason in said.err
        assert reason in kept
    assert [point.name for point in load_site(tmp_path / "site").points] == ["PT_J-126"]


def test_chinese_export_in_its_own_encoding_is_read(tmp_path: Path, network: Network) -> None:
    text = "点名,描述,地址,单位,设备\nPT7,J-126 压力,40001,兆帕,北站\n液位1,TANK-E 水池液位,40003,米,北站\n"
    taken = read_tags(tags(tmp_path, text, "gb18030"), network)
    assert taken.left == ()
    told = [(row["name"], row["element"], row["quantity"], row["unit"], row["device"]) for row in taken.rows]
    assert told == [("PT7", "J-126", "pressure", "MPa", "北站"), ("液位1", "TANK-E", "level", "m", "北站")]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"unit": "l/s"}, ("demand", "l/s")),
        ({"unit": "CMH", "element": "P-144"}, ("flow", "m3/h")),
        ({"unit": "m", "element": "TANK-E"}, ("level", "m")),
        ({"unit": "mH2O"}, ("pressure", "m")),
        ({"unit": "m3", "element": "M-IN"}, ("volume", "m3")),
        ({"unit": "", "element": "PU-1"}, ("status", "")),
        ({"unit": "bar", "quantity": "Pressure"}, ("pressure", "bar")),
    ],
)
def test_quantity_follows_from_unit_and_element(
    tmp_path: Path, network: Network, cells: dict[str, str], expected: tuple[str, str]
) -> None:
    row = one(tmp_path, network, **cells)
    assert (row.get("quantity"), row.get("unit")) == expected, row


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("40001", "holding/0"),
        ("400011", "holding/10"),
        ("30012", "input/11"),
        ("10005", "discrete/4"),
        ("40020.3", "holding/19.3"),
        ("holding/7", "holding/7"),
        ("ns=2;s=PS.Flow", "ns=2;s=PS.Flow"),
    ],
)
def test_addresses_of_modicon_count_from_one(tmp_path: Path, network: Network, address: str, ours: str) -> None:
    assert one(tmp_path, network, address=address)["address"] == ours


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"unit": "furlong"}, 'unit "furlong" is not known'),
        ({"element": "J-9999"}, 'element "J-9999" is not in the network'),
        ({"element": "", "tag": "DP_J-126_J-001"}, "names several elements (J-001, J-126)"),
        ({"address": "DB1.DBW2"}, 'address "DB1.DBW2" is neither a register'),
        ({"address": "40000"}, 'address "40000" is neither a register'),
        ({"unit": "bar", "quantity": "flow"}, 'unit "bar" does not fit the quantity flow'),
        ({"unit": "m", "element": "P-144"}, "expected a column quantity"),
        ({"unit": ""}, "expected a column quantity"),
    ],
)
def test_what_is_not_certain_is_left_with_its_reason(
    tmp_path: Path, network: Network, cells: dict[str, str], reason: str
) -> None:
    assert reason in one(tmp_path, network, **cells)["left"]


def test_list_without_names_or_addresses_makes_no_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tags(tmp_path, "what,where\nPressure,here\n")
    assert main(["init", str(JIAOZHOU), str(tmp_path / "site"), "--points", str(file)]) == 3
    said = capsys.readouterr().err
    assert f"{file}:1: no column for the name" in said
    assert f"{file}:1: no column for the address" in said
    assert not (tmp_path / "site").exists()
    assert main(["init", str(JIAOZHOU), str(tmp_path / "site"), "--points", str(tmp_path / "none.csv")]) == 3


def test_an_id_within_another_word_is_not_meant(tmp_path: Path, network: Network) -> None:
    assert "names no element" in one(tmp_path, network, element="", tag="PT J-1260")["left"]
    assert one(tmp_path, network, element="", tag="pt_j-126_a")["element"] == "J-126"


def test_every_unit_of_ours_is_understood_and_no_heading_means_two_columns() -> None:
    assert UNIT_WORDS.keys() == {unit for units in UNITS.values() for unit in units}
    words = [word for words in HEADINGS.values() for word in words]
    assert len(words) == len(set(words))


def test_binary_file_is_bad_input(tmp_path: Path, network: Network) -> None:
    file = tmp_path / "tags.csv"
    file.write_bytes(bytes(range(256)))
    with pytest.raises(BadInput, match="no column for the name"):
        read_tags(file, network)
