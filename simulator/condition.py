"""The condition of the plant at an instant: what all events until then have made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from simulator.events import (
    Blockage,
    Burst,
    Change,
    Close,
    CustomerComplaint,
    DemandChange,
    DeviceOff,
    DeviceOn,
    Event,
    GaugeDead,
    GaugeDrift,
    GaugeFreeze,
    GaugeRestore,
    Open,
    PumpHead,
    Repair,
)


@dataclass(frozen=True, slots=True)
class ChangedDemand:
    """Base demand drawn = ``scale`` · true base demand + ``added_l_s`` [l/s]."""

    scale: float = 1.0
    added_l_s: float = 0.0


@dataclass(frozen=True, slots=True)
class GaugeState:
    """What ails a gauge: drift so far in its point's unit, frozen, dead, or repeating itself with a warning."""

    drift: float = 0.0
    frozen: bool = False
    dead: bool = False
    uncertain: bool = False


@dataclass(slots=True)
class Condition:
    """Everything that differs from the undisturbed truth, by the id of the element, point or device."""

    minor_loss: dict[str, float] = field(default_factory=dict)
    """Minor loss coefficient added to a link's own."""
    is_open: dict[str, bool] = field(default_factory=dict)
    laid: dict[str, Repair] = field(default_factory=dict)
    """What a repair has laid instead of the old pipe."""
    emitter: dict[str, float] = field(default_factory=dict)
    """[l/s per sqrt(m)]."""
    demand: dict[str, ChangedDemand] = field(default_factory=dict)
    pump_head: dict[str, float] = field(default_factory=dict)
    gauges: dict[str, GaugeState] = field(default_factory=dict)
    devices_off: set[str] = field(default_factory=set)


def condition_at(events: Iterable[Event], time: datetime) -> Condition:
    """Return the condition at ``time``.

    Events are taken in the order of their times; a later one on the same element replaces an earlier one. One that has
    ended leaves what was there before it.
    """
    condition = Condition()
    for event in sorted(events, key=lambda event: event.at):
        if event.at <= time and (event.until is None or time < event.until):
            hours = (time - event.at).total_seconds() / 3600.0
            share = 1.0 if hours >= event.ramp_h else hours / event.ramp_h
            _apply(condition, event.change, hours, share)
    return condition


def _apply(condition: Condition, change: Change, hours: float, share: float) -> None:
    match change:
        case Blockage(link, minor_loss):
            condition.minor_loss[link] = _between(condition.minor_loss.get(link, 0.0), minor_loss, share)
        case Close(link):
            condition.is_open[link] = False
        case Open(link):
            condition.is_open[link] = True
        case Repair(link):
            condition.minor_loss.pop(link, None)
            condition.is_open.pop(link, None)
            condition.laid[link] = _over(condition.laid.get(link), change)
        case Burst(node, emitter):
            condition.emitter[node] = _between(condition.emitter.get(node, 0.0), emitter, share)
        case PumpHead(link, factor):
            condition.pump_head[link] = _between(condition.pump_head.get(link, 1.0), factor, share)
        case DemandChange(node):
            condition.demand[node] = _demand(condition.demand.get(node, ChangedDemand()), change, share)
        case DeviceOff(device):
            condition.devices_off.add(device)
        case DeviceOn(device):
            condition.devices_off.discard(device)
        case GaugeDrift(point, rate):
            condition.gauges[point] = GaugeState(drift=rate * hours)
        case GaugeFreeze(point):
            condition.gauges[point] = GaugeState(frozen=True)
        case GaugeDead(point, uncertain):
            condition.gauges[point] = GaugeState(dead=not uncertain, uncertain=uncertain)
        case GaugeRestore(point):
            condition.gauges.pop(point, None)
        case CustomerComplaint():
            pass


def _between(before: float, after: float, share: float) -> float:
    return before + share * (after - before)


def _over(before: Repair | None, after: Repair) -> Repair:
    if before is None:
        return after
    return Repair(
        after.link,
        before.diameter_mm if after.diameter_mm is None else after.diameter_mm,
        before.roughness if after.roughness is None else after.roughness,
        before.minor_loss if after.minor_loss is None else after.minor_loss,
    )


def _demand(before: ChangedDemand, change: DemandChange, share: float) -> ChangedDemand:
    if change.demand_l_s is not None:
        return ChangedDemand(before.scale * (1 - share), _between(before.added_l_s, change.demand_l_s, share))
    factor = _between(1.0, change.factor if change.factor is not None else 1.0, share)
    return ChangedDemand(before.scale * factor, before.added_l_s * factor)
