"""The lines of a site, begun and ended as its files say; only what has changed begins anew."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from collectors.clock import PlantClock
from collectors.drivers import Drivers
from collectors.health import DeviceHealth, Health
from collectors.intake import Intake
from collectors.line import Line
from models.point import Point
from models.site import Device, Site

GROUP = 20
"""So many devices are asked at the same instant; the next group ``STEP_S`` later, so that none waits for all others."""
STEP_S = 0.02


class Lines:
    """The lines of a site, as its files say now."""

    def __init__(self, intake: Intake, health: Health) -> None:
        self._intake = intake
        self._health = health
        self._clock: PlantClock | None = None
        self._drivers = Drivers()
        self._attended: dict[str, _Attended] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def adopt(self, site: Site, newest: Mapping[str, datetime]) -> list[str]:
        """Attend the site's devices and return those whose lines began anew; ``newest`` is when each was read last."""
        wanted = {
            device.name: _Attended(device, points, place // GROUP * STEP_S)
            for place, device in enumerate(site.devices)
            if (points := points_of(site, device))
        }
        follows = site.clock == "device"
        anew = self._clock is None or self._clock.follows_devices != follows
        await self._drop([name for name, held in self._attended.items() if anew or not held.is_like(wanted.get(name))])
        self._drivers.adopt(site.devices)
        if self._clock is None or anew:
            self._clock = clock_of(site)
        self._clock.follow(device.name for device in site.devices)
        self._health.site = site.name
        begun = [name for name in wanted if name not in self._attended]
        for name in begun:
            self._begin(wanted[name], self._clock, newest.get(name))
        return begun

    async def end(self) -> None:
        """End every line."""
        await self._drop(list(self._attended))

    def check(self) -> None:
        """Raise what a line has ended with: none ends by itself."""
        for task in self._tasks.values():
            if task.done() and not task.cancelled():
                task.result()

    def _begin(self, wanted: _Attended, clock: PlantClock, since: datetime | None) -> None:
        device, points = wanted.device, wanted.points
        health = self._health.devices[device.name] = DeviceHealth(device.name, device.protocol, len(points))
        driver = self._drivers.of(device, points)
        line = Line(device, points, driver, clock, self._intake.put, health, since, wanted.phase_s)
        self._attended[device.name] = wanted
        self._tasks[device.name] = asyncio.create_task(line.attend(), name=device.name)

    async def _drop(self, names: Sequence[str]) -> None:
        """End lines, and wait until they have let go of their devices."""
        tasks = [self._tasks.pop(name) for name in names]
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for name in names:
            del self._attended[name], self._health.devices[name]
        for one in ended:
            if isinstance(one, Exception):
                raise one


@dataclass(frozen=True, slots=True)
class _Attended:
    """What a line attends."""

    device: Device
    points: tuple[Point, ...]
    phase_s: float

    def is_like(self, other: _Attended | None) -> bool:
        """Tell whether a line for this would do for the other: it may stand elsewhere in its file."""
        return other is not None and self._without_lines() == other._without_lines()

    def _without_lines(self) -> tuple[Device, tuple[Point, ...], float]:
        points = tuple(replace(point, line=0) for point in self.points)
        return replace(self.device, line=0), points, self.phase_s


def points_of(site: Site, device: Device) -> tuple[Point, ...]:
    """Return the points that a device answers for."""
    return tuple(point for point in site.points if point.device == device.name)


def clock_of(site: Site) -> PlantClock:
    """Return the clock that a site goes by."""
    return PlantClock(site.clock == "device", [device.name for device in site.devices], lambda: datetime.now(UTC))
