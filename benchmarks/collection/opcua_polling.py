"""Polling 10,000 nodes of Eclipse Milo: the whole path to the spool beside a bare asyncua loop.

    python -m benchmarks.collection.opcua_polling [--nodes 10000] [--repeats 5] [--rounds 5]

Medians of interleaved repeats, in values a second of the wall (the server has the other core) and of our own CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from asyncua import ua
from asyncua.client.client import Client

from collectors.clock import PlantClock
from collectors.drivers import Drivers
from collectors.intake import Intake
from collectors.line import Line
from models.point import Point
from models.quantity import Quantity
from models.site import Device
from stores.columns import Columns
from stores.spool import Spool
from tests.peers.start import milo

A_CALL = 1000
OFTEN_S = 1e-3
BARE, WHOLE = "bare asyncua loop", "whole path to the spool"


def points_of(nodes: int) -> tuple[Point, ...]:
    """Return a point for each node."""
    return tuple(
        Point(f"N{n}", "J", Quantity.PRESSURE, "m", "milo", f"ns=2;s=N{n}", "float64", period_s=OFTEN_S)
        for n in range(nodes)
    )


async def bare(url: str, nodes: int, rounds: int) -> tuple[float, float]:
    """Return values a second, of the wall and of CPU, of a loop that only reads with asyncua."""
    client = Client(url, timeout=30)
    await client.connect()
    wanted = [ua.NodeId.from_string(f"ns=2;s=N{n}") for n in range(nodes)]
    begun, spent = time.monotonic(), time.process_time()
    for _ in range(rounds):
        for first in range(0, nodes, A_CALL):
            values = await client.uaclient.read_attributes(wanted[first : first + A_CALL], ua.AttributeIds.Value)  # type: ignore[attr-defined]
            assert values[0].StatusCode is not None
    seconds, cpu_s = time.monotonic() - begun, time.process_time() - spent
    await client.disconnect()
    return rounds * nodes / seconds, rounds * nodes / cpu_s


async def whole_path(url: str, nodes: int, rounds: int) -> tuple[float, float]:
    """Return values a second, of the wall and of CPU, from the server to the spool."""
    device, points = Device("milo", "opcua", url=url, timeout_s=30.0), points_of(nodes)
    enough, count = asyncio.Event(), 0
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name) / "spool.sqlite")
        intake = Intake(spool, lambda: None)

        def keep(samples: Columns) -> None:
            nonlocal count
            intake.put(samples)
            count += 1
            if count > rounds:
                enough.set()

        clock = PlantClock(False, ["milo"], lambda: datetime.now(UTC))
        line = Line(device, points, Drivers().of(device, ()), clock, keep)
        keeping, attending = asyncio.create_task(intake.run()), asyncio.create_task(line.attend())
        while count == 0:
            await asyncio.sleep(0.01)
        begun, spent, before = time.monotonic(), time.process_time(), count
        await enough.wait()
        seconds, cpu_s, done = time.monotonic() - begun, time.process_time() - spent, count - before
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)
        intake.end()
        await keeping
        spool.close()
    return done * nodes / seconds, done * nodes / cpu_s


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {BARE: [], WHOLE: []}
    with milo(args.nodes) as (url, _):
        asyncio.run(bare(url, args.nodes, 3))
        for _ in range(args.repeats):
            found[BARE].append(asyncio.run(bare(url, args.nodes, args.rounds)))
            found[WHOLE].append(asyncio.run(whole_path(url, args.nodes, args.rounds)))
    for place, unit in enumerate(("second", "CPU-second")):
        ratio = median(ours[place] / theirs[place] for ours, theirs in zip(found[WHOLE], found[BARE], strict=True))
        for name, figures in found.items():
            print(f"{name:28s} {median(one[place] for one in figures):8.0f} values a {unit}")
        print(f"{'whole path / bare':28s} {ratio:8.2f}")


if __name__ == "__main__":
    main()
