"""From the bytes of a reply to numbers. Pure: the layout is worked out once for a block, its values many times.

``ABCD`` is big-endian throughout; ``CDAB`` has its words swapped, ``BADC`` the bytes within each word, ``DCBA`` both.
So ``DCBA`` is little-endian throughout, and the other two are the same once the bytes of every word are swapped.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models.quantity import STATES

_CODES = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "int64": "q", "uint64": "Q",
    "float64": "d", "bit": "H", "bcd16": "2s", "bcd32": "4s",
}  # fmt: skip
_SWAPPED = ("CDAB", "BADC")
_LITTLE = ("CDAB", "DCBA")


@dataclass(frozen=True, slots=True)
class Field:
    """One value in a reply: which ``place`` it belongs to, its first byte, and how it is written.

    ``bit`` is a bit of its register, or of the reply where the whole of it is bits (``of_bits``); ``length`` [bytes]
    is a text's.
    """

    place: int
    start: int
    data_type: str
    byte_order: str = "ABCD"
    bit: int | None = None
    of_bits: bool = False
    length: int = 0


Convert = Callable[[Any], float]
"""Makes a number of what ``struct`` read."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """Fields of one byte order that do not overlap: read by one call."""

    struct: struct.Struct
    swapped: bool
    places: tuple[int, ...]
    convert: tuple[tuple[int, Convert], ...]


class Layout:
    """Where the values of a reply stand. A value that is no number (a NaN, a BCD digit above nine) is NaN.

    Whole numbers beyond 2⁵³ are rounded to the nearest that a float holds.
    """

    def __init__(self, fields: Iterable[Field]) -> None:
        fields = sorted(fields, key=lambda field: (field.start, field.place))
        bits = [field for field in fields if field.of_bits]
        self._bits = tuple(field.bit or 0 for field in bits)
        self._passes = _passes([field for field in fields if not field.of_bits])
        self.places = (*(place for one in self._passes for place in one.places), *(field.place for field in bits))

    def numbers(self, content: bytes) -> list[float]:
        """Return the numbers of ``places``, in their order. ``content`` is a reply's, as long as was asked for."""
        found: list[float] = []
        swapped = b""
        for one in self._passes:
            if one.swapped and not swapped:
                words = array("H", content)
                words.byteswap()
                swapped = words.tobytes()
            raw = one.struct.unpack_from(swapped if one.swapped else content)
            begin = len(found)
            found += raw
            for position, convert in one.convert:
                found[begin + position] = convert(raw[position])
        found += [float(content[bit >> 3] >> (bit & 7) & 1) for bit in self._bits]
        return found

    def values(self, content: bytes) -> Iterable[tuple[int, float]]:
        """Return every place with its number."""
        return zip(self.places, self.numbers(content), strict=True)


def number_of(text: str) -> float:
    """Return the number that a text means: itself, or the word for a state; NaN if none."""
    plain = text.strip().lower()
    if plain in STATES:
        return STATES[plain]
    try:
        return float(plain)
    except ValueError:
        return math.nan


def _passes(fields: Sequence[Field]) -> list[_Pass]:
    groups: dict[tuple[bool, bool], list[list[Field]]] = {}
    for field in fields:
        layers = groups.setdefault(_reading(field), [])
        for layer in layers:
            if layer[-1].start + _size(layer[-1]) <= field.start:
                layer.append(field)
                break
        else:
            layers.append([field])
    return [_pass(layer, *kind) for kind, layers in groups.items() for layer in layers]


def _pass(fields: Sequence[Field], swapped: bool, little: bool) -> _Pass:
    code, end = "<" if little else ">", 0
    convert: list[tuple[int, Convert]] = []
    for position, field in enumerate(fields):
        code += f"{field.start - end}x" if field.start > end else ""
        code += f"{field.length}s" if field.data_type == "string" else _CODES[field.data_type]
        end = field.start + _size(field)
        one = _conversion(field, little)
        if one is not None:
            convert.append((position, one))
    return _Pass(struct.Struct(code), swapped, tuple(field.place for field in fields), tuple(convert))


def _reading(field: Field) -> tuple[bool, bool]:
    """Return whether the bytes of each word are swapped first, and whether the rest is little-endian."""
    if field.data_type == "string":
        return field.byte_order in ("BADC", "DCBA"), False
    return field.byte_order in _SWAPPED, field.byte_order in _LITTLE


def _size(field: Field) -> int:
    return field.length if field.data_type == "string" else struct.calcsize(">" + _CODES[field.data_type])


def _conversion(field: Field, little: bool) -> Convert | None:
    if field.bit is not None:
        shift = field.bit
        return lambda raw: float(raw >> shift & 1)
    if field.data_type == "bit":
        return lambda raw: float(raw != 0)
    if field.data_type == "string":
        return lambda raw: number_of(_text(raw))
    if field.data_type.startswith("bcd"):
        return (lambda raw: _decimal(raw[::-1])) if little else _decimal
    return None


def _decimal(raw: bytes) -> float:
    digits = raw.hex()
    return float(digits) if digits.isdecimal() else math.nan


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("latin-1")
