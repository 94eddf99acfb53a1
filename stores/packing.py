"""Columns of numbers as bytes: small on disk, quick to read, and spoilt bytes are noticed.

A column that is the same throughout is kept once; of whole numbers the differences are kept; and the bytes of a number
lie apart, first all lowest bytes, then all second ones, because those repeat where whole numbers do not. zlib does the
rest, and its checksum tells when a disk has changed a byte.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stores.columns import Columns

LEVEL = 1
"""Higher ones of zlib take several times as long for a few per cent."""
_HEAD = struct.Struct("<II")
_KINDS = ("<i8", "<f8", "u1")


class Spoilt(ValueError):
    """The bytes are not what was packed."""


def pack(arrays: Sequence[NDArray[np.generic]]) -> bytes:
    """Return arrays of one length, of int64, float64 or uint8, as bytes."""
    return zlib.compress(_raw(arrays), LEVEL)


def unpack(content: bytes) -> tuple[NDArray[np.generic], ...]:
    """Return the arrays; raises :class:`Spoilt`."""
    return _arrays(_inflated(content))


def pack_columns(columns: Columns) -> bytes:
    """Return samples with their names as bytes."""
    names = json.dumps([columns.points, columns.reasons], separators=(",", ":")).encode()
    arrays = (columns.time, columns.point, columns.value, columns.quality, columns.reason)
    return zlib.compress(len(names).to_bytes(4, "little") + names + _raw(arrays), LEVEL)


def unpack_columns(content: bytes) -> Columns:
    """Return the samples; raises :class:`Spoilt`."""
    raw = _inflated(content)
    try:
        end = 4 + int.from_bytes(raw[:4], "little")
        points, reasons = json.loads(raw[4:end])
    except ValueError as error:
        raise Spoilt("no names") from error
    time, point, value, quality, reason = _arrays(raw[end:])
    return Columns(tuple(points), tuple(reasons), point, time, value, quality, reason)  # type: ignore[arg-type]


def _raw(arrays: Sequence[NDArray[np.generic]]) -> bytes:
    count = len(arrays[0])
    parts = [_HEAD.pack(count, len(arrays))]
    for array in arrays:
        # Bit by bit: -0.0 is not 0.0 here, and NaN is NaN.
        bits = array.view(np.int64) if array.dtype.kind == "f" else array
        kept = array[:1] if count and bool((bits == bits[0]).all()) else array
        parts.append(struct.pack("<BI", _KINDS.index(_kind(array)), len(kept)))
        if array.dtype.kind == "i":
            whole = kept.view(np.int64)
            kept = np.concatenate([whole[:1], whole[1:] - whole[:-1]])
        parts.append(kept.view(np.uint8).reshape(len(kept), array.itemsize).T.tobytes())
    return b"".join(parts)


def _kind(array: NDArray[np.generic]) -> str:
    return {"i": "<i8", "f": "<f8", "u": "u1"}[array.dtype.kind]


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except (zlib.error, TypeError) as error:
        raise Spoilt(str(error)) from error


def _arrays(raw: bytes) -> tuple[NDArray[np.generic], ...]:
    try:
        count, many = _HEAD.unpack_from(raw)
        place, found = _HEAD.size, []
        for _ in range(many):
            kind, kept = struct.unpack_from("<BI", raw, place)
            dtype = np.dtype(_KINDS[kind])
            bytes_ = np.frombuffer(raw, np.uint8, kept * dtype.itemsize, place + 5)
            array = np.ascontiguousarray(bytes_.reshape(dtype.itemsize, kept).T).view(dtype).reshape(kept)
            if dtype.kind == "i":
                array = np.cumsum(array)
            found.append(array if kept == count else np.repeat(array, count))
            place += 5 + kept * dtype.itemsize
    except (struct.error, ValueError, IndexError) as error:
        raise Spoilt(str(error)) from error
    return tuple(found)
