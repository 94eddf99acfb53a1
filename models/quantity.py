"""Quantities and units: what a point measures, and the factor to the SI value used inside.

Inside, heads and pressures are metres of water, flows m³/s, volumes m³.
"""

from __future__ import annotations

from enum import StrEnum

GRAVITY = 9.80665
"""Standard gravity [m/s²]."""
WATER_DENSITY = 999.1
"""Density of water at 15 °C [kg/m³]."""
_PASCAL_TO_M = 1.0 / (WATER_DENSITY * GRAVITY)


class Quantity(StrEnum):
    """What a point measures; the words of the wire."""

    PRESSURE = "pressure"
    HEAD = "head"
    FLOW = "flow"
    LEVEL = "level"
    DEMAND = "demand"
    VOLUME = "volume"
    STATUS = "status"
    SETTING = "setting"


LENGTH_UNITS = {
    "m": 1.0,
    "kPa": 1e3 * _PASCAL_TO_M,
    "bar": 1e5 * _PASCAL_TO_M,
    "MPa": 1e6 * _PASCAL_TO_M,
    "psi": 6894.757293168 * _PASCAL_TO_M,
}
"""Metres of water per unit, for pressure, head and level."""

FLOW_UNITS = {
    "l/s": 1e-3,
    "m3/h": 1.0 / 3600.0,
    "m3/s": 1.0,
    "Ml/d": 1e3 / 86400.0,
    "gpm": 3.785411784e-3 / 60.0,
}
"""m³/s per unit, for flow and demand."""

VOLUME_UNITS = {"m3": 1.0}
"""m³ per unit, for totalisers."""

UNITS: dict[Quantity, dict[str, float]] = {
    Quantity.PRESSURE: LENGTH_UNITS,
    Quantity.HEAD: {"m": 1.0},
    Quantity.LEVEL: {"m": 1.0},
    Quantity.FLOW: FLOW_UNITS,
    Quantity.DEMAND: FLOW_UNITS,
    Quantity.VOLUME: VOLUME_UNITS,
    Quantity.STATUS: {"": 1.0},
    Quantity.SETTING: {"": 1.0, **LENGTH_UNITS, **FLOW_UNITS},
}
"""SI value of one unit, by quantity."""


STATES = {"open": 1.0, "closed": 0.0}
"""States that are said in words, as numbers."""


def to_si(value: float, quantity: Quantity, unit: str) -> float:
    """Return ``value`` in SI (m of water, m³/s, m³).

    Raises
    ------
    KeyError
        The unit does not belong to the quantity.
    """
    return value * UNITS[quantity][unit]


def from_si(value: float, quantity: Quantity, unit: str) -> float:
    """Return an SI ``value`` in ``unit``; the inverse of :func:`to_si`."""
    return value / UNITS[quantity][unit]
