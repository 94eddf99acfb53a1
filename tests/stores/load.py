"""A collector under load, to be killed: samples by the thousand through intake, spool and forwarder into a store.

``python -m tests.stores.load FOLDER [URL BUCKET TOKEN]`` begins a collector for each number it is told on standard
input, and begins it by forking, for a process that has its modules loaded already is there at once. A collector
acquires that sample and on, each once, and says after each commit how many are acknowledged. Sample n is of point
n mod POINTS, at a time of its own. When a collector has ended, however, ``ended`` and its status are said.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.forwarder import Forwarder
from collectors.intake import Intake
from models.sample import Sample
from models.site import InfluxSettings, StoreSettings
from stores import embedded, influx  # noqa: F401
from stores.spool import Spool
from stores.telemetry import open_telemetry

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
POINTS = 50
LOAD = 40
"""Samples every two milliseconds: twenty thousand a second."""


def sample(number: int) -> Sample:
    return Sample(f"P-{number % POINTS}", START + timedelta(milliseconds=number // POINTS), float(number))


def settings(folder: Path, server: tuple[str, ...]) -> StoreSettings:
    found = InfluxSettings(server[0], "hydro", server[1], server[2]) if server else None
    kind = folder / "telemetry.sqlite", folder / "spool.sqlite"
    return StoreSettings("influxdb" if server else "embedded", *kind, "", found)


async def collect(folder: Path, first: int, server: tuple[str, ...]) -> None:
    spool, store = Spool(folder / "spool.sqlite"), open_telemetry(settings(folder, server))
    forwarder, stop = Forwarder(spool, store), asyncio.Event()
    given = first

    def kept() -> None:
        say(str(given - intake.waiting))
        forwarder.wake()

    intake = Intake(spool, kept)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    keeping, forwarding = asyncio.create_task(intake.run()), asyncio.create_task(forwarder.run())
    while not stop.is_set():
        intake.put([sample(number) for number in range(given, given + LOAD)])
        given += LOAD
        await asyncio.sleep(0.002)
    intake.end()
    await keeping
    forwarder.end()
    await forwarding
    store.close()
    spool.close()


def say(word: str) -> None:
    """Write a line in one piece: one that is heard is whole."""
    os.write(1, f"{word}\n".encode())


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(collect(Path(sys.argv[1]), int(line), tuple(sys.argv[2:])))
            os._exit(0)
        say(f"begun {child}")
        _, status = os.waitpid(child, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
