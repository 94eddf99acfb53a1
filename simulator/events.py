"""What can happen at the plant: one frozen type a kind of event, and how a table of a file becomes one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from typing import Any, get_type_hints

from models.problem import Problem


@dataclass(frozen=True, slots=True)
class DemandChange:
    """The customers of a node draw another base demand: ``demand_l_s`` [l/s] in full, or ``factor`` times as much."""

    node: str
    demand_l_s: float | None = None
    factor: float | None = None


@dataclass(frozen=True, slots=True)
class Blockage:
    """Something sits in a link and adds a minor loss coefficient to what it has."""

    link: str
    minor_loss: float


@dataclass(frozen=True, slots=True)
class Close:
    """A link is shut."""

    link: str


@dataclass(frozen=True, slots=True)
class Open:
    """A link is opened."""

    link: str


@dataclass(frozen=True, slots=True)
class Burst:
    """Water leaves the ground at a node: coefficient · sqrt(pressure), [l/s] at [m]."""

    node: str
    emitter_l_s_per_sqrt_m: float


@dataclass(frozen=True, slots=True)
class PumpHead:
    """A pump gives ``factor`` times its head."""

    link: str
    factor: float


@dataclass(frozen=True, slots=True)
class GaugeDrift:
    """A gauge drifts by ``rate_per_h``, in its point's unit an hour."""

    point: str
    rate_per_h: float


@dataclass(frozen=True, slots=True)
class GaugeFreeze:
    """A gauge repeats its last reading."""

    point: str


@dataclass(frozen=True, slots=True)
class GaugeDead:
    """A gauge gives nothing; an ``uncertain`` one repeats its last reading and says that it is not to be trusted."""

    point: str
    uncertain: bool = False


@dataclass(frozen=True, slots=True)
class GaugeRestore:
    """A gauge is replaced by one that works; its datum error stays."""

    point: str


@dataclass(frozen=True, slots=True)
class DeviceOff:
    """A device goes away with all its points."""

    device: str


@dataclass(frozen=True, slots=True)
class DeviceOn:
    """A device comes back."""

    device: str


@dataclass(frozen=True, slots=True)
class Repair:
    """A crew mends a link: any blockage or closure is gone, and what is given here replaces what lay there."""

    link: str
    diameter_mm: float | None = None
    roughness: float | None = None
    minor_loss: float | None = None


@dataclass(frozen=True, slots=True)
class CustomerComplaint:
    """A customer rings the hotline."""

    customer: str
    words: str


Change = (
    DemandChange
    | Blockage
    | Close
    | Open
    | Burst
    | PumpHead
    | GaugeDrift
    | GaugeFreeze
    | GaugeDead
    | GaugeRestore
    | DeviceOff
    | DeviceOn
    | Repair
    | CustomerComplaint
)

KINDS: dict[str, type[Change]] = {
    "demand": DemandChange,
    "blockage": Blockage,
    "close": Close,
    "open": Open,
    "burst": Burst,
    "pump_head": PumpHead,
    "gauge_drift": GaugeDrift,
    "gauge_freeze": GaugeFreeze,
    "gauge_dead": GaugeDead,
    "gauge_restore": GaugeRestore,
    "device_off": DeviceOff,
    "device_on": DeviceOn,
    "repair": Repair,
    "complaint": CustomerComplaint,
}
"""The word of each kind in episode files and at the control port."""

RAMPED = (DemandChange, Blockage, Burst, PumpHead)
"""Kinds that may come on gradually."""

_POSITIVE = {"diameter_mm", "roughness"}
_SIGNED = {"rate_per_h"}


@dataclass(frozen=True, slots=True)
class Event:
    """A change at an instant, in force until another (``None``: for good), coming on over ``ramp_h`` hours."""

    at: datetime
    change: Change
    until: datetime | None = None
    ramp_h: float = 0.0


def read_time(value: object) -> datetime:
    """Return an aware UTC time from a TOML date-time or an ISO 8601 text.

    Raises
    ------
    ValueError
        It is no time, or has no offset.
    """
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r}, expected a time such as 2026-07-11T07:00:00+08:00")
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} is naive, expected an offset such as +08:00")
    return value.astimezone(UTC)


def read_event(
    table: Mapping[str, Any], now: datetime | None = None, file: str = "", line: int = 0
) -> tuple[Event | None, list[Problem]]:
    """Return the event of one table, or the problems that keep it from being one.

    ``now`` is when an event without ``at`` happens (the control port); in a file ``at`` must be given.
    """
    problems: list[Problem] = []
    rest = dict(table)
    word = rest.pop("kind", None)
    kind = KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        return None, [Problem(f"event kind {word!r}, expected one of {', '.join(KINDS)}", file, line)]
    times: dict[str, datetime] = {} if now is None else {"at": now}
    for key in ("at", "until"):
        if key in rest:
            try:
                times[key] = read_time(rest.pop(key))
            except ValueError as error:
                problems.append(Problem(f"event {word}: {key} {error}", file, line))
    if "at" not in times and not problems:
        problems.append(Problem(f"event {word}: no time `at` given", file, line))
    if "until" in times and "at" in times and times["until"] <= times["at"]:
        problems.append(Problem(f"event {word}: until is not after at", file, line))
    ramp_h, faults = _ramp(kind, rest)
    values, more = _values(kind, rest)
    problems += [Problem(f"event {word}: {text}", file, line) for text in faults + more]
    if problems:
        return None, problems
    return Event(times["at"], kind(**values), times.get("until"), ramp_h), []


def _ramp(kind: type[Change], rest: dict[str, Any]) -> tuple[float, list[str]]:
    if "ramp_h" not in rest:
        return 0.0, []
    value = rest.pop("ramp_h")
    if kind not in RAMPED:
        return 0.0, ["ramp_h is given, but this kind happens at once"]
    if not _is_number(value) or value < 0:
        return 0.0, [f"ramp_h {value!r}, expected hours ≥ 0"]
    return float(value), []


def _values(kind: type[Change], rest: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    faults = [f"unknown key {key}, expected {', '.join(known)}" for key in rest if key not in known]
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name not in rest:
            if field.default is MISSING:
                faults.append(f"no {name} given")
            continue
        fault = _fault(name, hints[name], rest[name])
        if fault:
            faults.append(fault)
        else:
            values[name] = rest[name] if hints[name] in (str, bool) else float(rest[name])
    if kind is DemandChange and not faults and len({"demand_l_s", "factor"} & values.keys()) != 1:
        faults.append("expected either demand_l_s or factor")
    return values, faults


def _fault(name: str, hint: object, value: object) -> str:
    if hint is str:
        return "" if isinstance(value, str) and value else f"{name} {value!r}, expected a text"
    if hint is bool:
        return "" if isinstance(value, bool) else f"{name} {value!r}, expected true or false"
    if not isinstance(value, int | float) or not _is_number(value):
        return f"{name} {value!r}, expected a number"
    if name in _POSITIVE and value <= 0:
        return f"{name} {value:g}, must be > 0"
    if name not in _SIGNED and value < 0:
        return f"{name} {value:g}, must be ≥ 0"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
