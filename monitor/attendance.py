"""Attendance: since when, by the wall's clock, nothing good has come from each device.

A plant's clock may run much faster than the wall's: minutes of its time are over before a device that has just been
switched on has taken its first connection. Nobody is late who had no chance to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from models.sample import Sample
from models.site import Site
from monitor.alarms import Condition

TRIED_AGAIN_S = 5.0
"""The longest that collectors leave a silent device alone before they try it again, in wall seconds."""


class Attendance:
    """The newest good sample of each device, and what the wall's clock showed when it was first seen here [s]."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[datetime | None, float]] = {}

    def awaited(self, site: Site, latest: Mapping[str, Sample], wall_s: float) -> frozenset[str]:
        """Return the devices that had no chance to answer since they were heard last.

        ``latest``: the newest good sample of each point; ``wall_s``: any clock that runs as the wall's does.
        """
        awaited = set()
        for device in site.devices:
            times = [latest[one.name].time for one in site.points if one.device == device.name and one.name in latest]
            newest = max(times, default=None)
            if device.name not in self._heard or self._heard[device.name][0] != newest:
                self._heard[device.name] = (newest, wall_s)
            if wall_s - self._heard[device.name][1] <= TRIED_AGAIN_S + device.timeout_s:
                awaited.add(device.name)
        return frozenset(awaited)


def too_early(site: Site, awaited: frozenset[str], heard: Iterable[str], found: Iterable[Condition]) -> set[str]:
    """Return the keys of conditions that only say that a device, still ``awaited``, has not answered yet.

    ``heard``: the points that were read well. A boundary counts where nothing of its devices was ever heard: a device
    that answers and does not know its tank's level had its chance.
    """
    devices = {point.name: point.device for point in site.points}
    unheard = awaited - {devices[name] for name in heard if name in devices}
    early = set()
    for one in found:
        points = one.details.get("points")
        asked = {devices[str(name)] for name in points} if isinstance(points, list) else set()
        if (one.source in awaited and one.code == "silent") or (asked and asked <= unheard):
            early.add(one.key)
    return early
