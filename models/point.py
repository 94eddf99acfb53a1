"""A point: a configured signal, the network element it measures and how its raw value becomes a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.quantity import Quantity

DATA_TYPES = (
    "bit", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bcd16", "bcd32", "string",
)  # fmt: skip
BYTE_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
"""Order of the bytes of a 32-bit value on the wire; 64-bit values follow the same pattern word by word."""


@dataclass(frozen=True, slots=True)
class Point:
    """One row of ``points.csv``.

    ``address`` is ``holding/100``, ``input/12``, ``coil/3``, ``discrete/0``, ``holding/20.3`` (bit 3) or
    ``holding/40:4`` (a text in four registers) for Modbus (zero-based, as on the wire) and a NodeId
    (``ns=2;s=PS1.Flow``) for OPC UA. A point without ``device`` and ``address`` is asked for nowhere: its samples come
    in files.
    Engineering value = raw · ``scale`` + ``offset``, in ``unit``; it is held against ``valid_min`` and ``valid_max``
    and then kept within ``clamp_min`` and ``clamp_max``.
    A value is stored when it has left the deadband (``deadband`` in ``unit``, ``deadband_percent`` of the valid range)
    around what was stored last, when its quality changes, and at the latest after ``heartbeat_s``.
    """

    name: str
    element: str
    quantity: Quantity
    unit: str
    device: str
    address: str
    data_type: str = "float32"
    byte_order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    period_s: float = 60.0
    valid_min: float | None = None
    valid_max: float | None = None
    gauge_elevation_m: float | None = None
    clamp_min: float | None = None
    clamp_max: float | None = None
    deadband: float | None = None
    deadband_percent: float | None = None
    heartbeat_s: float = 600.0
    low_limit: float | None = None
    high_limit: float | None = None
    limit_delay_s: float = 0.0
    limit_deadband: float = 0.0
    reverse: bool = False
    absolute: bool = False
    rollover: float | None = None
    reading: Literal["poll", "subscribe", ""] = ""
    """How an OPC UA server tells it; as its device's where it is empty."""
    line: int = 0
    """Line of ``points.csv``, for messages."""
