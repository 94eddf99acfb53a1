"""A site's folder: every problem at once, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.problem import BadInput, Problem
from models.site_file import load_site

SITE = """name = "Street"
time_zone = "Asia/Shanghai"
crs = "local"
network = "network.inp"

[[devices]]
name = "rtu"
protocol = "modbus-tcp"
port = 1502
"""
HEADER = "name,element,quantity,unit,device,address,data_type,byte_order,scale,offset,period_s,valid_min,valid_max"
POINT = "PT-1,J-1,pressure,m,rtu,holding/100,float32,ABCD,1,0,60,0,100"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "network.inp").write_text("[JUNCTIONS]\n")
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "points.csv").write_text(f"{HEADER}\n{POINT}\n")
    return tmp_path


def problems(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as caught:
        load_site(folder)
    return caught.value.problems


def with_points(folder: Path, *rows: str, header: str = HEADER) -> Path:
    (folder / "points.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def with_site(folder: Path, text: str) -> Path:
    (folder / "site.toml").write_text(text)
    return folder


def test_site_without_problems_is_loaded(folder: Path) -> None:
    site = load_site(folder)
    assert [point.name for point in site.points] == ["PT-1"]
    assert (site.devices[0].port, site.points[0].line, site.clock) == (1502, 2, "wall")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",m,", ",furlong,", 'unit "furlong" is not known for pressure, expected one of'),
        ("float32", "float23", 'data_type "float23" is not known, expected float32?'),
        ("ABCD", "ACBD", 'byte_order "ACBD" is not known, expected one of ABCD, BADC, CDAB, DCBA'),
        (",rtu,", ",rut,", 'device "rut" is not in site.toml, expected one of rtu'),
        ("pressure", "presure", 'quantity "presure" is not known, expected one of'),
        ("holding/100", "40101", 'address "40101" is no Modbus address'),
        ("holding/100", "holding/70000", 'address "holding/70000" is no Modbus address'),
        ("holding/100", "holding/100.16", 'address "holding/100.16" is no Modbus address'),
        ("float32", "string", 'address "holding/100" has no length, expected one such as holding/40:4'),
        (",60,", ",nan,", 'period_s "nan" is no number'),
        (",60,", ",0,", "period_s 0, expected more than 0"),
        ("ABCD,1,", "ABCD,0,", "scale 0, expected any other number"),
        ("ABCD,1,", "ABCD,one,", 'scale "one" is no number'),
        (",0,100", ",100,0", "valid_min 100 is not below valid_max 0"),
        (",60,", ",1e300,", "period_s 1e+300, expected at most 3.16224e+07"),
        ("J-1", "", "element is missing"),
        (",rtu,", ",,", "device is missing, expected a value beside the address, or neither"),
        ("holding/100", "", "address is missing, expected a value beside the device, or neither"),
    ],
)
def test_value_that_is_wrong_is_named_with_its_point_and_line(folder: Path, old: str, new: str, message: str) -> None:
    found = problems(with_points(folder, POINT.replace(old, new, 1)))
    assert len(found) == 1
    assert found[0].message.startswith(f"point PT-1: {message}")
    assert (Path(found[0].file).name, found[0].line) == ("points.csv", 2)


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("ns=2;s=PS.Flow", True),
        ("i=2258", True),
        ("ns=3;g=09087e75-8e5e-499b-954f-f2a9603db28a", True),
        ("ns=two;s=PS.Flow", False),
        ("ns=2;i=PS.Flow", False),
        ("PS.Flow", False),
    ],
)
def test_node_id_is_looked_at_before_any_server_is_asked(folder: Path, address: str, right: bool) -> None:
    with_site(folder, SITE + '[[devices]]\nname = "ua"\nprotocol = "opcua"\nurl = "opc.tcp://127.0.0.1:4840"\n')
    with_points(folder, POINT.replace("rtu,holding/100", f"ua,{address}"))
    if right:
        assert load_site(folder).points[0].address == address
    else:
        assert f'address "{address}" is no NodeId' in problems(folder)[0].message


def test_point_may_be_told_by_its_server_though_its_device_is_polled(folder: Path) -> None:
    with_site(folder, SITE + '[[devices]]\nname = "ua"\nprotocol = "opcua"\nurl = "opc.tcp://127.0.0.1:4840"\n')
    told = POINT.replace("rtu,holding/100", "ua,i=2258") + ",subscribe"
    with_points(folder, told, header=f"{HEADER},reading")
    assert load_site(folder).points[0].reading == "subscribe"
    (found,) = problems(with_points(folder, f"{POINT},subscribe", header=f"{HEADER},reading"))
    assert found.message == "point PT-1: reading subscribe, but its device only answers, expected poll or nothing"


@pytest.mark.parametrize("name", ["PT-1\\", "PT\u200b1"])
def test_name_that_no_line_of_influxdb_can_hold_is_refused(folder: Path, name: str) -> None:
    (found,) = problems(with_points(folder, POINT.replace("PT-1", name)))
    assert "name has a backslash at its end or a character that cannot be seen" in found.message


def test_point_without_device_and_address_comes_in_files(folder: Path) -> None:
    with_points(folder, POINT.replace("rtu,holding/100", ","))
    (point,) = load_site(folder).points
    assert (point.device, point.address) == ("", "")


def test_point_that_stands_twice_is_said_with_both_lines(folder: Path) -> None:
    (found,) = problems(with_points(folder, POINT, "", POINT))
    assert str(found).endswith("points.csv:4: point PT-1: stands twice, first in line 2")


def test_point_that_stands_twice_is_said_whatever_else_is_wrong_with_it(folder: Path) -> None:
    found = problems(with_points(folder, POINT.replace("holding/100", "nowhere"), POINT))
    assert [(one.line, one.message.split(",")[0]) for one in found] == [
        (2, 'point PT-1: address "nowhere" is no Modbus address'),
        (3, "point PT-1: stands twice"),
    ]


def test_columns_that_are_missing_or_unknown_are_said(folder: Path) -> None:
    found = problems(with_points(folder, header="name,element,quantity,unit,addres"))
    assert [one.message.split(", expected")[0] for one in found] == [
        "column device is missing",
        "column address is missing",
        'column "addres" is not known',
    ]
    assert found[2].message.endswith("expected address?")
    assert {one.line for one in found} == {1}


def test_column_that_stands_twice_is_said_once(folder: Path) -> None:
    (found,) = problems(with_points(folder, POINT, POINT, header=HEADER.replace("name", "name,name")))
    assert str(found).endswith('points.csv:1: column "name" stands twice, expected once')


def test_device_of_a_site_that_has_none_is_asked_for(folder: Path) -> None:
    with_points(folder, POINT)
    (found,) = problems(with_site(folder, SITE.partition("[[devices]]")[0]))
    assert found.message == 'point PT-1: device "rtu" is not in site.toml, expected [[devices]] with that name there'


def test_row_with_too_many_values_is_said(folder: Path) -> None:
    (found,) = problems(with_points(folder, POINT + ",,"))
    assert (found.message, found.line) == ("has 15 values, expected 13", 2)


def test_key_that_is_not_known_comes_with_what_was_meant(folder: Path) -> None:
    found = problems(with_site(folder, SITE.replace("port = 1502", "prot = 1502") + "\n[monitor]\nwindow_hours = 3\n"))
    assert {(one.message.split(", ")[0], one.line) for one in found} == {
        ('device rtu: "prot" is not known', 9),
        ('monitor: "window_hours" is not known', 12),
    }
    assert {one.message.rsplit(" ", 1)[1] for one in found} == {"port?", "window_h?"}


def test_two_problems_in_two_files_are_told_together(folder: Path) -> None:
    with_site(folder, SITE.replace("Asia/Shanghai", "Asia/Shanghigh"))
    found = problems(with_points(folder, POINT, POINT.replace("PT-1", "PT-2").replace(",m,", ",mm,")))
    assert [(Path(one.file).name, one.line) for one in found] == [("site.toml", 2), ("points.csv", 3)]


def test_secret_in_plain_text_is_refused_and_not_repeated(folder: Path) -> None:
    (found,) = problems(with_site(folder, SITE + 'username = "u"\npassword = "swordfish"\n'))
    assert (found.message.split(",")[0], found.line) == ("device rtu: password stands in plain text", 11)
    assert "swordfish" not in str(found)


def test_secret_comes_from_the_environment_and_does_not_show(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRO_TEST_PASSWORD", "swordfish")
    site = load_site(with_site(folder, SITE + 'password = "${HYDRO_TEST_PASSWORD}"\n'))
    assert site.devices[0].password == "swordfish"
    assert "swordfish" not in repr(site)


def test_secret_whose_variable_is_not_set_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYDRO_TEST_PASSWORD", raising=False)
    (found,) = problems(with_site(folder, SITE + 'password = "${HYDRO_TEST_PASSWORD}"\n'))
    assert "HYDRO_TEST_PASSWORD is not set" in found.message


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('clock_address = "40001"', "device rtu: clock_address"),
        ("unit_id = 256", "device rtu: unit_id 256, expected 0 to 255"),
        ('[[devices]]\nname = "rtu"\nprotocol = "modbus-tcp"', "device rtu: stands twice, first in line 6"),
        ('[[devices]]\nname = "ua"\nprotocol = "opcua"', "device ua: url is missing"),
        ('[[devices]]\nname = "ua"\nprotocol = "profibus"', 'device ua: protocol "profibus" is not known'),
        ('[stores]\ntelemetry = "postgres"', 'stores: telemetry "postgres" is not known'),
    ],
)
def test_device_or_store_that_is_wrong_is_named(folder: Path, extra: str, message: str) -> None:
    (found,) = problems(with_site(folder, f"{SITE}{extra}\n"))
    assert found.message.startswith(message)
    assert found.line > 0


@pytest.mark.parametrize("key", ["stores", "monitor", "devices"])
def test_table_that_is_none_is_said(folder: Path, key: str) -> None:
    text = SITE if key != "devices" else SITE.split("[[")[0]
    found = problems(with_points(with_site(folder, f"{key} = 3\n{text}")))
    assert found[0].message.startswith(f"{key} is no")


def test_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    (found,) = problems(tmp_path / "nowhere")
    assert found.message == "is not there, expected a site's folder with a site.toml"


def test_network_or_points_that_are_missing_are_said_together(folder: Path) -> None:
    (folder / "network.inp").unlink()
    (folder / "points.csv").unlink()
    assert [Path(one.file).name for one in problems(folder)] == ["site.toml", "points.csv"]


def test_mark_that_windows_puts_before_a_text_is_no_part_of_it(folder: Path) -> None:
    (folder / "site.toml").write_text(SITE, encoding="utf-8-sig")
    assert load_site(folder).name == "Street"


def test_language_of_the_site_is_that_of_a_customer_who_has_none(folder: Path) -> None:
    header = "customer_id,name,kind,address,node,language\n"
    (folder / "customers.csv").write_text(header + "C-1,A,office,Street 1,J1,\nC-2,B,office,Street 2,J1,en\n")
    with_site(folder, f'language = "zh"\n{SITE}')
    assert [one.language for one in load_site(folder).customers] == ["zh", "en"]


@pytest.mark.parametrize(("crs", "read"), [('"EPSG:4549"', "EPSG:4549"), ("4549", "4549"), ('"local"', "local")])
def test_coordinate_system_is_an_epsg_code_or_local(folder: Path, crs: str, read: str) -> None:
    assert load_site(with_site(folder, SITE.replace('crs = "local"', f"crs = {crs}"))).crs == read
    (found,) = problems(with_site(folder, SITE.replace('crs = "local"', 'crs = "WGS 84"')))
    assert (found.message.split(",")[0], found.line) == ('crs "WGS 84"', 3)


def test_file_in_place_of_a_folder_is_said(folder: Path) -> None:
    (found,) = problems(folder / "network.inp")
    assert found.message == "is not there, expected a site's folder with a site.toml"


def test_file_that_is_no_toml_or_no_text_is_said_with_its_line(folder: Path) -> None:
    (found,) = problems(with_site(folder, 'name = "Street"\nbroken\n'))
    assert (found.line, found.message.startswith("is no TOML")) == (2, True)
    (folder / "site.toml").write_bytes(b"\xff\xfe")
    assert "cannot be read" in problems(folder)[0].message
