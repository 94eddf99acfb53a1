"""Reading a site's folder: every problem at once, with file and line, or the site."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import fields as fields_of_class
from pathlib import Path
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.fields import Fields, duplicates
from models.points_file import is_modbus_address, read_points
from models.problem import BadInput, Problem
from models.registers_file import read_customers, read_pipes, read_valves, read_zones
from models.site import Device, InfluxSettings, MonitorSettings, Protocol, Site, StoreSettings

_SECRET = re.compile(r"\$\{(\w+)\}")


def load_site(folder: Path) -> Site:
    """Return the site in ``folder``. What its network holds is not looked at; ``hydro check`` does that.

    Raises
    ------
    BadInput
        Anything is wrong with ``site.toml``, ``points.csv`` or a register: all problems, with file and line.
    """
    problems: list[Problem] = []
    site = read_site(folder, problems)
    if problems:
        raise BadInput(problems)
    return site


def read_site(folder: Path, problems: list[Problem]) -> Site:
    """Return what can be read of the site in ``folder``, and note every problem.

    Raises
    ------
    BadInput
        There is no ``site.toml`` that can be read at all.
    """
    folder = folder.resolve()
    path = folder / "site.toml"
    values, text = _read_toml(path)
    top = Fields(values, str(path), 1, "", problems, _lines(text))
    name = top.text("name", required=True)
    network = folder / top.text("network", "network.inp")
    if not network.is_file():
        top.note(f'network "{network.name}" is not there, expected an EPANET file', "network")
    time_zone = _time_zone(top)
    clock = top.choice("clock", ("wall", "device"), "wall")
    crs = top.text("crs", "local")
    devices = _devices(top, values, text)
    stores = _stores(top, _table(top, values, "stores"), folder)
    monitor = _monitor(top, _table(top, values, "monitor"), folder)
    top.taken |= {"devices", "stores", "monitor", "language"}
    top.rest()
    by_name = {device.name: device for device in devices}
    points = read_points(folder / "points.csv", by_name, problems)
    return Site(
        folder=folder,
        name=name,
        time_zone=time_zone,
        crs=crs,
        network=network,
        clock="device" if clock == "device" else "wall",
        devices=devices,
        points=points,
        stores=stores,
        monitor=monitor,
        customers=read_customers(folder / "customers.csv", problems),
        valves=read_valves(folder / "valves.csv", problems),
        pipes=read_pipes(folder / "pipes.csv", problems),
        zones=read_zones(folder / "zones.csv", problems),
    )


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput.of("is not there, expected a site's folder with a site.toml", str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput.of(f"cannot be read: {error}", str(path)) from error
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else 0
        raise BadInput.of(f"is no TOML: {error}", str(path), line) from error


def _lines(text: str, after: int = 0) -> dict[str, int]:
    """Return the first line, after a line, at which each key is set."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = re.match(r"\s*([\w-]+)\s*=", line)
        if found and number > after:
            lines.setdefault(found.group(1), number)
    return lines


def _time_zone(top: Fields) -> str:
    name = top.text("time_zone", required=True)
    try:
        ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        top.note(f'time_zone "{name}" is not known, expected an IANA name such as Asia/Shanghai', "time_zone")
        return "UTC"
    return name


def _devices(top: Fields, values: dict[str, Any], text: str) -> tuple[Device, ...]:
    starts = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == "[[devices]]"]
    devices = []
    tables = values.get("devices", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        top.note("devices is no list of tables, expected [[devices]]", "devices")
        return ()
    for place, table in enumerate(tables):
        line = starts[place] if place < len(starts) else 0
        name = str(table.get("name", "")).strip()
        row = Fields(table, top.file, line, f"device {name}".strip(), top.problems, _lines(text, line))
        devices.append(_device(row, line))
    top.problems.extend(duplicates([(device.name, device.line) for device in devices], "device", top.file))
    return tuple(devices)


def _device(row: Fields, line: int) -> Device:
    protocol = row.choice("protocol", get_args(Protocol), "modbus-tcp", required=True)
    url = row.text("url", required=protocol == "opcua")
    if url and not url.startswith("opc.tcp://"):
        row.note(f'url "{url}", expected one that begins with opc.tcp://', "url")
    device = Device(
        name=row.text("name", required=True),
        protocol=cast(Protocol, protocol),
        host=row.text("host", "127.0.0.1"),
        port=row.whole("port", 502, 1, 65535),
        unit_id=row.whole("unit_id", 1, 0, 255),
        url=url,
        timeout_s=row.positive("timeout_s", 2.0),
        clock_address=row.text("clock_address"),
        username=row.text("username"),
        password=_secret(row, "password"),
        line=line,
    )
    if device.clock_address and not is_modbus_address(device.clock_address):
        row.note(f'clock_address "{device.clock_address}", expected four registers such as holding/0', "clock_address")
    row.rest()
    return device


def _table(top: Fields, values: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a table of the file, empty where there is none; another thing of that name is a problem."""
    table = values.get(key, {})
    if isinstance(table, dict):
        return table
    top.note(f"{key} is no table, expected [{key}]", key)
    return {}


def _stores(top: Fields, table: dict[str, Any], folder: Path) -> StoreSettings:
    row = Fields(table, top.file, top.line, "stores", top.problems, top.lines)
    telemetry = row.choice("telemetry", ("embedded", "influxdb"), "embedded")
    records = row.text("records", "data/records.sqlite")
    influx = None
    if telemetry == "influxdb":
        inner = Fields(_table(row, table, "influxdb"), top.file, top.line, "stores.influxdb", top.problems, top.lines)
        influx = InfluxSettings(
            url=inner.text("url", required=True),
            org=inner.text("org", required=True),
            bucket=inner.text("bucket", required=True),
            token=_secret(inner, "token", folder, required=True),
        )
        inner.rest()
    row.taken.add("influxdb")
    settings = StoreSettings(
        telemetry="influxdb" if telemetry == "influxdb" else "embedded",
        telemetry_file=folder / row.text("telemetry_file", "data/telemetry.sqlite"),
        spool_file=folder / row.text("spool_file", "data/spool.sqlite"),
        records_url=records if "://" in records else str(folder / records),
        influxdb=influx,
    )
    row.rest()
    return settings


def _secret(row: Fields, key: str, folder: Path | None = None, required: bool = False) -> str:
    """Return a secret from ``${ENV}`` or, as ``key_file``, from a file; one in plain text is a problem."""
    file = row.text(f"{key}_file")
    if file and folder is not None:
        try:
            return (folder / file).read_text(encoding="utf-8").strip()
        except OSError as error:
            row.note(f"{key}_file {file} cannot be read: {error.strerror}", f"{key}_file")
            return ""
    value = row.text(key, required=required)
    if not value:
        return ""
    found = _SECRET.fullmatch(value)
    if found is None:
        row.note(f"{key} stands in plain text, expected ${{NAME}} of an environment variable or {key}_file", key)
        return ""
    if found.group(1) not in os.environ:
        row.note(f"environment variable {found.group(1)} is not set, expected the {key} in it", key)
    return os.environ.get(found.group(1), "")


def _monitor(top: Fields, table: dict[str, Any], folder: Path) -> MonitorSettings:
    row = Fields(table, top.file, top.line, "monitor", top.problems, top.lines)
    defaults = MonitorSettings()
    given = {
        one.name: row.positive(one.name, getattr(defaults, one.name))
        for one in fields_of_class(MonitorSettings)
        if one.name != "baseline_file"
    }
    if not 0.0 < given["alarm_probability"] <= 1.0:
        row.note(f"alarm_probability {given['alarm_probability']:g}, expected 0 to 1", "alarm_probability")
    baseline = row.text("baseline_file", "data/baseline.npz")
    row.rest()
    return MonitorSettings(**given, baseline_file=folder / baseline)
