"""A line with a device whose answers are written down: what becomes of its points, and when."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from collectors.clock import PlantClock
from collectors.driver import Answer, NoAnswer, Reading
from collectors.health import DeviceHealth
from collectors.line import Line
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from models.site import Device

PATIENCE_S = 20.0
OFTEN, SELDOM = 0.05, 3600.0


@dataclass
class Scripted:
    """A device that answers 1.0 to everything, unless ``trouble`` says otherwise."""

    trouble: Exception | int | None = None
    asked: list[int] = field(default_factory=list)
    closed: int = 0
    told: list[Reading] = field(default_factory=list)
    remembered: list[Reading] = field(default_factory=list)
    longest_rest_s: float = 5.0
    news_s: float = math.inf

    async def connect(self) -> None:
        await asyncio.sleep(0)

    async def read(self, points: Sequence[Point]) -> Answer:
        self.asked.append(len(points))
        if isinstance(self.trouble, Exception):
            raise self.trouble
        count = len(points) if self.trouble is None else self.trouble
        told, self.told = self.told, []
        return Answer(tuple(Reading(point.name, 1.0) for point in points[:count]), told=told)

    async def history(self, points: Sequence[Point], start: datetime, end: datetime) -> Sequence[Reading]:
        return [one for one in self.remembered if one.time is not None and start < one.time < end]

    async def close(self) -> None:
        self.closed += 1


def point(name: str, period_s: float) -> Point:
    return Point(name, "J1", Quantity.PRESSURE, "m", "rtu", "holding/0", period_s=period_s)


POINTS = (point("often", OFTEN), point("seldom", SELDOM))


@asynccontextmanager
async def attending(driver: Scripted, ahead: Sequence[timedelta] = (timedelta(0),)) -> AsyncIterator[list[Sample]]:
    """Attend a device; the wall's clock is ahead by the last of ``ahead``."""
    kept: list[Sample] = []
    clock = PlantClock(False, ["rtu"], lambda: datetime.now(UTC) + ahead[-1])
    task = asyncio.create_task(Line(Device("rtu", "modbus-tcp"), POINTS, driver, clock, kept.extend).attend())
    try:
        yield kept
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert driver.closed


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not met():
            await asyncio.sleep(0.005)


def of(kept: list[Sample], point: str, quality: Quality) -> list[Sample]:
    return [sample for sample in kept if (sample.point, sample.quality) == (point, quality)]


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (NoAnswer("timeout"), "timeout"),
        (ZeroDivisionError("a driver's own mistake"), "unexpected ZeroDivisionError"),
        (0, "0 values for 1 points"),
    ],
    ids=["silence", "mistake", "too few"],
)
async def test_contact_that_is_lost_makes_every_point_bad_at_once_and_every_point_is_read_when_it_is_back(
    trouble: Exception | int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    driver = Scripted()
    async with attending(driver) as kept:
        await until(lambda: len(of(kept, "often", Quality.GOOD)) > 3)
        assert len(of(kept, "seldom", Quality.GOOD)) == 1
        driver.trouble = trouble
        await until(lambda: len(of(kept, "often", Quality.BAD)) > 10)
        assert len(of(kept, "seldom", Quality.BAD)) == 1
        driver.trouble = None
        await until(lambda: len(of(kept, "seldom", Quality.GOOD)) == 2)
        await until(lambda: kept[-1].quality is Quality.GOOD)
    reasons = {sample.reason for sample in of(kept, "often", Quality.BAD)}
    assert f"device does not answer ({why})" in reasons
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert [one.partition(" (")[0] for one in told] == [
        "device rtu: answers",
        "device rtu: does not answer",
        "device rtu: answers",
    ]


@pytest.mark.parametrize("by", [timedelta(minutes=-30), timedelta(hours=-5), timedelta(hours=2)])
async def test_clock_of_the_computer_that_is_set_keeps_no_point_waiting(by: timedelta) -> None:
    ahead = [timedelta(0)]
    async with attending(Scripted(), ahead) as kept:
        await until(lambda: len(of(kept, "seldom", Quality.GOOD)) == 1)
        ahead.append(by)
        await until(lambda: len(of(kept, "seldom", Quality.GOOD)) == 2)
        count = len(of(kept, "often", Quality.GOOD))
        await until(lambda: len(of(kept, "often", Quality.GOOD)) > count + 3)
        assert len(of(kept, "seldom", Quality.GOOD)) == 2


async def test_device_that_is_away_is_tried_less_and_less_often_beside_its_schedule() -> None:
    driver = Scripted(trouble=NoAnswer("no connection"))
    async with attending(driver) as kept:
        await until(lambda: len(of(kept, "often", Quality.BAD)) > 30)
        tried = len(driver.asked)
    assert tried <= 4
    assert set(driver.asked) == {2}


async def test_probe_that_takes_long_holds_up_no_bad_sample() -> None:
    @dataclass
    class Slow(Scripted):
        async def connect(self) -> None:
            self.asked.append(0)
            if len(self.asked) > 1:
                await asyncio.sleep(PATIENCE_S)
            raise NoAnswer("no connection")

    driver = Slow()
    async with attending(driver) as kept:
        await until(lambda: len(driver.asked) == 2)
        before = len(of(kept, "often", Quality.BAD))
        await until(lambda: len(of(kept, "often", Quality.BAD)) > before + 10)
        assert len(driver.asked) == 2


async def test_what_a_device_tells_between_two_polls_is_kept_and_what_was_read_already_is_not_kept_twice() -> None:
    driver = Scripted(news_s=0.02)
    now = datetime.now(UTC)
    async with attending(driver) as kept:
        await until(lambda: len(of(kept, "seldom", Quality.GOOD)) == 1)
        driver.told = [Reading("seldom", float(number), time=now + timedelta(seconds=number)) for number in range(2, 5)]
        await until(lambda: len(of(kept, "seldom", Quality.GOOD)) == 4)
        driver.told = [Reading("seldom", 4.0, time=now + timedelta(seconds=4))]
        await until(lambda: not driver.told)
        await until(lambda: len(of(kept, "often", Quality.GOOD)) > 20)
    told = of(kept, "seldom", Quality.GOOD)[1:]
    assert [(one.value, one.time) for one in told] == [
        (float(number), now + timedelta(seconds=number)) for number in range(2, 5)
    ]


async def test_what_a_device_remembers_of_an_outage_is_kept_when_it_is_back() -> None:
    driver = Scripted()
    async with attending(driver) as kept:
        await until(lambda: len(of(kept, "often", Quality.GOOD)) > 3)
        driver.trouble = NoAnswer("timeout")
        await until(lambda: len(of(kept, "often", Quality.BAD)) > 3)
        first, last = of(kept, "often", Quality.BAD)[0].time, datetime.now(UTC)
        between = first + (last - first) / 2
        driver.remembered = [
            Reading("seldom", 7.0, time=between),
            Reading("seldom", 8.0, time=between - timedelta(days=1)),
            Reading("seldom", 9.0, time=between + timedelta(days=1)),
        ]
        driver.trouble = None
        await until(lambda: any(one.value == 7.0 for one in kept))
    remembered = [one for one in kept if one.value in (7.0, 8.0, 9.0)]
    assert [(one.point, one.value, one.time) for one in remembered] == [("seldom", 7.0, between)]


async def test_points_with_a_deadband_are_not_kept_while_nothing_changes() -> None:
    driver, kept = Scripted(), list[Sample]()
    points = (replace(POINTS[0], deadband=0.1), replace(POINTS[0], name="all"))
    clock = PlantClock(False, ["rtu"], lambda: datetime.now(UTC))
    health = DeviceHealth("rtu", "modbus-tcp", 2)
    task = asyncio.create_task(Line(Device("rtu", "modbus-tcp"), points, driver, clock, kept.extend, health).attend())
    await until(lambda: len(of(kept, "all", Quality.GOOD)) > 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(of(kept, "often", Quality.GOOD)) == 1
    # What was not worth keeping was read all the same.
    assert health.samples > 20
    assert health.good_share == 1.0


async def test_clock_of_a_device_that_is_off_is_measured_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    @dataclass
    class Ahead(Scripted):
        async def read(self, points: Sequence[Point]) -> Answer:
            answer = await Scripted.read(self, points)
            return Answer(answer.readings, datetime.now(UTC) + timedelta(seconds=90))

    driver, kept = Ahead(), list[Sample]()
    clock = PlantClock(False, ["rtu"], lambda: datetime.now(UTC))
    health = DeviceHealth("rtu", "modbus-tcp", 2)
    task = asyncio.create_task(Line(Device("rtu", "modbus-tcp"), POINTS, driver, clock, kept.extend, health).attend())
    await until(lambda: len(of(kept, "often", Quality.GOOD)) > 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert health.skew_s == pytest.approx(90.0, abs=1.0)
    assert len([one for one in caplog.records if "its clock is +90" in one.getMessage()]) == 1
