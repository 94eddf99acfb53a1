"""A subscription to 10,000 nodes of Eclipse Milo that change 5,000 times a second: is one lost?

    python -m benchmarks.collection.opcua_changes [--nodes 10000] [--rate 5000] [--minutes 10] [--stall 3]

Each node counts up by one, so that a change that is missing shows; the server says how many changes there were. In the
middle the collector's loop stands still for ``--stall`` seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import defaultdict

from collectors.opcua.driver import OpcUaDriver
from models.point import Point
from models.quantity import Quantity
from models.site import Device, SubscriptionSettings
from tests.peers.start import Peer, milo


async def run(url: str, peer: Peer, args: argparse.Namespace) -> None:
    """Measure and print."""
    device = Device(
        "milo", "opcua", url=url, timeout_s=30.0, reading="subscribe", subscription=SubscriptionSettings(1.0, 0.0, 1000)
    )
    points = [Point(f"N{n}", "J", Quantity.PRESSURE, "m", "milo", f"ns=2;s=N{n}", "float64") for n in range(args.nodes)]
    driver = OpcUaDriver(device, points)
    await driver.connect()
    newest: dict[str, float] = defaultdict(lambda: -1.0)
    told = lost = 0

    async def listen(seconds: float) -> None:
        nonlocal told, lost
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for one in (await driver.read(())).told:
                told += 1
                lost += int(one.value - newest[one.point] - 1.0)
                newest[one.point] = one.value
            await asyncio.sleep(0.2)

    while len(newest) < args.nodes:
        await listen(0.5)
    told = 0
    peer.order(f"go {args.rate}")
    cpu, begun = time.process_time(), time.monotonic()
    await listen(30.0 * args.minutes)
    time.sleep(args.stall)
    await listen(30.0 * args.minutes)
    seconds, cpu = time.monotonic() - begun, time.process_time() - cpu
    peer.order("stop")
    changes = int(await asyncio.to_thread(peer.line))
    # The last ones are on their way.
    await listen(5.0)
    await driver.close()
    never = changes - sum(int(value) for value in newest.values())
    print(f"{args.nodes} nodes, {changes} changes in {seconds:.0f} s ({changes / seconds:.0f}/s), stall {args.stall} s")
    print(f"{told} told, {lost} missing in between, {never} missing at the end; CPU {cpu / seconds:.2f}")


def main() -> None:
    """Run the server and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=5000.0)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--stall", type=float, default=3.0)
    args = parser.parse_args()
    with milo(args.nodes) as (url, peer):
        asyncio.run(run(url, peer, args))


if __name__ == "__main__":
    main()
