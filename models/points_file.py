"""``points.csv``: one row a point."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

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
)  # fmt: skip
_MODBUS_ADDRESS = re.compile(r"(coil|discrete)/\d{1,5}|(holding|input)/\d{1,5}(\.\d{1,2})?")


def read_points(path: Path, devices: Mapping[str, Device], problems: list[Problem]) -> tuple[Point, ...]:
    """Return the points; what is wrong is noted and the row left out."""
    points = []
    for values, line in read_table(path, REQUIRED, OPTIONAL, problems):
        name = (values.get("name") or "").strip()
        row = fields_of(values, line, path, f"point {name}" if name else "point", problems)
        before = len(problems)
        point = _point(row, line, devices)
        if len(problems) == before:
            points.append(point)
    problems.extend(duplicates([(point.name, point.line) for point in points], "point", str(path)))
    return tuple(points)


def is_modbus_address(text: str) -> bool:
    """Return whether a text means a coil, an input or a register (0 to 65535), or one of a register's 16 bits."""
    if not _MODBUS_ADDRESS.fullmatch(text):
        return False
    place, _, bit = text.partition("/")[2].partition(".")
    return int(place) <= 65535 and int(bit or 0) <= 15


def _point(row: Fields, line: int, devices: Mapping[str, Device]) -> Point:
    quantity = row.choice("quantity", [str(one) for one in Quantity], str(Quantity.PRESSURE), required=True)
    unit = row.text("unit")
    if row.text("quantity") == quantity and unit not in UNITS[Quantity(quantity)]:
        row.note(f'unit "{unit}" is not known for {quantity}, expected {expected(unit, UNITS[Quantity(quantity)])}')
    low, high = row.number("valid_min"), row.number("valid_max")
    if low is not None and high is not None and low >= high:
        row.note(f"valid_min {low:g} is not below valid_max {high:g}")
    low_limit, high_limit = row.number("low_limit"), row.number("high_limit")
    if low_limit is not None and high_limit is not None and low_limit >= high_limit:
        row.note(f"low_limit {low_limit:g} is not below high_limit {high_limit:g}")
    return Point(
        name=row.text("name", required=True),
        element=row.text("element", required=True),
        quantity=Quantity(quantity),
        unit=unit,
        device=_device(row, devices),
        address=row.text("address", required=True),
        data_type=row.choice("data_type", DATA_TYPES, "float32"),
        byte_order=row.choice("byte_order", BYTE_ORDERS, "ABCD"),
        scale=_scale(row),
        offset=row.number("offset", 0.0) or 0.0,
        period_s=row.positive("period_s", 60.0),
        valid_min=low,
        valid_max=high,
        gauge_elevation_m=row.number("gauge_elevation_m"),
        deadband=row.number("deadband", low=0.0),
        low_limit=low_limit,
        high_limit=high_limit,
        limit_delay_s=row.number("limit_delay_s", 0.0, low=0.0) or 0.0,
        limit_deadband=row.number("limit_deadband", 0.0, low=0.0) or 0.0,
        reverse=row.flag("reverse"),
        absolute=row.flag("absolute"),
        rollover=row.number("rollover", low=1e-9),
        line=line,
    )


def _device(row: Fields, devices: Mapping[str, Device]) -> str:
    name = row.text("device", required=True)
    device = devices.get(name)
    if device is None:
        if name:
            row.note(f'device "{name}" is not in site.toml, expected {expected(name, devices)}')
        return name
    address = row.text("address")
    if device.protocol.startswith("modbus"):
        if address and not is_modbus_address(address):
            row.note(f'address "{address}" is no Modbus address, expected one such as holding/100 or input/12.3')
        if row.text("data_type") == "string":
            row.note("data_type string at a Modbus device, expected a number's")
    if device.protocol == "opcua" and address and not _NODE_ID.fullmatch(address):
        row.note(f'address "{address}" is no NodeId, expected one such as ns=2;s=PS1.Flow')
    return name


def _scale(row: Fields) -> float:
    scale = row.number("scale", 1.0)
    if scale == 0.0:
        row.note("scale 0, expected any other number")
        return 1.0
    return 1.0 if scale is None else scale
