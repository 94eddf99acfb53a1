"""Network-sized results as one binary body: what takes 14 MB as text takes less than two as arrays.

``HYA1``, the header's length (uint32), a header in UTF-8 JSON padded with blanks to a multiple of 8, then the arrays;
little-endian throughout. The header says ``{"meta": {...}, "arrays": [{"name", "dtype", "shape", "offset", "unit"}]}``,
offsets counted from where the arrays begin and multiples of 8, so that a browser can look at them without copying.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEDIA_TYPE = "application/vnd.hydro.arrays"
MAGIC = b"HYA1"
_DTYPES = {"uint8", "int8", "uint16", "int32", "uint32", "float32"}


@dataclass(frozen=True, slots=True)
class Named:
    """An array with its name and unit; ``values`` are of a type that a browser has a typed array for."""

    name: str
    values: NDArray[Any]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A body ready to be sent, plain and compressed, with the ETag of its content."""

    etag: str
    plain: bytes
    gzipped: bytes


def pack(meta: Mapping[str, Any], arrays: Sequence[Named], level: int = 6) -> Packed:
    """Return arrays as a body."""
    described, parts, offset = [], [], 0
    for one in arrays:
        dtype = str(one.values.dtype)
        if dtype not in _DTYPES:
            raise ValueError(f"array {one.name}: {dtype}, expected one of {', '.join(sorted(_DTYPES))}")
        data = np.ascontiguousarray(one.values.astype(one.values.dtype.newbyteorder("<"))).tobytes()
        described.append(
            {"name": one.name, "dtype": dtype, "shape": list(one.values.shape), "offset": offset, "unit": one.unit}
        )
        padding = -len(data) % 8
        parts += [data, bytes(padding)]
        offset += len(data) + padding
    header = json.dumps({"meta": dict(meta), "arrays": described}, ensure_ascii=False, allow_nan=False).encode()
    header += b" " * (-(len(MAGIC) + 4 + len(header)) % 8)
    plain = b"".join([MAGIC, len(header).to_bytes(4, "little"), header, *parts])
    etag = '"' + hashlib.sha256(plain).hexdigest()[:32] + '"'
    return Packed(etag, plain, gzip.compress(plain, level, mtime=0))


def unpack(body: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a body says beside its arrays, and the arrays by name.

    Raises
    ------
    ValueError
        It is no such body.
    """
    if body[:4] != MAGIC:
        raise ValueError(f"begins with {body[:4]!r}, expected {MAGIC!r}")
    length = int.from_bytes(body[4:8], "little")
    header = json.loads(body[8 : 8 + length])
    start = 8 + length
    arrays = {}
    for one in header["arrays"]:
        dtype = np.dtype(one["dtype"]).newbyteorder("<")
        count = int(np.prod(one["shape"]))
        arrays[one["name"]] = np.frombuffer(body, dtype, count, start + one["offset"]).reshape(one["shape"])
    return header["meta"], arrays


def text_array(name: str, words: Sequence[str]) -> Named:
    """Return words as one array of UTF-8 bytes, a line each."""
    return Named(name, np.frombuffer("\n".join(words).encode(), dtype=np.uint8))


def float_array(name: str, values: NDArray[np.float64], unit: str, finest: float) -> Named:
    """Return values as float32, rounded to a power of two not above ``finest`` so that they compress well."""
    step = 2.0 ** np.floor(np.log2(finest))
    return Named(name, (np.round(values / step) * step).astype(np.float32), unit)
