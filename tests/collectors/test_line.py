"""A line with a device whose answers are written down: what becomes of its points, and when."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from collectors.clock import PlantClock
from collectors.driver import Answer, NoAnswer, Reading
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
async def attending(driver: Scripted) -> AsyncIterator[list[Sample]]:
    kept: list[Sample] = []
    clock = PlantClock(False, ["rtu"], lambda: datetime.now(UTC))
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
