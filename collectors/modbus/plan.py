"""Planning of block reads: few requests, each within what the protocol and the device allow. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.point import Point

WIDTH = {
    "bit": 1, "int16": 1, "uint16": 1, "bcd16": 1, "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2,
    "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
"""Registers (or coils) that a value takes."""
MOST_REGISTERS, MOST_BITS = 125, 2000
GAP = 8
"""Registers nobody wants that are read along rather than asked around."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value stands: ``table`` is coil, discrete, holding or input; ``bit`` of a register, -1 for all of it."""

    table: str
    start: int
    bit: int = -1


@dataclass(frozen=True, slots=True)
class Block:
    """One request: ``count`` registers (or bits) of a table from ``start``, and the points in it."""

    table: str
    start: int
    count: int
    points: tuple[tuple[Point, Address], ...]


def address_of(text: str) -> Address:
    """Return the address that ``holding/100``, ``input/20.3`` or ``coil/7`` means.

    Raises
    ------
    ValueError
        It means none.
    """
    table, _, place = text.partition("/")
    number, _, bit = place.partition(".")
    if table not in ("coil", "discrete", "holding", "input"):
        raise ValueError(f'address "{text}", expected coil/…, discrete/…, holding/… or input/…')
    return Address(table, int(number), int(bit) if bit else -1)


def plan(points: Sequence[Point], gap: int = GAP) -> list[Block]:
    """Return the blocks that cover all points: neighbours together, small gaps bridged, none too long."""
    tables: dict[str, list[tuple[int, int, Point, Address]]] = defaultdict(list)
    for point in points:
        address = address_of(point.address)
        width = 1 if address.table in ("coil", "discrete") or address.bit >= 0 else WIDTH[point.data_type]
        tables[address.table].append((address.start, address.start + width, point, address))
    blocks = []
    for table, wanted in sorted(tables.items()):
        most = MOST_BITS if table in ("coil", "discrete") else MOST_REGISTERS
        wanted.sort(key=lambda one: one[:2])
        start, end, held = wanted[0][0], wanted[0][1], [wanted[0][2:]]
        for first, last, point, address in wanted[1:]:
            if first - end > gap or max(last, end) - start > most:
                blocks.append(Block(table, start, end - start, tuple(held)))
                start, end, held = first, last, []
            end = max(end, last)
            held.append((point, address))
        blocks.append(Block(table, start, end - start, tuple(held)))
    return blocks
