"""500 Modbus devices, four blocks of 110 registers each, once a second, from the wire to the spool.

    python -m benchmarks.collection.many_devices [--devices 500] [--seconds 30] [--points 10]

Counted and timed at the servers, in a process of their own: polls, polls missed, and how late each device was asked,
measured against the earliest instant within the second at which it was ever asked.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.collection.modbus_blocks import BLOCKS, site_of
from benchmarks.collection.outstation import ask, outstations
from collectors.health import Health
from collectors.intake import Intake
from collectors.lines import Lines
from stores.spool import Spool

PERIOD_S = 1.0


async def run(ports: list[int], seconds: float, a_block: int, settled: asyncio.Event) -> tuple[float, int, int]:
    """Return CPU a second, samples in the spool and answers, once everything runs."""
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name) / "spool.sqlite")
        intake, health = Intake(spool, lambda: None), Health()
        lines, keeping = Lines(intake, health), asyncio.create_task(intake.run())
        await lines.adopt(site_of(Path(name), ports, a_block, None, PERIOD_S), {})
        await asyncio.sleep(5.0)
        settled.set()
        begun, before = time.process_time(), sum(one.answers for one in health.devices.values())
        kept = spool.backlog()
        await asyncio.sleep(seconds)
        cpu = (time.process_time() - begun) / seconds
        answers = sum(one.answers for one in health.devices.values()) - before
        kept = spool.backlog() - kept
        await lines.end()
        intake.end()
        await keeping
        spool.close()
    return cpu, kept, answers


async def measure(ports: list[int], server: object, args: argparse.Namespace) -> None:
    """Measure and print."""
    settled = asyncio.Event()
    running = asyncio.create_task(run(ports, args.seconds, args.points, settled))
    await settled.wait()
    await asyncio.to_thread(ask, server, "count")  # type: ignore[arg-type]
    await asyncio.sleep(args.seconds)
    polls, missed, middle, high, most = await asyncio.to_thread(ask, server, f"late {PERIOD_S}")  # type: ignore[arg-type]
    cpu, kept, answers = await running
    print(f"{args.devices} devices x {BLOCKS} blocks a second, {args.points} points a block, {args.seconds:.0f} s")
    print(f"CPU {cpu:.2f}   {answers * BLOCKS / args.seconds:.0f} blocks/s   {kept / args.seconds:.0f} samples/s kept")
    print(f"{polls:.0f} polls, {missed:.0f} missed; late by {middle} ms (median), {high} ms (p99), {most} ms (most)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--points", type=int, default=10, help="points in each block")
    args = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with outstations(args.devices) as (ports, server):
        asyncio.run(measure(ports, server, args))


if __name__ == "__main__":
    main()
