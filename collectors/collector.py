"""The collector of a site: every device on a line of its own, into the spool, and on to the store.

The site's files may change meanwhile: only the lines of devices that changed, or whose points did, begin anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from collectors.ageing import let_age
from collectors.clock import PlantClock
from collectors.driver import Answer, Driver, NoAnswer
from collectors.drivers import Drivers, check_devices
from collectors.dropped_files import DroppedFiles
from collectors.forwarder import Forwarder
from collectors.health import Health
from collectors.intake import Intake
from collectors.line import SILENT
from collectors.lines import Lines, clock_of, points_of
from collectors.readings import NEVER
from collectors.sampler import Sampler
from models.point import Point
from models.problem import BadInput, Unavailable
from models.sample import Quality, Sample
from models.site import Device, Site
from models.site_file import load_site
from stores.columns import CODES
from stores.instant import instant
from stores.spool import Spool, open_spool
from stores.telemetry import TelemetryStore, open_telemetry

LOG = logging.getLogger(__name__)
LOUD = "asyncua"
"""A library that logs every failed try; a line says once that its device is away, and once that it is back."""
LOOK_S = 1.0
"""How often it is looked whether the site's files have changed."""
ASK_S = 2.0
"""How long the store may take at the start to say when each device was read last; then polling begins without."""
WAITING = 100_000
"""Samples of what came last into the spool that are looked at for the same."""
COUNT_EVERY = 10
"""At every so many looks what waits in the spool is counted."""


async def run(site: Site, stop: asyncio.Event, health: Health | None = None) -> None:
    """Collect until told to stop; what was acknowledged is in the store or in the spool when this returns.

    ``health`` is kept up to date meanwhile.

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
    logging.getLogger(LOUD).setLevel(logging.CRITICAL)
    spool = await asyncio.to_thread(open_spool, site.stores)
    try:
        store = await asyncio.to_thread(open_telemetry, site.stores)
        try:
            forwarder = Forwarder(spool, store)
            intake = Intake(spool, forwarder.wake)
            health = health or Health()
            lines = Lines(intake, health)
            await lines.adopt(site, await _newest(store, spool, site))
            beside = [let_age(store, _now(site, store))]
            files = None
            if site.stores.dropped_files is not None:
                files = DroppedFiles(site.stores.dropped_files, site.points, spool, forwarder.wake)
                beside.append(files.run())
            beside.append(_watch(site, lines, files, intake, spool, health))
            await _collect(stop, lines, intake, forwarder, beside)
        finally:
            await asyncio.to_thread(store.close)
    finally:
        await asyncio.to_thread(spool.close)


async def _collect(
    stop: asyncio.Event, lines: Lines, intake: Intake, forwarder: Forwarder, beside: Sequence[Coroutine[Any, Any, None]]
) -> None:
    """Keep and forward what the lines hand in until told to stop; ``beside`` is what else goes on meanwhile."""
    keeping, forwarding = asyncio.create_task(intake.run()), asyncio.create_task(forwarder.run())
    others = [asyncio.create_task(stop.wait()), *(asyncio.create_task(one) for one in beside)]
    ended: list[Any] = []
    try:
        # None of them but the one that waits to be told ends by itself.
        await asyncio.wait((keeping, forwarding, *others), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in others:
            task.cancel()
        ended += await asyncio.gather(*others, lines.end(), return_exceptions=True)
        intake.end()
        ended += await asyncio.gather(keeping, return_exceptions=True)
        forwarder.end()
        ended += await asyncio.gather(forwarding, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):
            raise one


def _now(site: Site, store: TelemetryStore) -> Callable[[], datetime | None]:
    """Return how the site's time is told: by the wall, or by the newest sample of devices that tell their own."""
    return store.newest if site.clock == "device" else lambda: datetime.now(UTC)


async def _watch(
    site: Site, lines: Lines, dropped: DroppedFiles | None, intake: Intake, spool: Spool, health: Health
) -> None:
    """Look now and then: whether every line runs, how much waits, and whether the site's files have changed."""
    seen, looks = _files_of(site.folder), 0
    while True:
        await asyncio.sleep(LOOK_S)
        lines.check()
        health.in_memory = intake.waiting
        if looks % COUNT_EVERY == 0:
            # What is wrong with the spool is said by those who need it.
            with suppress(Unavailable):
                state = await asyncio.to_thread(spool.state)
                health.in_spool, health.spool_share = state.waiting, state.full_share
                health.dropped, health.set_aside = sum(loss.samples for loss in state.losses), state.set_aside
        looks += 1
        files = _files_of(site.folder)
        if files != seen:
            seen = files
            site = await _take_over(site, lines)
            if dropped is not None:
                dropped.adopt(site.points)


async def _take_over(site: Site, lines: Lines) -> Site:
    """Return the site as its files say now, attended so; as it was if they are wrong, and say what is."""
    try:
        changed = await asyncio.to_thread(load_site, site.folder)
        problems = await asyncio.to_thread(check_devices, changed)
        if problems:
            raise BadInput(problems)
    except BadInput as error:
        LOG.warning("the site has changed, but goes on as it was:\n%s", error)
        return site
    if changed.stores != site.stores:
        LOG.warning("the stores of the site have changed: this takes effect at the next start")
    begun = await lines.adopt(changed, {})
    LOG.warning("the site has changed: %s", f"begun anew: {', '.join(begun)}" if begun else "no device begins anew")
    return changed


def _files_of(folder: Path) -> tuple[tuple[int, int], ...]:
    """Return what tells whether a site's files have changed."""
    found = []
    for name in ("site.toml", "points.csv"):
        try:
            state = (folder / name).stat()
        except OSError:
            # Replaced just now, or gone: it will be looked at again, and what is wrong then is said.
            found.append((0, 0))
        else:
            found.append((state.st_mtime_ns, state.st_size))
    return tuple(found)


async def _newest(store: TelemetryStore, spool: Spool, site: Site) -> dict[str, datetime]:
    """Return when each device was read last before this start: as the store says, if it does so soon, and the spool."""
    asked = asyncio.to_thread(store.latest, [point.name for point in site.points])
    try:
        latest = await asyncio.wait_for(asked, ASK_S)
    except (Unavailable, TimeoutError):
        latest = {}
    waiting = await asyncio.to_thread(spool.newest, WAITING)
    good = waiting.take(waiting.quality != CODES[Quality.BAD])
    times = np.full(len(good.points), NEVER, np.int64)
    np.maximum.at(times, good.point, good.time)
    read = {name: instant(time) for name, time in zip(good.points, times.tolist(), strict=True) if time != NEVER}
    found: dict[str, datetime] = {}
    for point in site.points:
        sample = latest.get(point.name)
        known = [sample.time] if sample is not None and sample.quality is not Quality.BAD else []
        known += [read[point.name]] if point.name in read else []
        known += [found[point.device]] if point.device in found else []
        if known:
            found[point.device] = max(known)
    return found


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
    clock, drivers = clock_of(site), Drivers()
    drivers.adopt(site.devices)
    asked = [(device, points) for device in site.devices if (points := points_of(site, device))]
    answers = await asyncio.gather(*(_ask(drivers.of(device, ()), device, points, clock) for device, points in asked))
    samples: list[Sample] = []
    for (device, points), answer in zip(asked, answers, strict=True):
        # Where no device tells the plant's time, there is no better time than the wall's.
        now = clock.now(device.name, asyncio.get_running_loop().time()) or datetime.now(UTC)
        if isinstance(answer, str):
            samples += Sampler(points).silent(points, now, f"{SILENT} ({answer})")
        else:
            samples += Sampler(points).read(points, answer.readings, clock.believed(answer.clock) or now)
    return samples


async def _ask(driver: Driver, device: Device, points: tuple[Point, ...], clock: PlantClock) -> Answer | str:
    """Return what a device says, or why it says nothing."""
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
