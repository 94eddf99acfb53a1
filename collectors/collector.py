"""The collector of a site: every device on a line of its own, into the spool, and on to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from collectors.clock import PlantClock
from collectors.driver import Driver, NoAnswer
from collectors.forwarder import forward
from collectors.line import Line
from collectors.qualify import qualify, silent
from models.point import Point
from models.sample import Sample
from models.site import Device, Site
from stores.spool import Spool
from stores.telemetry import open_telemetry


def driver_of(device: Device) -> Driver:
    """Return the driver of a device's protocol."""
    if device.protocol == "opcua":
        from collectors.opcua.driver import OpcUaDriver

        return OpcUaDriver(device)
    from collectors.modbus.driver import ModbusDriver

    return ModbusDriver(device)


async def run(site: Site, stop: asyncio.Event) -> None:
    """Collect until told to stop; what was acknowledged is in the store or in the spool when this returns.

    Raises
    ------
    Unavailable
        Spool or store cannot be opened.
    """
    spool = await asyncio.to_thread(Spool, site.stores.spool_file)
    store = await asyncio.to_thread(open_telemetry, site.stores)
    clock = _clock(site)

    async def sink(samples: Sequence[Sample]) -> None:
        await asyncio.to_thread(spool.append, samples)

    polled = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            forwarding = tasks.create_task(forward(spool, store, polled))
            async with asyncio.TaskGroup() as lines:
                for device in site.devices:
                    points = _points_of(site, device)
                    if points:
                        line = Line(device, points, driver_of(device), clock, sink)
                        lines.create_task(line.attend(stop), name=device.name)
            polled.set()
            await forwarding
    finally:
        spool.close()
        store.close()


async def read_once(site: Site) -> list[Sample]:
    """Return one sample of every point, asked now; a silent device's points are bad and say so."""
    clock = _clock(site)
    parts = await asyncio.gather(*(_read(device, _points_of(site, device), clock) for device in site.devices))
    return [sample for part in parts for sample in part]


async def _read(device: Device, points: tuple[Point, ...], clock: PlantClock) -> list[Sample]:
    if not points:
        return []
    driver = driver_of(device)
    loop = asyncio.get_running_loop()
    try:
        await driver.connect()
        readings = await driver.read(points)
        time = await driver.clock()
    except NoAnswer as error:
        return [silent(point, datetime.now(UTC), f"{device.name} does not answer ({error})") for point in points]
    finally:
        await driver.close()
    if time is not None:
        clock.hear(loop.time(), time)
    now = clock.now(loop.time()) if clock.knows else datetime.now(UTC)
    return [qualify(point, reading, now) for point, reading in zip(points, readings, strict=True)]


def _points_of(site: Site, device: Device) -> tuple[Point, ...]:
    return tuple(point for point in site.points if point.device == device.name)


def _clock(site: Site) -> PlantClock:
    monotonic = asyncio.get_running_loop().time()
    return PlantClock(site.clock == "device", datetime.now(UTC), monotonic)
