"""Which registers of a Modbus device hold which point, and what they hold at an instant. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from models.point import Point
from models.problem import Problem
from models.site import Device
from simulator.instruments import Reading
from simulator.registers import TABLES, Address, Table, encode, parse_address, width

_BITS: tuple[Table, ...] = ("coil", "discrete")
_CLOCK_WORDS = 4


@dataclass(slots=True)
class Image:
    """What a device's tables hold: numbers of registers or coils, and their values."""

    tables: dict[Table, dict[int, int]] = field(default_factory=lambda: {table: {} for table in TABLES})


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The layout of one device."""

    device: Device
    points: tuple[tuple[Point, Address], ...]
    clock: Address | None

    def image(self, time: datetime, readings: Mapping[str, Reading]) -> Image:
        """Return all registers as they stand at ``time``: values and clock together."""
        image = Image()
        for point, address in self.points:
            raw = readings[point.name].raw
            table = image.tables[address.table]
            if address.table in _BITS:
                table[address.number] = int(raw != 0)
            elif address.bit is not None:
                table[address.number] = table.get(address.number, 0) | (int(raw != 0) << address.bit)
            elif point.data_type == "bit":
                table[address.number] = int(raw != 0)
            else:
                words = encode(raw, point.data_type, point.byte_order)
                table.update(zip(range(address.number, address.number + len(words)), words, strict=True))
        if self.clock is not None:
            words = encode(round(time.timestamp() * 1e3), "uint64", "ABCD")
            table = image.tables[self.clock.table]
            table.update(zip(range(self.clock.number, self.clock.number + len(words)), words, strict=True))
        return image


def map_registers(device: Device, points: Sequence[Point]) -> tuple[RegisterMap, list[Problem]]:
    """Return the layout of ``device`` and what is wrong with it: bad addresses, overlaps, types that do not fit."""
    problems: list[Problem] = []
    placed: list[tuple[Point, Address]] = []
    taken: dict[tuple[Table, int, int | None], str] = {}
    clock = None
    if device.clock_address:
        try:
            clock = parse_address(device.clock_address)
            if clock.table in _BITS or clock.bit is not None:
                raise ValueError(f"clock address {device.clock_address!r}, expected registers such as holding/0")
            for word in range(_CLOCK_WORDS):
                taken[clock.table, clock.number + word, None] = "the clock"
        except ValueError as error:
            problems.append(Problem(f"device {device.name}: {error}", "site.toml", device.line))
    for point in points:
        try:
            address = parse_address(point.address)
            _take(point, address, taken)
        except ValueError as error:
            problems.append(Problem(f"point {point.name}: {error}", "points.csv", point.line))
        else:
            placed.append((point, address))
    return RegisterMap(device, tuple(placed), clock), problems


def _take(point: Point, address: Address, taken: dict[tuple[Table, int, int | None], str]) -> None:
    if (address.table in _BITS or address.bit is not None) and point.data_type != "bit":
        raise ValueError(f"address {point.address} is a bit, but the data type is {point.data_type}")
    words = 1 if address.table in _BITS else width(point.data_type)
    for number in range(address.number, address.number + words):
        slots = (None,) if address.bit is not None else (None, *range(16))
        for slot in (address.bit, *slots):
            other = taken.get((address.table, number, slot))
            if other:
                raise ValueError(f"address {point.address} is taken by {other} already")
        taken[address.table, number, address.bit] = point.name
