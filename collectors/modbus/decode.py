"""From registers to numbers. Pure; the byte orders are ours, since the library knows word order only."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

_FORMATS = {
    "int16": struct.Struct(">h"), "uint16": struct.Struct(">H"), "int32": struct.Struct(">i"),
    "uint32": struct.Struct(">I"), "float32": struct.Struct(">f"), "int64": struct.Struct(">q"),
    "uint64": struct.Struct(">Q"), "float64": struct.Struct(">d"),
}  # fmt: skip


def decode(registers: Sequence[int], data_type: str, byte_order: str = "ABCD") -> float:
    """Return the number that registers (each 0…65535, in the order of the wire) hold.

    ``ABCD`` is big-endian throughout; ``CDAB`` has its words swapped, ``BADC`` the bytes within each word, ``DCBA``
    both. A value that is no number (a float's NaN, a BCD digit above nine) is NaN. Whole numbers beyond 2⁵³ are
    rounded to the nearest that a float holds.
    """
    if data_type == "bit":
        return float(registers[0] != 0)
    words = [register.to_bytes(2, "big") for register in registers]
    if byte_order in ("CDAB", "DCBA"):
        words.reverse()
    if byte_order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    raw = b"".join(words)
    if data_type in ("bcd16", "bcd32"):
        digits = raw.hex()
        return float(digits) if digits.isdecimal() else math.nan
    return float(_FORMATS[data_type].unpack(raw)[0])


def bit_of(register: int, bit: int) -> float:
    """Return bit 0 (the lowest) to 15 of a register as 0 or 1."""
    return float(register >> bit & 1)
