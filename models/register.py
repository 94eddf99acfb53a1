"""The registers a utility keeps beside its model: customers, valves, pipes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Customer:
    """One row of ``customers.csv``: who draws at which node, and what was designed for; never what is drawn now."""

    customer_id: str
    name: str
    kind: str
    address: str
    node: str
    contact: str = ""
    required_pressure_m: float | None = None
    design_demand_l_s: float | None = None
    key_account: bool = False
    representative: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class RegisteredValve:
    """One row of ``valves.csv``: the thing a crew digs for. ``end`` says at which end of the link it stands."""

    valve_id: str
    link: str
    end: str
    kind: str = "gate"
    diameter_mm: float | None = None
    installed: date | None = None
    last_operated: date | None = None
    turns: float | None = None
    closes: str = "cw"
    x: float | None = None
    y: float | None = None
    street: str = ""


@dataclass(frozen=True, slots=True)
class PipeAsset:
    """One row of ``pipes.csv``: what lies in the ground beside what the INP says."""

    link: str
    material: str = ""
    nominal_mm: float | None = None
    installed: date | None = None
