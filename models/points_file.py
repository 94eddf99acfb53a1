"""``points.csv``: one row a point."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from models.fields import Fields, duplicates, expected
from models.point import BYTE_ORDERS, DATA_TYPES, Point
from models.problem import Problem
from models.quantity import UNITS, Quantity
from models.site import Device
from models.table_file import fields_of, read_table

_NODE_ID = re.compile(r"(ns=\d+;|nsu=[^;]+;)?(i=\d+|s=.+|g=[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|b=.+)")
REQUIRED = ("name", "element", "quantity", "unit", "device", "address")
OPTIONAL = (
    "data_type", "byte_order", "scale", "offset", "period_s", "valid_min", "valid_max", "gauge_elevation_m", "deadband",
    "low_limit", "high_limit", "limit_delay_s", "limit_deadband", "reverse", "absolute", "rollover",
    "clamp_min", "clamp_max", "deadband_percent", "heartbeat_s", "reading",
)  # fmt: skip
LONGEST_S = 366.0 * 86400.0
"""The longest period or heartbeat: a year."""
_MODBUS_ADDRESS = re.compile(r"(coil|discrete)/\d{1,5}|(holding|input)/\d{1,5}(\.\d{1,2}|:\d{1,3})?")


def read_points(path: Path, devices: Mapping[str, Device], problems: list[Problem]) -> tuple[Point, ...]:
    """Return the points; what is wrong is noted and the row left out."""
    points, names = [], []
    for values, line in read_table(path, REQUIRED, OPTIONAL, problems):
        name = (values.get("name") or "").strip()
        names += [(name, line)] if name else []
        row = fields_of(values, line, path, f"point {name}" if name else "point", problems)
        before = len(problems)
        point = _point(row, line, devices)
        if len(problems) == before:
            points.append(point)
    problems.extend(duplicates(names, "point", str(path)))
    return tuple(points)


def is_modbus_address(text: str) -> bool:
    """Return whether a text means a coil, an input, a register (0 to 65535), one of its bits or up to 125 registers."""
    if not _MODBUS_ADDRESS.fullmatch(text):
        return False
    place, _, count = text.partition("/")[2].partition(":")
    place, _, bit = place.partition(".")
    return int(place) <= 65535 and int(bit or 0) <= 15 and 1 <= int(count or 1) <= 125


def _point(row: Fields, line: int, devices: Mapping[str, Device]) -> Point:
    quantity = row.choice("quantity", [str(one) for one in Quantity], str(Quantity.PRESSURE), required=True)
    unit = row.text("unit")
    if row.text("quantity") == quantity and unit not in UNITS[Quantity(quantity)]:
        row.note(f'unit "{unit}" is not known for {quantity}, expected {expected(unit, UNITS[Quantity(quantity)])}')
    low, high = _range(row, "valid_min", "valid_max")
    low_limit, high_limit = _range(row, "low_limit", "high_limit")
    clamp_min, clamp_max = _range(row, "clamp_min", "clamp_max")
    percent = row.number("deadband_percent", low=0.0, high=100.0)
    if percent is not None and (low is None or high is None):
        row.note("deadband_percent is one of the valid range, expected valid_min and valid_max")
    return Point(
        name=_name(row),
        element=row.text("element", required=True),
        quantity=Quantity(quantity),
        unit=unit,
        device=_device(row, devices),
        address=row.text("address"),
        data_type=row.choice("data_type", DATA_TYPES, "float32"),
        byte_order=row.choice("byte_order", BYTE_ORDERS, "ABCD"),
        scale=_scale(row),
        offset=row.number("offset", 0.0) or 0.0,
        period_s=row.positive("period_s", 60.0, LONGEST_S),
        valid_min=low,
        valid_max=high,
        gauge_elevation_m=row.number("gauge_elevation_m"),
        clamp_min=clamp_min,
        clamp_max=clamp_max,
        deadband=row.number("deadband", low=0.0),
        deadband_percent=percent,
        heartbeat_s=row.positive("heartbeat_s", 600.0, LONGEST_S),
        low_limit=low_limit,
        high_limit=high_limit,
        limit_delay_s=row.number("limit_delay_s", 0.0, low=0.0) or 0.0,
        limit_deadband=row.number("limit_deadband", 0.0, low=0.0) or 0.0,
        reverse=row.flag("reverse"),
        absolute=row.flag("absolute"),
        rollover=row.number("rollover", low=1e-9),
        reading=_reading(row, devices),
        line=line,
    )


def _name(row: Fields) -> str:
    """Return the name; one that a line of InfluxDB cannot hold would be refused with every sample."""
    name = row.text("name", required=True)
    if name.endswith("\\") or not name.isprintable():
        row.note("name has a backslash at its end or a character that cannot be seen, expected neither")
    return name


def _range(row: Fields, low_key: str, high_key: str) -> tuple[float | None, float | None]:
    low, high = row.number(low_key), row.number(high_key)
    if low is not None and high is not None and low >= high:
        row.note(f"{low_key} {low:g} is not below {high_key} {high:g}")
    return low, high


def _device(row: Fields, devices: Mapping[str, Device]) -> str:
    """Return the name of the device that is asked; a point without one, and without an address, comes in files."""
    name, address = row.text("device"), row.text("address")
    if not name and not address:
        return ""
    if not name or not address:
        one, other = ("device", "address") if address else ("address", "device")
        row.note(f"{one} is missing, expected a value beside the {other}, or neither for a point that comes in files")
    device = devices.get(name)
    if device is None:
        if name:
            near = expected(name, devices) if devices else "[[devices]] with that name there"
            row.note(f'device "{name}" is not in site.toml, expected {near}')
        return name
    if device.protocol.startswith("modbus"):
        if address and not is_modbus_address(address):
            row.note(f'address "{address}" is no Modbus address, expected one such as holding/100 or input/12.3')
        if row.text("data_type") == "string" and ":" not in address:
            row.note(f'address "{address}" has no length, expected one such as holding/40:4 for a text')
    if device.protocol == "opcua" and address and not _NODE_ID.fullmatch(address):
        row.note(f'address "{address}" is no NodeId, expected one such as ns=2;s=PS1.Flow')
    return name


def _reading(row: Fields, devices: Mapping[str, Device]) -> Literal["poll", "subscribe", ""]:
    reading = row.choice("reading", ("poll", "subscribe"))
    device = devices.get(row.text("device"))
    if reading == "subscribe" and (device is None or device.protocol != "opcua"):
        row.note("reading subscribe, but its device only answers, expected poll or nothing")
    return cast(Literal["poll", "subscribe", ""], reading)


def _scale(row: Fields) -> float:
    scale = row.number("scale", 1.0)
    if scale == 0.0:
        row.note("scale 0, expected any other number")
        return 1.0
    return 1.0 if scale is None else scale
