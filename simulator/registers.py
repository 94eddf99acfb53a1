"""How a value becomes 16-bit registers on a Modbus wire.

Byte orders of 32-bit values: ``ABCD`` high word first, high byte first; ``CDAB`` low word first; ``BADC`` bytes
swapped within the words; ``DCBA`` both. 64-bit values follow the same pattern word by word, 16-bit ones swap their
bytes in ``BADC`` and ``DCBA``.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Literal

_FORMATS = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_BCD_DIGITS = {"bcd16": 4, "bcd32": 8}

Table = Literal["coil", "discrete", "holding", "input"]
TABLES: tuple[Table, ...] = ("coil", "discrete", "holding", "input")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value lies: a table, the number of its first register or coil, and a bit of that register."""

    table: Table
    number: int
    bit: int | None = None


def parse_address(text: str) -> Address:
    """Return the address written as ``holding/100``, ``coil/3`` or ``holding/20.3``.

    Raises
    ------
    ValueError
        It is none.
    """
    table, _, place = text.partition("/")
    number, dot, bit = place.partition(".")
    for known in TABLES:
        if table == known and number.isdecimal() and int(number) <= 0xFFFF:
            if not dot:
                return Address(known, int(number))
            if known in ("holding", "input") and bit.isdecimal() and int(bit) < 16:
                return Address(known, int(number), int(bit))
    raise ValueError(f"address {text!r}, expected one such as holding/100, input/12, coil/3 or holding/20.3")


def is_integer(data_type: str) -> bool:
    """Tell whether a data type holds whole numbers."""
    return data_type not in ("float32", "float64", "string")


def limits(data_type: str) -> tuple[float, float]:
    """Return the least and the greatest raw value of a data type."""
    if data_type == "bit":
        return 0, 1
    if data_type in _BCD_DIGITS:
        return 0, 10 ** _BCD_DIGITS[data_type] - 1
    if not is_integer(data_type):
        return -math.inf, math.inf
    bits = 8 * struct.calcsize(">" + _FORMATS[data_type])
    return (0, 2**bits - 1) if data_type.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def broken(data_type: str) -> float:
    """Return the raw value that a dead instrument shows: no number, or the end of the range that no gauge reaches."""
    if not is_integer(data_type):
        return math.nan
    low, high = limits(data_type)
    return 0 if data_type == "bit" else (low if low < 0 else high)


def hold(raw: float, data_type: str, wraps: bool = False) -> float:
    """Return ``raw`` as the data type holds it: rounded, and kept within its range or, for a counter, wrapped."""
    if data_type == "float32":
        return float(struct.unpack(">f", struct.pack(">f", raw))[0]) if abs(raw) < 3.4e38 else raw
    if not is_integer(data_type):
        return raw
    low, high = limits(data_type)
    if math.isnan(raw):
        return broken(data_type)
    if wraps:
        return (math.floor(raw) - low) % (high - low + 1) + low
    return min(max(round(raw), low), high)


def encode(held: float, data_type: str, byte_order: str) -> list[int]:
    """Return the registers (first first) of a raw value that the data type can hold (see :func:`hold`)."""
    if data_type in _BCD_DIGITS:
        data = bytes.fromhex(f"{int(held):0{_BCD_DIGITS[data_type]}d}")
    else:
        data = struct.pack(">" + _FORMATS[data_type], int(held) if is_integer(data_type) else held)
    words = [data[place : place + 2] for place in range(0, len(data), 2)]
    if byte_order in ("CDAB", "DCBA"):
        words.reverse()
    order: Literal["little", "big"] = "little" if byte_order in ("BADC", "DCBA") else "big"
    return [int.from_bytes(word, order) for word in words]


def width(data_type: str) -> int:
    """Return how many registers a data type takes."""
    if data_type == "bit":
        return 1
    return _BCD_DIGITS[data_type] // 4 if data_type in _BCD_DIGITS else struct.calcsize(_FORMATS[data_type]) // 2
