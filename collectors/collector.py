"""The collector of a site: every device on a line of its own, into the spool, and on to the store."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from collectors.clock import PlantClock
from collectors.driver import Answer, NoAnswer
from collectors.drivers import check_devices, driver_of
from collectors.forwarder import Forwarder
from collectors.intake import Intake
from collectors.line import SILENT, Line
from collectors.qualify import qualify, silent, stamp
from models.point import Point
from models.problem import BadInput
from models.sample import Sample
from models.site import Device, Site
from stores.spool import Spool
from stores.telemetry import open_telemetry

LOUD = ("asyncua", "pymodbus")
"""Libraries that log every failed try; a line says once that its device is away, and once that it is back."""


async def run(site: Site, stop: asyncio.Event) -> None:
    """Collect until told to stop; what was acknowledged is in the store or in the spool when this returns.

    Raises
    ------
    BadInput
        The site's points or devices cannot be read: every problem at once.
    Unavailable
        Spool or embedded store cannot be opened, or the last samples could not be kept.
    """
    problems = await asyncio.to_thread(check_devices, site)
    if problems:
        raise BadInput(problems)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    spool = await asyncio.to_thread(Spool, site.stores.spool_file)
    try:
        store = await asyncio.to_thread(open_telemetry, site.stores)
        try:
            forwarder = Forwarder(spool, store)
            await _collect(site, stop, Intake(spool, forwarder.wake), forwarder)
        finally:
            await asyncio.to_thread(store.close)
    finally:
        await asyncio.to_thread(spool.close)


async def _collect(site: Site, stop: asyncio.Event, intake: Intake, forwarder: Forwarder) -> None:
    clock = _clock(site)
    lines = [
        asyncio.create_task(Line(device, points, driver_of(device), clock, intake.put).attend(), name=device.name)
        for device in site.devices
        if (points := _points_of(site, device))
    ]
    keeping, forwarding = asyncio.create_task(intake.run()), asyncio.create_task(forwarder.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        # None of them but the last ends by itself.
        await asyncio.wait((*lines, keeping, forwarding, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*lines, stopping):
            task.cancel()
        ended = await asyncio.gather(*lines, stopping, return_exceptions=True)
        intake.end()
        ended += await asyncio.gather(keeping, return_exceptions=True)
        forwarder.end()
        ended += await asyncio.gather(forwarding, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):
            raise one


async def read_once(site: Site) -> list[Sample]:
    """Return one sample of every point, asked now; a silent device's points are bad and say so.

    Raises
    ------
    BadInput
        The site's points or devices cannot be read: every problem at once.
    """
    problems = await asyncio.to_thread(check_devices, site)
    if problems:
        raise BadInput(problems)
    clock = _clock(site)
    asked = [(device, points) for device in site.devices if (points := _points_of(site, device))]
    answers = await asyncio.gather(*(_ask(device, points, clock) for device, points in asked))
    samples: list[Sample] = []
    for (device, points), answer in zip(asked, answers, strict=True):
        # Where no device tells the plant's time, there is no better time than the wall's.
        now = clock.now(device.name, asyncio.get_running_loop().time()) or datetime.now(UTC)
        if isinstance(answer, str):
            samples += [silent(point, now, f"{SILENT} ({answer})") for point in points]
            continue
        now = clock.believed(answer.clock) or now
        for point, reading in zip(points, answer.readings, strict=True):
            samples.append(qualify(point, reading, stamp(reading, now, None)))
    return samples


async def _ask(device: Device, points: tuple[Point, ...], clock: PlantClock) -> Answer | str:
    """Return what a device says, or why it says nothing."""
    driver = driver_of(device)
    try:
        await driver.connect()
        answer = await driver.read(points)
    except NoAnswer as error:
        return str(error)
    finally:
        await driver.close()
    believed = clock.believed(answer.clock)
    if believed is not None:
        clock.hear(device.name, asyncio.get_running_loop().time(), believed)
    return answer


def _points_of(site: Site, device: Device) -> tuple[Point, ...]:
    return tuple(point for point in site.points if point.device == device.name)


def _clock(site: Site) -> PlantClock:
    return PlantClock(site.clock == "device", [device.name for device in site.devices], lambda: datetime.now(UTC))
