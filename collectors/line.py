"""A line: one device attended by one task, on time, whatever happens to the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from collectors.clock import PlantClock
from collectors.driver import Driver, NoAnswer, Reading
from collectors.qualify import qualify, silent
from collectors.schedule import Backoff, Schedule
from models.point import Point
from models.sample import Sample
from models.site import Device

LOG = logging.getLogger(__name__)
Sink = Callable[[Sequence[Sample]], Awaitable[None]]
SHORTEST_S = 0.005
"""The least wall time between two looks at the schedule, however fast the plant's clock runs."""
UNSURE_S = 0.1
"""The longest sleep while the clock's rate is not known yet."""
LONGEST_S = 1.0
"""The longest sleep before the clock is looked at again, for its rate is only learnt."""


class Line:
    """Attends a device until told to stop."""

    def __init__(self, device: Device, points: Sequence[Point], driver: Driver, clock: PlantClock, sink: Sink) -> None:
        self._device = device
        self._driver = driver
        self._clock = clock
        self._sink = sink
        self._schedule = Schedule.of(points)
        self._backoff = Backoff()
        self._quiet_until = 0.0
        self._well: bool | None = None

    async def attend(self, stop: asyncio.Event) -> None:
        """Poll what is due; while the device is away, a bad sample stands for every reading that was due."""
        loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                await self._look(loop.time())
                try:
                    await asyncio.wait_for(stop.wait(), self._pause(loop.time()))
                except TimeoutError:
                    continue
        finally:
            await self._driver.close()

    async def _look(self, monotonic: float) -> None:
        loop = asyncio.get_running_loop()
        if monotonic >= self._quiet_until and self._clock.wants(monotonic):
            await self._attempt(())
        if not self._clock.knows:
            return
        due = self._schedule.take(self._clock.now(loop.time()))
        if not due:
            return
        readings = await self._attempt(due) if loop.time() >= self._quiet_until else None
        now = self._clock.now(loop.time())
        if readings is None:
            await self._sink([silent(point, now, "device does not answer") for point in due])
            return
        by_name = {reading.point: reading for reading in readings}
        await self._sink([qualify(point, by_name[point.name], now) for point in due])

    async def _attempt(self, due: Sequence[Point]) -> list[Reading] | None:
        """Return readings, or None when the device is silent; then it is left alone for a while."""
        loop = asyncio.get_running_loop()
        try:
            await self._driver.connect()
            readings = await self._driver.read(due) if due else []
            time = await self._driver.clock()
            if time is not None:
                self._clock.hear(loop.time(), time)
        except NoAnswer as error:
            self._quiet_until = loop.time() + self._backoff.failed()
            self._tell(False, str(error))
            return None
        self._backoff.succeeded()
        self._tell(True, "")
        return readings

    def _pause(self, monotonic: float) -> float:
        due = self._schedule.next()
        if due is None or not self._clock.knows:
            return max(SHORTEST_S, min(LONGEST_S, self._quiet_until - monotonic))
        left = (due - self._clock.now(monotonic)).total_seconds() / self._clock.rate()
        return min(LONGEST_S if self._clock.sure else UNSURE_S, max(SHORTEST_S, left))

    def _tell(self, well: bool, why: str) -> None:
        """Log a change of state once."""
        if well != self._well:
            LOG.warning("device %s: %s", self._device.name, "answers" if well else f"does not answer ({why})")
        self._well = well
