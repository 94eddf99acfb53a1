"""Planning of block reads: few requests, each within what the protocol and the device allow. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.point import Point

TABLES = ("coil", "discrete", "holding", "input")
WIDTH = {
    "bit": 1, "int16": 1, "uint16": 1, "bcd16": 1, "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
"""Registers that a value takes."""
MOST_REGISTERS, MOST_BITS = 125, 2000
"""What the protocol lets one request ask for."""
GAP = 8
"""Registers nobody wants that are read along rather than asked around."""
_ADDRESS = re.compile(r"(coil|discrete|holding|input)/(\d{1,5})(?:\.(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value stands: a table, the number of its first register or bit, and perhaps a bit of that register."""

    table: str
    start: int
    bit: int | None = None

    @property
    def is_bit(self) -> bool:
        """Whether one bit stands there: in a table of bits, or within a register."""
        return self.bit is not None or self.table in ("coil", "discrete")


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


def address_of(text: str) -> Address:
    """Return the address that ``holding/100``, ``input/20.3`` or ``coil/7`` means.

    Raises
    ------
    ValueError
        It means none.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(f'address "{text}", expected one such as holding/100, input/12.3 or coil/7')
    table, start, bit = found.group(1), int(found.group(2)), found.group(3)
    if start > 0xFFFF:
        raise ValueError(f'address "{text}", expected a number up to 65535')
    if bit is not None and (int(bit) > 15 or table in ("coil", "discrete")):
        raise ValueError(f'address "{text}", expected bit 0 to 15 of a register')
    return Address(table, start, None if bit is None else int(bit))


def wanted_of(points: Sequence[Point]) -> list[Wanted]:
    """Return what points want, by their places.

    Raises
    ------
    ValueError
        An address or a data type cannot be read.
    """
    found = []
    for place, point in enumerate(points):
        address = address_of(point.address)
        if not address.is_bit and point.data_type not in WIDTH:
            raise ValueError(f"data_type {point.data_type} cannot be read yet, expected one of {', '.join(WIDTH)}")
        one = Wanted(place, address, 1 if address.is_bit else WIDTH[point.data_type])
        if one.end > 0x10000:
            raise ValueError(f'address "{point.address}" is too high for {point.data_type}, expected an end at 65535')
        found.append(one)
    return found


def plan(wanted: Sequence[Wanted], gap: int = GAP) -> list[Block]:
    """Return the blocks that cover all that is wanted: neighbours together, small gaps bridged, none too long."""
    blocks: list[Block] = []
    for table in TABLES:
        here = sorted((one for one in wanted if one.address.table == table), key=lambda one: one.address.start)
        most = MOST_BITS if table in ("coil", "discrete") else MOST_REGISTERS
        group: list[Wanted] = []
        end = 0
        for one in here:
            if group and (one.address.start - end > gap or max(one.end, end) - group[0].address.start > most):
                blocks.append(_block(group))
                group, end = [], 0
            group.append(one)
            end = max(end, one.end)
        if group:
            blocks.append(_block(group))
    return blocks


def smaller(block: Block) -> list[Block]:
    """Return blocks to ask instead of one that a device refuses: around its gaps, else in halves; none if alone."""
    parts = plan(block.wanted, gap=0)
    if len(parts) > 1 or len(block.wanted) == 1:
        return parts if len(parts) > 1 else []
    half = len(block.wanted) // 2
    return [_block(block.wanted[:half]), _block(block.wanted[half:])]


def _block(group: Sequence[Wanted]) -> Block:
    start = group[0].address.start
    return Block(group[0].address.table, start, max(one.end for one in group) - start, tuple(group))
