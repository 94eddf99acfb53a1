"""A line: one device attended by one task, on time, whatever happens to the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from collectors.clock import PlantClock
from collectors.driver import Answer, Driver, NoAnswer
from collectors.health import SKEW_TOLD_S, DeviceHealth
from collectors.sampler import Sampler
from collectors.schedule import Backoff, Schedule
from models.point import Point
from models.site import Device
from stores.columns import Columns

LOG = logging.getLogger(__name__)
SHORTEST_S = 0.005
"""The least wall time between two looks at the schedule, however fast the plant's clock runs."""
LONGEST_S = 1.0
"""The longest sleep before the clock is looked at again: it may be set, and its rate is only learnt."""
SET_S = 1.0
"""By how much the wall's clock and the monotonic one may differ between two looks: beyond, the wall's was set."""
SILENT = "device does not answer"


class Line:
    """Attends a device until it is cancelled. ``sink`` takes samples at once.

    While the device is away it is tried again beside the schedule, so that a bad sample stands for every reading that
    was due. When contact is lost every point is bad from that moment; when it is back every point is read at once, and
    what the device remembers of the time between is read beside the schedule. ``since`` is when it was read last before
    this line began; ``phase_s`` by how many wall seconds its polls are behind those of others.
    """

    def __init__(
        self,
        device: Device,
        points: Sequence[Point],
        driver: Driver,
        clock: PlantClock,
        sink: Callable[[Columns], None],
        health: DeviceHealth | None = None,
        since: datetime | None = None,
        phase_s: float = 0.0,
    ) -> None:
        self._device = device
        self._points = tuple(points)
        self._driver = driver
        self._clock = clock
        self._sink = sink
        self._health = health or DeviceHealth(device.name, device.protocol, len(points))
        self._phase_s = phase_s
        self._schedule = Schedule.of(points)
        self._sampler = Sampler(points, self._health)
        self._backoff = Backoff(most_s=driver.longest_rest_s)
        self._trial: asyncio.Task[Answer | None] | None = None
        self._filling: asyncio.Task[None] | None = None
        self._try_at = 0.0
        self._news_at = 0.0
        self._state = ""
        self._silence = SILENT
        self._tells_time = False
        self._clock_believed = True
        self._skew_told = False
        self._answered = since
        self._looked: tuple[float, datetime] | None = None

    async def attend(self) -> None:
        """Poll what is due, on and on."""
        try:
            while True:
                self._heed_the_wall()
                # What a trial has brought is taken in before anything else is asked.
                if self._state == "answers" and self._trial is None:
                    await self._poll()
                else:
                    self._bridge()
                await self._pause()
        finally:
            tasks = [task for task in (self._trial, self._filling) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._driver.close()

    def _heed_the_wall(self) -> None:
        """Have everything due if the computer's clock was set: by what it showed before, nothing may be for long."""
        if self._clock.follows_devices:
            return
        instant, now, before = asyncio.get_running_loop().time(), self._now(), self._looked
        assert now is not None
        self._looked = instant, now
        if before is not None and abs((now - before[1]).total_seconds() - (instant - before[0])) > SET_S:
            self._schedule.due.clear()

    async def _poll(self) -> None:
        now = self._now()
        left_s = 0.0 if now is None else self._schedule.left_s(self._slot(now)) / self._clock.rate(self._device.name)
        due = () if now is None else self._schedule.take(self._slot(now))
        if not due and self._unasked_s() > 0.0:
            return
        answer = await self._ask(due, max(0.0, -left_s) if due else 0.0)
        now = self._now()
        if answer is not None:
            self._keep(due, answer)
            if self._clock.follows_devices and self._tells_time and answer.clock is not None:
                self._schedule.put_back(self._slot(answer.clock))
        elif now is not None:
            self._lament(self._schedule.take_all(self._slot(now)), now)

    def _bridge(self) -> None:
        """Go on while the device is away: try it again, and say of what is due that it could not be read."""
        now, answer = self._now(), None
        if self._trial is not None and self._trial.done():
            answer, self._trial = self._trial.result(), None
        elif self._trial is None and asyncio.get_running_loop().time() >= self._try_at:
            self._trial = asyncio.create_task(self._ask(self._points))
        if answer is not None:
            since = self._answered
            self._keep(self._points, answer)
            if now is not None:
                self._schedule.take_all(self._slot(now))
                self._remember(since, now)
        elif now is not None and self._state:
            self._lament(self._schedule.take(self._slot(now)), now)

    async def _ask(self, points: Sequence[Point], late_s: float = 0.0) -> Answer | None:
        """Return what the device says, or None when it is silent; then it is left alone for a while."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
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
            self._health.took(loop.time() - begun, late_s)
            self._news_at = loop.time() + self._driver.news_s
            self._hear(answer.clock, loop.time() - begun)
            return answer
        await self._driver.close()
        self._clock.lose(self._device.name)
        self._health.failures += 1
        self._try_at = loop.time() + self._backoff.failed()
        self._silence = f"{SILENT} ({why})"
        self._tell("does not answer", why)
        return None

    def _hear(self, told: datetime | None, latency_s: float) -> None:
        believed = self._clock.believed(told)
        if believed is not None:
            self._clock.hear(self._device.name, asyncio.get_running_loop().time(), believed)
        elif told is not None and self._clock_believed:
            LOG.warning("device %s: its clock shows %s, which is not believed", self._device.name, told.isoformat())
        self._tells_time = believed is not None
        self._clock_believed = believed is not None or told is None
        self._health.skew_s = self._clock.skew_s(told, latency_s)
        skew_s = self._health.skew_s
        if skew_s is not None and believed is not None and abs(skew_s) > SKEW_TOLD_S and not self._skew_told:
            LOG.warning("device %s: its clock is %+.1f s off", self._device.name, skew_s)
            self._skew_told = True

    def _keep(self, points: Sequence[Point], answer: Answer) -> None:
        now = self._clock.believed(answer.clock) or self._now()
        if now is None:
            return
        self._answered = now
        if answer.told:
            self._pass_on(self._sampler.told(answer.told, now))
        if points:
            self._pass_on(self._sampler.read(points, answer.readings, now))

    def _pass_on(self, samples: Columns) -> None:
        if len(samples):
            self._sink(samples)

    def _lament(self, points: Sequence[Point], now: datetime) -> None:
        if points:
            self._pass_on(self._sampler.silent(points, now, self._silence))

    def _remember(self, since: datetime | None, now: datetime) -> None:
        """Begin to read what the device remembers of the time without contact, if that is not going on already."""
        if since is not None and since < now and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fill(since, now))

    async def _fill(self, start: datetime, end: datetime) -> None:
        try:
            readings = await self._driver.history(self._points, start, end)
        except NoAnswer as error:
            LOG.warning("device %s: the time since %s could not be read (%s)", self._device.name, start, error)
            return
        except Exception:
            LOG.exception("device %s: unexpected", self._device.name)
            return
        samples = self._sampler.remembered(readings)
        if len(samples):
            LOG.warning("device %s: %d samples of the time since %s are read", self._device.name, len(samples), start)
            self._sink(samples)

    async def _pause(self) -> None:
        """Sleep until something may have to be done."""
        now, wait_s = self._now(), LONGEST_S
        if now is not None:
            wait_s = min(wait_s, self._schedule.left_s(self._slot(now)) / self._clock.rate(self._device.name))
        if self._trial is not None:
            await asyncio.wait((self._trial,), timeout=max(SHORTEST_S, wait_s))
        elif self._state == "answers":
            await asyncio.sleep(max(SHORTEST_S, min(wait_s, self._unasked_s())))
        else:
            left = self._try_at - asyncio.get_running_loop().time()
            await asyncio.sleep(max(SHORTEST_S, min(wait_s, left)))

    def _unasked_s(self) -> float:
        """Return in how many wall seconds the device should be asked though nothing is due: its clock, and for news."""
        now = asyncio.get_running_loop().time()
        clock_s = self._clock.due_s(self._device.name, now) if self._tells_time else float("inf")
        return min(clock_s, self._news_at - now)

    def _now(self) -> datetime | None:
        return self._clock.now(self._device.name, asyncio.get_running_loop().time())

    def _slot(self, now: datetime) -> datetime:
        """Return the time by which this device's schedule goes: behind that of others by its phase."""
        return now - timedelta(seconds=self._phase_s * self._clock.rate(self._device.name)) if self._phase_s else now

    def _tell(self, state: str, why: str = "") -> None:
        """Log a change of state once."""
        if state != self._state:
            LOG.warning("device %s: %s", self._device.name, f"{state} ({why})" if why else state)
            self._health.since = datetime.now(UTC)
        self._state = state
        self._health.state, self._health.why = state, why
