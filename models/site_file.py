"""Reading a site's folder: every problem at once, with file and line, or the site."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields as fields_of_class
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.device_file import lines_of, read_devices, secret
from models.fields import Fields
from models.points_file import read_points
from models.problem import BadInput, Problem
from models.registers_file import read_customers, read_pipes, read_valves, read_zones
from models.site import InfluxSettings, MonitorSettings, Retention, Site, StoreSettings

MOST_DAYS = 100.0 * 366.0
"""The longest retention: a hundred years."""


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
    top = Fields(values, str(path), 1, "", problems, lines_of(text))
    name = top.text("name", required=True)
    network = folder / top.text("network", "network.inp")
    if not network.is_file():
        top.note(f'network "{network.name}" is not there, expected an EPANET file', "network")
    time_zone = _time_zone(top)
    clock = top.choice("clock", ("wall", "device"), "wall")
    crs = top.text("crs", "local")
    if not re.fullmatch(r"local|(EPSG:)?[0-9]{4,6}", crs):
        top.note(f'crs "{crs}", expected an EPSG code such as EPSG:4549, or local', "crs")
    devices = read_devices(top, values, text, folder)
    stores = _stores(top, _table(top, values, "stores"), folder)
    monitor = _monitor(top, _table(top, values, "monitor"), folder)
    language = top.text("language", "en")
    top.taken |= {"devices", "stores", "monitor"}
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
        customers=read_customers(folder / "customers.csv", problems, language),
        valves=read_valves(folder / "valves.csv", problems),
        pipes=read_pipes(folder / "pipes.csv", problems),
        zones=read_zones(folder / "zones.csv", problems),
    )


def _read_toml(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput.of("is not there, expected a site's folder with a site.toml", str(path)) from None
    except OSError as error:
        raise BadInput.of(f"cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput.of(f"cannot be read, is not UTF-8 text: {error.reason}", str(path)) from error
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else 0
        raise BadInput.of(f"is no TOML: {error}", str(path), line) from error


def _time_zone(top: Fields) -> str:
    name = top.text("time_zone", required=True)
    try:
        ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        top.note(f'time_zone "{name}" is not known, expected an IANA name such as Asia/Shanghai', "time_zone")
        return "UTC"
    return name


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
            token=secret(inner, "token", folder, required=True),
        )
        inner.rest()
    row.taken |= {"influxdb", "retention"}
    dropped = row.text("dropped_files")
    synchronous = row.choice("spool_synchronous", ("normal", "full"), "normal")
    settings = StoreSettings(
        telemetry="influxdb" if telemetry == "influxdb" else "embedded",
        telemetry_file=folder / row.text("telemetry_file", "data/telemetry.sqlite"),
        spool_file=folder / row.text("spool_file", "data/spool.sqlite"),
        records_url=records if "://" in records else str(folder / records),
        influxdb=influx,
        retention=_retention(row, _table(row, table, "retention"), telemetry == "influxdb"),
        spool_synchronous="full" if synchronous == "full" else "normal",
        spool_mb=row.positive("spool_mb", 4000.0),
        dropped_files=folder / dropped if dropped else None,
    )
    row.rest()
    return settings


def _retention(stores: Fields, table: dict[str, Any], on_server: bool) -> Retention:
    row = Fields(table, stores.file, stores.line, "stores.retention", stores.problems, stores.lines)
    retention = Retention(
        samples_days=row.number("samples_days", 0.0, low=0.0, high=MOST_DAYS) or 0.0,
        means_days=row.number("means_days", 0.0, low=0.0, high=MOST_DAYS) or 0.0,
        means_step_s=row.positive("means_step_s", Retention().means_step_s, 86400.0),
    )
    row.rest()
    days = retention.samples_days
    if on_server and 0.0 < days < 3.0:
        row.note(f"samples_days {days:g}, expected with InfluxDB at least 3, or 0 for ever", "samples_days")
    if 0.0 < retention.means_days <= days:
        row.note(f"means_days {retention.means_days:g}, expected more than samples_days {days:g}", "means_days")
    if retention.means_days and not days:
        row.note("means_days without samples_days: samples that are kept for ever become no means", "means_days")
    return retention


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
