"""``hydro simulate``: play an episode at the plant of a site, behind real Modbus and OPC UA servers on loopback."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from datetime import datetime
from pathlib import Path

from models.problem import HydroInputError, Unavailable

SUMMARY = "play an episode at the plant of a sample site, behind real Modbus and OPC UA servers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``hydro simulate``."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site, with its plant/")
    parser.add_argument("--episode", default="documented", metavar="NAME", help="a file of plant/episodes (documented)")
    parser.add_argument("--speed", type=speed, default=60.0, metavar="N", help="plant seconds a wall second (60)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of demands and gauges (the plant's own)")
    parser.add_argument("--fault-link", metavar="LINK", help="block this link instead of the episode's")
    parser.add_argument("--control-port", type=_port, default=0, metavar="P", help="port of the crew (any free one)")
    parser.add_argument("--step", type=_step, default=60, metavar="S", help="hydraulic step in s, 1 to 300 (60)")


def run(args: argparse.Namespace) -> int:
    """Play until told to stop and return the exit status: 0 when asked to stop, 130 when interrupted."""
    from simulator.problem import NotSolvable

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    # It warns of every client that asks for a history which the plant does not keep.
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_play(args))
    except KeyboardInterrupt:
        return 130
    except HydroInputError as error:
        sys.stderr.write(f"{error}\n")
        if isinstance(error, NotSolvable):
            return 4
        return 5 if isinstance(error, Unavailable) else 3


async def _play(args: argparse.Namespace) -> int:
    from models.site_file import load_site
    from simulator.play import Play, play

    stop, interrupted = asyncio.Event(), asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    what = Play(args.episode, args.speed, args.seed, args.fault_link, args.control_port, args.step)
    await play(load_site(args.site), what, _announce, stop)
    return 130 if interrupted.is_set() else 0


def _announce(port: int, time: datetime) -> None:
    sys.stdout.write(json.dumps({"ready": True, "control_port": port, "plant_time": time.isoformat()}) + "\n")
    sys.stdout.flush()


def speed(text: str) -> float:
    """Return how many seconds of the plant pass in one of the wall's."""
    ratio = float(text)
    if not 0 < ratio <= 3600:
        raise argparse.ArgumentTypeError(f"{text}, expected more than 0 and at most 3600")
    return ratio


def _step(text: str) -> int:
    step = int(text)
    if not 1 <= step <= 300:
        raise argparse.ArgumentTypeError(f"{text}, expected 1 to 300 s")
    return step


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text}, expected 0 to 65535")
    return port
