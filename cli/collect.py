"""``hydro collect``: a collector alone, for a box beside the devices."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from models.site import Site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site")


def run(args: argparse.Namespace) -> int:
    """Collect until told to stop: 0 when asked to (SIGTERM), 130 when interrupted."""
    from models.site_file import load_site

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s")
    return asyncio.run(_collect(load_site(args.site)))


async def _collect(site: Site) -> int:
    from collectors.collector import run as collect

    stop, interrupted = asyncio.Event(), asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    await collect(site, stop)
    return 130 if interrupted.is_set() else 0
