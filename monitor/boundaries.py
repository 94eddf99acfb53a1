"""Boundaries: what drives the model must be fresh, or the diagnosis is blind and says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hydro.network import JUNCTION, Network
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from models.site import Site
from monitor.alarms import Condition, blind_condition, device_condition


def drives(point: Point, network: Network) -> bool:
    """Return whether a point sets a boundary: a pump's or valve's state, a tank's level, a source's head or inflow."""
    if point.quantity in (Quantity.STATUS, Quantity.SETTING, Quantity.LEVEL):
        return True
    node = network.node_index.get(point.element)
    at_source = node is not None and network.node_kind[node] != JUNCTION
    return at_source and point.quantity in (Quantity.HEAD, Quantity.FLOW)


@dataclass(frozen=True, slots=True)
class StaleBoundary:
    """An element whose boundary nobody has read well for too long: by which points, and when one was last (UTC)."""

    element: str
    points: tuple[str, ...]
    newest: datetime | None


def stale_boundaries(
    site: Site, network: Network, latest: Mapping[str, Sample], now: datetime
) -> tuple[StaleBoundary, ...]:
    """Return the boundaries that are stale at ``now``.

    ``latest``: the newest good sample of each point. Of several stale points at an element the oldest is told.
    """
    limit = timedelta(seconds=site.monitor.stale_s)
    by_element: dict[str, list[Point]] = defaultdict(list)
    for point in site.points:
        if drives(point, network):
            by_element[point.element].append(point)
    found = []
    for element, points in by_element.items():
        stale = tuple(point.name for point in points if _stale(latest.get(point.name), now, limit))
        if stale:
            newest = min((latest[name].time for name in stale if name in latest), default=None)
            found.append(StaleBoundary(element, stale, newest))
    return tuple(found)


def blind_conditions(site: Site, network: Network, latest: Mapping[str, Sample], now: datetime) -> list[Condition]:
    """Return one condition for every element whose boundary nobody has read well for too long.

    ``latest``: the newest good sample of each point.
    """
    found = []
    for one in stale_boundaries(site, network, latest, now):
        reason = f"no good reading since {one.newest.isoformat()}" if one.newest else "never read well"
        # What has never been read may be on its way: a service that has just begun gives it the same time.
        wait = timedelta(0) if one.newest else timedelta(seconds=site.monitor.stale_s)
        found.append(blind_condition(one.element, reason, list(one.points), wait))
    return found


def device_conditions(site: Site, latest: Mapping[str, Sample], now: datetime) -> list[Condition]:
    """Return one condition for every device none of whose points was read well in its last few periods."""
    found = []
    for device in site.devices:
        points = [point for point in site.points if point.device == device.name]
        seen = [latest[point.name].time for point in points if point.name in latest]
        patience = timedelta(seconds=min(map(_longest_gap, points), default=0.0) + device.timeout_s)
        if points and (not seen or now - max(seen) > patience):
            since = max(seen, default=now)
            reason, wait = ("does not answer", timedelta(0)) if seen else ("has never answered", patience)
            found.append(device_condition(device.name, reason, since, wait))
    return found


def _longest_gap(point: Point) -> float:
    """Return for how long nothing of a point may come while all is well [s]: a steady one is told by its heartbeat."""
    steady = point.deadband is not None or point.deadband_percent is not None
    return max(3.0 * point.period_s, point.heartbeat_s + 2.0 * point.period_s if steady else 0.0)


def good_only(samples: Mapping[str, Sample]) -> dict[str, Sample]:
    """Return the good ones."""
    return {name: sample for name, sample in samples.items() if sample.quality is Quality.GOOD}


def _stale(sample: Sample | None, now: datetime, limit: timedelta) -> bool:
    return sample is None or now - sample.time > limit
