"""``hydro collect``: a collector alone, for a box beside the devices."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from collectors.health import Health
from models.problem import BadInput
from models.site import Site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site")
    parser.add_argument(
        "--metrics", metavar="HOST:PORT", help="serve /metrics for Prometheus and a page on the devices there"
    )


def run(args: argparse.Namespace) -> int:
    """Collect until told to stop: 0 when asked to (SIGTERM), 130 when interrupted."""
    from models.site_file import load_site

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s")
    site, health = load_site(args.site), Health()
    with ExitStack() as held:
        if args.metrics:
            from collectors.metrics import serving

            held.enter_context(serving(health, *_place(args.metrics)))
        return asyncio.run(_collect(site, health))


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise BadInput.of(f'metrics "{text}", expected a host and a port such as 127.0.0.1:9109')
    return host or "127.0.0.1", int(port)


async def _collect(site: Site, health: Health) -> int:
    from collectors.collector import run as collect

    stop, interrupted = asyncio.Event(), asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    await collect(site, stop, health)
    return 130 if interrupted.is_set() else 0
