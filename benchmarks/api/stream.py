"""``python -m benchmarks.api.stream [--browsers 200] [--points 5000] [--minutes 10]``: the live stream under load.

Every second a writer in a process of its own keeps a new sample of every point; every browser reads the stream and
holds the ids that it gets against one another: a gap is a lost event. Tells the service's processor time, its memory
minute by minute, and how old a sample is when the last browser has it.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.api.grid import make_site
from benchmarks.api.service import Service, running


@dataclass(slots=True)
class Browser:
    """What one browser has seen."""

    events: int = 0
    samples: int = 0
    last: int | None = None
    lost: int = 0
    age_s: list[float] = field(default_factory=list)

    def hear(self, frame: bytes, timed: bool) -> None:
        """Take in one event."""
        lines = dict(line.split(b": ", 1) for line in frame.split(b"\n") if b": " in line)
        if b"id" not in lines:
            return
        number = int(lines[b"id"].rpartition(b"-")[2])
        if self.last is not None and lines.get(b"event") != b"hello":
            self.lost += number - self.last - 1
        self.last = number
        self.events += 1
        if lines.get(b"event") == b"samples":
            data = lines[b"data"]
            self.samples += data.count(b'["')
            if timed:
                stamp = int(data[: data.index(b"]")].split(b",")[1])
                self.age_s.append(time.time() - stamp / 1e3)


def main() -> int:
    """Measure and tell; 1 when an event was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--browsers", type=int, default=200)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=10.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hydro-bench-") as scratch:
        folder = Path(scratch) / "grid"
        names = make_site(folder, side=71, points=args.points)
        with running(folder) as service:
            ending = multiprocessing.get_context("spawn").Event()
            writer = multiprocessing.get_context("spawn").Process(target=_write, args=(folder, names, ending))
            writer.start()
            try:
                return asyncio.run(_watch(service, args.browsers, 60.0 * args.minutes))
            finally:
                ending.set()
                writer.join(20)


def _write(folder: Path, names: list[str], ending: multiprocessing.synchronize.Event) -> None:
    """Keep a sample of every point each second, stamped when it is written."""
    from models.sample import Sample
    from models.site_file import load_site
    from stores.telemetry import open_telemetry

    store = open_telemetry(load_site(folder).stores)
    count = 0
    due = time.time()
    while not ending.wait(max(0.0, due - time.time())):
        now = datetime.now(UTC)
        count += 1
        store.write([Sample(name, now, 30.0 + (count + place) % 100 / 10.0) for place, name in enumerate(names)])
        due += 1.0
    store.close()


async def _watch(service: Service, browsers: int, seconds: float) -> int:
    seen = [Browser() for _ in range(browsers)]
    tasks = [asyncio.create_task(_browse(service, one, place == 0)) for place, one in enumerate(seen)]
    await asyncio.sleep(10.0)
    cpu, started, memory = service.cpu_s(), time.monotonic(), [service.memory_mb()]
    while time.monotonic() - started < seconds:
        await asyncio.sleep(min(60.0, seconds))
        memory.append(service.memory_mb())
        used = (service.cpu_s() - cpu) / (time.monotonic() - started)
        print(f"{(time.monotonic() - started) / 60:.1f} min: {used:.2f} cores, {memory[-1]:.0f} MB", flush=True)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [one for one in ended if isinstance(one, Exception)]
    lost, events = sum(one.lost for one in seen), sum(one.events for one in seen)
    ages = sorted(seen[0].age_s)
    print(
        f"{browsers} browsers: {events} events, {lost} lost, {len(broken)} cut off; samples a browser"
        f" {min(one.samples for one in seen)} to {max(one.samples for one in seen)};"
        f" age at the browser median {statistics.median(ages):.2f} s, p95 {ages[int(0.95 * len(ages))]:.2f} s;"
        f" memory {memory[0]:.0f} → {memory[-1]:.0f} MB"
    )
    return 1 if lost or broken else 0


async def _browse(service: Service, browser: Browser, timed: bool) -> None:
    reader, writer = await asyncio.open_connection(service.host, service.port, limit=2**22)
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: {service.host}\r\nAuthorization: Bearer {service.token}\r\n\r\n"
    writer.write(request.encode())
    await reader.readuntil(b"\r\n\r\n")
    rest = b""
    while True:
        size = int((await reader.readline()).strip() or b"0", 16)
        if size == 0:
            raise ConnectionError("the stream ended")
        rest += (await reader.readexactly(size + 2))[:-2]
        *frames, rest = rest.split(b"\n\n")
        for frame in frames:
            browser.hear(frame, timed)


if __name__ == "__main__":
    sys.exit(main())
