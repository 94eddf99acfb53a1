"""Polling 10,000 nodes of Eclipse Milo: the whole path to the spool beside a bare asyncua loop.

    python -m benchmarks.collection.opcua_polling [--nodes 10000] [--repeats 5] [--rounds 5]

Medians of interleaved repeats, in values a second of the wall: the server has the other core.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
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
from stores.spool import Spool
from tests.peers.start import milo

A_CALL = 1000
OFTEN_S = 1e-3


def points_of(nodes: int) -> tuple[Point, ...]:
    """Return a point for each node."""
    return tuple(
        Point(f"N{n}", "J", Quantity.PRESSURE, "m", "milo", f"ns=2;s=N{n}", "float64", period_s=OFTEN_S)
        for n in range(nodes)
    )


async def bare(url: str, nodes: int, rounds: int) -> float:
    """Return values a second of a loop that reads data values with asyncua, and does nothing else."""
    client = Client(url, timeout=30)
    await client.connect()
    wanted = [ua.NodeId.from_string(f"ns=2;s=N{n}") for n in range(nodes)]
    begun = time.monotonic()
    for _ in range(rounds):
        for first in range(0, nodes, A_CALL):
            values = await client.uaclient.read_attributes(wanted[first : first + A_CALL], ua.AttributeIds.Value)  # type: ignore[attr-defined]
            assert values[0].StatusCode is not None
    rate = rounds * nodes / (time.monotonic() - begun)
    await client.disconnect()
    return rate


async def whole_path(url: str, nodes: int, rounds: int) -> float:
    """Return values a second from the server to the spool."""
    device, points = Device("milo", "opcua", url=url, timeout_s=30.0), points_of(nodes)
    enough, count = asyncio.Event(), 0
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name) / "spool.sqlite")
        intake = Intake(spool, lambda: None)

        def keep(samples: list[object]) -> None:
            nonlocal count
            intake.put(samples)  # type: ignore[arg-type]
            count += 1
            if count > rounds:
                enough.set()

        from datetime import UTC, datetime

        clock = PlantClock(False, ["milo"], lambda: datetime.now(UTC))
        line = Line(device, points, Drivers().of(device, ()), clock, keep)  # type: ignore[arg-type]
        keeping, attending = asyncio.create_task(intake.run()), asyncio.create_task(line.attend())
        while count == 0:
            await asyncio.sleep(0.01)
        begun, before = time.monotonic(), count
        await enough.wait()
        seconds, done = time.monotonic() - begun, count - before
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)
        intake.end()
        await keeping
        # The spool has them all before the clock is stopped for good.
        spool.close()
    return done * nodes / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    found: dict[str, list[float]] = {"bare asyncua loop": [], "whole path to the spool": []}
    with milo(args.nodes) as (url, _):
        asyncio.run(bare(url, args.nodes, 3))
        for _ in range(args.repeats):
            found["bare asyncua loop"].append(asyncio.run(bare(url, args.nodes, args.rounds)))
            found["whole path to the spool"].append(asyncio.run(whole_path(url, args.nodes, args.rounds)))
    base = median(found["bare asyncua loop"])
    for name, figures in found.items():
        print(f"{name:28s} {median(figures):8.0f} values/s   {median(figures) / base:5.2f}x")


if __name__ == "__main__":
    main()
