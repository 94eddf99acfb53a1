"""Planning of block reads: few requests, each within what the protocol and the device allow. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from collectors.modbus.frame import FUNCTIONS, MOST_BITS, MOST_REGISTERS
from models.point import Point

BIT_TABLES = ("coil", "discrete")
WIDTH = {
    "bit": 1, "int16": 1, "uint16": 1, "bcd16": 1, "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
"""Registers that a number takes; a text takes as many as its address says."""
_ADDRESS = re.compile(r"(coil|discrete|holding|input)/(\d{1,5})(?:\.(\d{1,2})|:(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value stands: a table, the number of its first register or bit, and a bit or how many registers."""

    table: str
    start: int
    bit: int | None = None
    count: int = 0

    @property
    def is_bit(self) -> bool:
        """Whether one bit stands there: in a table of bits, or within a register."""
        return self.bit is not None or self.table in BIT_TABLES


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a device: the ``place`` among what was asked for, where it stands and how wide it is."""

    place: int
    address: Address
    width: int

    @property
    def end(self) -> int:
        """The first register after it."""
        return self.address.start + self.width


@dataclass(frozen=True, slots=True)
class Block:
    """One request: ``count`` registers (or bits) of a table from ``start``, and what is wanted of them."""

    table: str
    start: int
    count: int
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How a device is asked: the most registers at once (sixteen times as many bits), the widest gap read across."""

    registers: int = MOST_REGISTERS
    gap: int = 8

    def most(self, table: str) -> int:
        """Return the most registers or bits of a request to a table."""
        return min(MOST_BITS, 16 * self.registers) if table in BIT_TABLES else self.registers


Hole = tuple[str, int, int]
"""Registers that a device refuses: table, first, and the first after them."""


def address_of(text: str) -> Address:
    """Return the address that ``holding/100``, ``input/20.3``, ``holding/40:4`` or ``coil/7`` means.

    Raises
    ------
    ValueError
        It means none.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(f'address "{text}", expected one such as holding/100, input/12.3 or coil/7')
    table, start, bit, count = found.group(1), int(found.group(2)), found.group(3), found.group(4)
    if start > 0xFFFF:
        raise ValueError(f'address "{text}", expected a number up to 65535')
    if bit is not None and (int(bit) > 15 or table in BIT_TABLES):
        raise ValueError(f'address "{text}", expected bit 0 to 15 of a register')
    if count is not None and (not 1 <= int(count) <= MOST_REGISTERS or table in BIT_TABLES):
        raise ValueError(f'address "{text}", expected 1 to {MOST_REGISTERS} registers')
    return Address(table, start, None if bit is None else int(bit), int(count or 0))


def wanted_of(points: Sequence[Point]) -> list[Wanted]:
    """Return what points want, by their places.

    Raises
    ------
    ValueError
        An address does not suit its data type.
    """
    found = []
    for place, point in enumerate(points):
        address = address_of(point.address)
        one = Wanted(place, address, _width(address, point))
        if one.end > 0x10000:
            raise ValueError(f'address "{point.address}" is too high for {point.data_type}, expected an end at 65535')
        found.append(one)
    return found


def plan(wanted: Sequence[Wanted], limits: Limits = Limits(), holes: Collection[Hole] = ()) -> list[Block]:
    """Return the blocks that cover all that is wanted.

    Neighbours are asked for together and small gaps read along, but no hole; none is longer than the device allows,
    unless one value alone is.
    """
    blocks: list[Block] = []
    for table in FUNCTIONS:
        here = sorted((one for one in wanted if one.address.table == table), key=lambda one: one.address.start)
        most = limits.most(table)
        group: list[Wanted] = []
        end = 0
        for one in here:
            start = one.address.start
            if group and (
                start - end > limits.gap
                or max(one.end, end) - group[0].address.start > most
                or any(hole[0] == table and hole[1] < start and hole[2] > end for hole in holes)
            ):
                blocks.append(_block(group))
                group, end = [], 0
            group.append(one)
            end = max(end, one.end)
        if group:
            blocks.append(_block(group))
    return blocks


def smaller(block: Block) -> list[Block]:
    """Return blocks to ask instead of one that a device refuses: around its gaps, else in halves; none if alone."""
    parts = plan(block.wanted, Limits(gap=0))
    if len(parts) > 1 or len(block.wanted) == 1:
        return parts if len(parts) > 1 else []
    half = len(block.wanted) // 2
    return [_block(block.wanted[:half]), _block(block.wanted[half:])]


def gaps(block: Block) -> list[Hole]:
    """Return what is read along in a block though nobody wants it."""
    parts = plan(block.wanted, Limits(gap=0))
    spans = [(part.start, part.start + part.count) for part in parts]
    return [(block.table, end, start) for (_, end), (start, _) in pairwise(spans) if end < start]


def _width(address: Address, point: Point) -> int:
    if address.is_bit:
        return 1
    if point.data_type == "string":
        if not address.count:
            raise ValueError(f'address "{point.address}" has no length, expected one such as holding/40:4 for a text')
        return address.count
    if address.count:
        raise ValueError(f'address "{point.address}" has a length, expected none for {point.data_type}')
    return WIDTH[point.data_type]


def _block(group: Sequence[Wanted]) -> Block:
    start = group[0].address.start
    return Block(group[0].address.table, start, max(one.end for one in group) - start, tuple(group))
