"""A line: one device attended by one task, on time, whatever happens to the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from collectors.clock import PlantClock
from collectors.driver import Answer, Driver, NoAnswer
from collectors.qualify import qualify, silent, stamp
from collectors.schedule import Backoff, Schedule
from models.point import Point
from models.sample import Sample
from models.site import Device

LOG = logging.getLogger(__name__)
SHORTEST_S = 0.005
"""The least wall time between two looks at the schedule, however fast the plant's clock runs."""
LONGEST_S = 1.0
"""The longest sleep before the clock is looked at again: it may be set, and its rate is only learnt."""
SILENT = "device does not answer"


class Line:
    """Attends a device until it is cancelled. ``sink`` takes samples at once.

    While the device is away it is tried again beside the schedule, so that a bad sample stands for every reading that
    was due. When contact is lost every point is bad from that moment; when it is back every point is read at once.
    """

    def __init__(
        self,
        device: Device,
        points: Sequence[Point],
        driver: Driver,
        clock: PlantClock,
        sink: Callable[[Sequence[Sample]], None],
    ) -> None:
        self._device = device
        self._points = tuple(points)
        self._driver = driver
        self._clock = clock
        self._sink = sink
        self._schedule = Schedule.of(points)
        self._backoff = Backoff()
        self._trial: asyncio.Task[Answer | None] | None = None
        self._try_at = 0.0
        self._state = ""
        self._silence = SILENT
        self._tells_time = False
        self._clock_believed = True
        self._told: dict[str, datetime] = {}

    async def attend(self) -> None:
        """Poll what is due, on and on."""
        try:
            while True:
                if self._state == "answers":
                    await self._poll()
                else:
                    self._bridge()
                await self._pause()
        finally:
            if self._trial is not None:
                self._trial.cancel()
                await asyncio.gather(self._trial, return_exceptions=True)
            await self._driver.close()

    async def _poll(self) -> None:
        now = self._now()
        due = () if now is None else self._schedule.take(now)
        if not due and self._clock_due() > 0.0:
            return
        answer = await self._ask(due)
        now = self._now()
        if answer is not None:
            self._keep(due, answer)
            if self._clock.follows_devices and self._tells_time and answer.clock is not None:
                self._schedule.put_back(answer.clock)
        elif now is not None:
            self._lament(self._schedule.take_all(now), now)

    def _bridge(self) -> None:
        """Go on while the device is away: try it again, and say of what is due that it could not be read."""
        now, answer = self._now(), None
        if self._trial is not None and self._trial.done():
            answer, self._trial = self._trial.result(), None
        elif self._trial is None and asyncio.get_running_loop().time() >= self._try_at:
            self._trial = asyncio.create_task(self._ask(self._points))
        if answer is not None:
            self._keep(self._points, answer)
            if now is not None:
                self._schedule.take_all(now)
        elif now is not None and self._state:
            self._lament(self._schedule.take(now), now)

    async def _ask(self, points: Sequence[Point]) -> Answer | None:
        """Return what the device says, or None when it is silent; then it is left alone for a while."""
        loop = asyncio.get_running_loop()
        try:
            await self._driver.connect()
            answer = await self._driver.read(points)
            if len(answer.readings) != len(points):
                raise NoAnswer(f"{len(answer.readings)} values for {len(points)} points")
        except NoAnswer as error:
            why = str(error)
        except Exception as error:
            # A driver that meets what nobody thought of must not take the other lines with it.
            LOG.exception("device %s: unexpected", self._device.name)
            why = f"unexpected {type(error).__name__}"
        else:
            self._backoff.succeeded()
            self._tell("answers")
            self._hear(answer.clock)
            return answer
        await self._driver.close()
        self._clock.lose(self._device.name)
        self._try_at = loop.time() + self._backoff.failed()
        self._silence = f"{SILENT} ({why})"
        self._tell("does not answer", why)
        return None

    def _hear(self, told: datetime | None) -> None:
        believed = self._clock.believed(told)
        if believed is not None:
            self._clock.hear(self._device.name, asyncio.get_running_loop().time(), believed)
        elif told is not None and self._clock_believed:
            LOG.warning("device %s: its clock shows %s, which is not believed", self._device.name, told.isoformat())
        self._tells_time = believed is not None
        self._clock_believed = believed is not None or told is None

    def _keep(self, points: Sequence[Point], answer: Answer) -> None:
        now = self._clock.believed(answer.clock) or self._now()
        if now is None:
            return
        samples = []
        for point, reading in zip(points, answer.readings, strict=True):
            samples.append(qualify(point, reading, stamp(reading, now, self._told.get(point.name))))
            if reading.time is not None:
                self._told[point.name] = reading.time
        if samples:
            self._sink(samples)

    def _lament(self, points: Sequence[Point], now: datetime) -> None:
        if points:
            self._sink([silent(point, now, self._silence) for point in points])

    async def _pause(self) -> None:
        """Sleep until something may have to be done."""
        now, wait_s = self._now(), LONGEST_S
        if now is not None:
            wait_s = min(wait_s, self._schedule.left_s(now) / self._clock.rate(self._device.name))
        if self._state == "answers":
            await asyncio.sleep(max(SHORTEST_S, min(wait_s, self._clock_due())))
        elif self._trial is not None:
            await asyncio.wait((self._trial,), timeout=max(SHORTEST_S, wait_s))
        else:
            left = self._try_at - asyncio.get_running_loop().time()
            await asyncio.sleep(max(SHORTEST_S, min(wait_s, left)))

    def _clock_due(self) -> float:
        """Return in how many wall seconds the device's clock should be looked at, though nothing else be due."""
        if not self._tells_time:
            return float("inf")
        return self._clock.due_s(self._device.name, asyncio.get_running_loop().time())

    def _now(self) -> datetime | None:
        return self._clock.now(self._device.name, asyncio.get_running_loop().time())

    def _tell(self, state: str, why: str = "") -> None:
        """Log a change of state once."""
        if state != self._state:
            LOG.warning("device %s: %s", self._device.name, f"{state} ({why})" if why else state)
        self._state = state
