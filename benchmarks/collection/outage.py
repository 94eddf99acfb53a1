"""The store is away for a simulated day at 2,000 samples a second, and comes back: do all arrive, in order?

    python -m benchmarks.collection.outage [--hours 24] [--points 2000]

Each point is read once a simulated second, as fast as the spool takes it; the forwarder tries in vain meanwhile, then
moves everything to an embedded store. Told besides: the spool's size, and the most memory the process ever held.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from collectors.forwarder import Forwarder
from models.problem import Unavailable
from models.sample import Sample
from stores.columns import Columns
from stores.embedded import EmbeddedStore
from stores.instant import microseconds
from stores.spool import Spool

START_US = microseconds(datetime(2026, 7, 11, tzinfo=UTC))
PORTION = 600
"""Simulated seconds between two looks at the memory."""


class Away:
    """An embedded store that is away until told otherwise, and sees whether the samples of each point are in order."""

    def __init__(self, store: EmbeddedStore, points: int) -> None:
        self._store = store
        self._newest = np.zeros(points, np.int64)
        self.away = True
        self.tries = self.taken = self.disordered = 0

    def write(self, samples: Iterable[Sample]) -> None:
        self.tries += 1
        if self.away:
            raise Unavailable("the store is away")
        columns = Columns.of(samples)
        self._store.write(columns)
        place = np.array([int(name[1:]) for name in columns.points])[columns.point]
        order = np.argsort(place, kind="stable")
        place, time_us = place[order], columns.time[order]
        first = np.append(True, place[1:] != place[:-1])
        before = np.where(first, self._newest[place], np.append(0, time_us[:-1]))
        self.disordered += int(np.count_nonzero(time_us <= before))
        np.maximum.at(self._newest, place, time_us)
        self.taken += len(columns)


def acquire(spool: Spool, points: int, first: int, last: int) -> None:
    """Append what is read in some seconds, a commit each."""
    names, place = tuple(f"P{number}" for number in range(points)), np.arange(points)
    chance = np.random.default_rng(first)
    good, nothing = np.zeros(points, np.uint8), np.zeros(points, np.int64)
    for second in range(first, last):
        at = np.full(points, START_US + second * 1_000_000)
        spool.append(Columns(names, ("",), place, at, chance.normal(40.0, 3.0, points).round(2), good, nothing))


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


async def run(folder: Path, hours: float, points: int) -> None:
    """Measure and print."""
    path = folder / "spool.sqlite"
    spool, store = Spool(path, most_bytes=20 * 10**9), EmbeddedStore(folder / "telemetry.sqlite")
    away = Away(store, points)
    forwarder = Forwarder(spool, away)  # type: ignore[arg-type]
    forwarding, seconds, begun = asyncio.create_task(forwarder.run()), round(3600 * hours), time.monotonic()
    held: list[float] = []
    for first in range(0, seconds, PORTION):
        await asyncio.to_thread(acquire, spool, points, first, min(first + PORTION, seconds))
        held.append(memory_mb())
    spooled, size, tries, waiting = time.monotonic() - begun, path.stat().st_size, away.tries, spool.backlog()
    print(f"{hours:g} h away: {waiting:,} samples in {size / 1e6:,.0f} MB, {tries} tries in vain, {spooled:.0f} s")
    print(
        f"memory {held[0]:.0f} MB after {PORTION} s, {held[len(held) // 2]:.0f} MB half-way, {held[-1]:.0f} MB",
        flush=True,
    )
    away.away, begun = False, time.monotonic()
    forwarder.end()
    await forwarding
    # A try in vain ends a forwarder that was asked to end: begin anew, as a collector does at its next start.
    while spool.backlog():
        last = Forwarder(spool, away)  # type: ignore[arg-type]
        last.end()
        await last.run()
    moved = time.monotonic() - begun
    kept = sum(
        store._connection.execute(f"SELECT coalesce(sum(samples), 0) FROM {name}").fetchone()[0]
        for name in ("blocks", "arrivals")
    )
    print(f"back: {away.taken:,} samples moved in {moved:.0f} s ({away.taken / moved:,.0f}/s), {kept:,} in the store")
    print(f"expected {seconds * points:,}; {away.disordered} out of order; memory {memory_mb():.0f} MB")
    store.close()
    spool.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile; a day takes some gigabytes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        asyncio.run(run(Path(name), args.hours, args.points))


if __name__ == "__main__":
    main()
