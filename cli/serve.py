"""``hydro serve``: run a site: collect, compare with the model, diagnose, alarm, send people."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.site import Site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--no-collect", action="store_true", help="leave the devices to hydro collect")
    parser.add_argument("--json", action="store_true", help="say so as JSON when it runs")


def run(args: argparse.Namespace) -> int:
    """Run until told to stop: 0 when asked to (SIGTERM), 130 when interrupted."""
    from models.site_file import load_site

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for noisy in ("asyncua", "pymodbus", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    site = load_site(args.site)
    return asyncio.run(_serve(site, collect=not args.no_collect, as_json=args.json))


async def _serve(site: Site, collect: bool, as_json: bool) -> int:
    from cli.watch import Watch

    stop = asyncio.Event()
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    watch = await asyncio.to_thread(Watch, site)
    try:
        async with asyncio.TaskGroup() as tasks:
            if collect:
                from collectors.collector import run as collect_site

                tasks.create_task(collect_site(site, stop))
            tasks.create_task(_repeat(watch.cycle, site, stop))
            tasks.create_task(_repeat(watch.examine, site, stop))
            _announce(site, as_json)
    finally:
        await asyncio.to_thread(watch.close)
    return 130 if interrupted.is_set() else 0


async def _repeat(work: Callable[[datetime], None], site: Site, stop: asyncio.Event) -> None:
    """Call ``work`` once every monitor interval of the site's own time until told to stop."""
    from stores.telemetry import open_telemetry

    interval = timedelta(seconds=site.monitor.interval_s)
    clock = await asyncio.to_thread(open_telemetry, site.stores)
    done: datetime | None = None
    try:
        while not stop.is_set():
            now = datetime.now(UTC) if site.clock == "wall" else await asyncio.to_thread(clock.newest)
            if now is not None and (done is None or now - done >= interval):
                await asyncio.to_thread(work, now)
                done = now
            try:
                await asyncio.wait_for(stop.wait(), 0.05 if site.clock == "device" else 1.0)
            except TimeoutError:
                continue
    finally:
        clock.close()


def _announce(site: Site, as_json: bool) -> None:
    said = json.dumps({"ready": True, "site": site.name}) if as_json else f"{site.name}: running"
    sys.stdout.write(said + "\n")
    sys.stdout.flush()
