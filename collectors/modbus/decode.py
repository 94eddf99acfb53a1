"""From registers to numbers. Pure; the byte orders are ours, since the library knows word order only."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_FORMATS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f",
    "int64": ">q", "uint64": ">Q", "float64": ">d",
}  # fmt: skip


def decode(registers: Sequence[int], data_type: str, byte_order: str = "ABCD", bit: int = -1) -> float:
    """Return the number that registers (each 0…65535, in the order of the wire) hold.

    ``ABCD`` is big-endian throughout; ``CDAB`` has its words swapped, ``BADC`` the bytes within each word, ``DCBA``
    both. A value that is no number (a float's NaN, a BCD digit above nine) is NaN.
    """
    if bit >= 0 or data_type == "bit":
        return float(registers[0] >> max(bit, 0) & 1)
    words = [register.to_bytes(2, "big") for register in registers]
    if byte_order in ("CDAB", "DCBA"):
        words.reverse()
    if byte_order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    raw = b"".join(words)
    if data_type in ("bcd16", "bcd32"):
        digits = raw.hex()
        return float(digits) if digits.isdigit() else float("nan")
    return float(struct.unpack(_FORMATS[data_type], raw)[0])
