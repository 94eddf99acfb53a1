"""Sample to spool, spool to the embedded store and to InfluxDB, and reads: ``python -m benchmarks.collection.stores``.

Medians of interleaved repeats in one run. The server of ``make influxd`` is measured beside the best bare client: the
same lines, written before the clock starts, sent over one kept connection without compression.
"""

from __future__ import annotations

import http.client
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from collectors.forwarder import MOST
from models.sample import Sample
from models.site import InfluxSettings
from stores.columns import Columns, joined
from stores.embedded import EmbeddedStore
from stores.influx import LINES, InfluxStore
from stores.line_protocol import lines_of
from stores.spool import Spool
from stores.sqlite_file import Synchronous
from stores.telemetry import TelemetryStore
from tests.stores.influx_server import InfluxServer, binary

START = datetime(2026, 7, 11, tzinfo=UTC)
POINTS, SAMPLES, REPEATS, APPEND = 1000, 400_000, 5, 10_000
SMALL, COMMITS = 100, 200
OURS, BARE = "spool to InfluxDB", "bare client to InfluxDB, ready lines"


def samples(count: int, points: int = POINTS) -> list[Sample]:
    chance = random.Random(1)
    return [
        Sample(f"P-{one % points}", START + timedelta(seconds=one // points), chance.gauss(40.0, 3.0))
        for one in range(count)
    ]


def took(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def spent(work: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = [], []
    for _ in range(9):
        begun = time.process_time()
        wall.append(took(work))
        cpu.append(time.process_time() - begun)
    return 1e3 * statistics.median(wall), 1e3 * statistics.median(cpu)


def fresh(folder: Path, what: str) -> Path:
    return folder / f"{what}-{time.monotonic_ns()}.sqlite"


def fill(spool: Spool, given: Sequence[Sample]) -> None:
    for first in range(0, len(given), APPEND):
        spool.append(given[first : first + APPEND])


def drain(spool: Spool, store: TelemetryStore) -> None:
    while batches := spool.peek(MOST):
        store.write(joined([batch.samples for batch in batches]))
        spool.forget(batches)


def spooled(folder: Path, given: Sequence[Sample], synchronous: Synchronous) -> float:
    spool = Spool(fresh(folder, synchronous), synchronous)
    seconds = took(lambda: fill(spool, given))
    spool.close()
    return len(given) / seconds


def committed(folder: Path, given: Sequence[Sample], synchronous: Synchronous) -> float:
    """Return how long a small commit takes [ms]."""
    spool = Spool(fresh(folder, synchronous), synchronous)
    seconds = took(lambda: [spool.append(given[:SMALL]) for _ in range(COMMITS)])
    spool.close()
    return seconds / COMMITS * 1e3


def to_store(folder: Path, given: Sequence[Sample], store: TelemetryStore) -> float:
    spool = Spool(fresh(folder, "spool"))
    fill(spool, given)
    seconds = took(lambda: drain(spool, store))
    spool.close()
    store.close()
    return len(given) / seconds


def bare(settings: InfluxSettings, bodies: Sequence[bytes]) -> float:
    address = urlsplit(settings.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    path = f"/api/v2/write?org={settings.org}&bucket={settings.bucket}&precision=us"

    def send() -> None:
        for body in bodies:
            connection.request("POST", path, body, {"Authorization": f"Token {settings.token}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise RuntimeError(f"the server says {answer.status}")

    seconds = took(send)
    connection.close()
    return SAMPLES / seconds


def reads(folder: Path) -> dict[str, tuple[float, float]]:
    """Return how long reads take [ms], by the wall and of CPU, each the median of nine."""
    store = EmbeddedStore(folder / "reads.sqlite")
    names = [f"L-{one}" for one in range(10_000)]
    store.write([Sample(name, START, 1.0) for name in names])
    for day in range(30):
        first = START + timedelta(days=day)
        store.write([Sample("S", first + timedelta(seconds=one), math.sin(one)) for one in range(86_400)])
    end = START + timedelta(days=30)
    asked: dict[str, Callable[[], object]] = {
        "latest of 10,000 points": lambda: store.latest(names),
        "24 h of a point at 1 s, as columns": lambda: store.columns(["S"], end - timedelta(days=1), end),
        "24 h of a point at 1 s, as samples": lambda: store.range(["S"], end - timedelta(days=1), end),
        "30 days at 1 s as 5-minute means": lambda: store.means(["S"], START, end, 300.0),
    }
    found = {name: spent(work) for name, work in asked.items()}
    store.close()
    return found


def main() -> None:
    program = binary()
    assert program is not None, "make influxd brings the server"
    with tempfile.TemporaryDirectory() as name:
        # First of all: with a million objects about, each collection of garbage would count as a read.
        for what, (wall_ms, cpu_ms) in reads(Path(name)).items():
            print(f"{what:40} {wall_ms:12.1f} ms, {cpu_ms:.1f} ms of CPU", flush=True)
    given = samples(SAMPLES)
    lines = [lines_of(Columns.of(given[first : first + LINES])) for first in range(0, SAMPLES, LINES)]
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = InfluxServer(program, folder)
        measures: dict[str, Callable[[], float]] = {
            "sample to spool, synchronous normal": lambda: spooled(folder, given, "normal"),
            "sample to spool, synchronous full": lambda: spooled(folder, given, "full"),
            "spool to embedded store": lambda: to_store(folder, given, EmbeddedStore(fresh(folder, "store"))),
            OURS: lambda: to_store(folder, given, InfluxStore(server.bucket())),
            BARE: lambda: bare(server.bucket(), lines),
        }
        try:
            for _ in range(REPEATS):
                for what, measure in measures.items():
                    rates.setdefault(what, []).append(measure())
        finally:
            server.kill()
        for what, several in rates.items():
            print(f"{what:40} {statistics.median(several):12,.0f} samples/s")
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates[OURS], rates[BARE], strict=True))
        print(f"{'spool to InfluxDB / bare client':40} {ratio:12.2f}")
        commits: dict[Synchronous, list[float]] = {"normal": [], "full": []}
        for _ in range(REPEATS):
            for synchronous, several in commits.items():
                several.append(committed(folder, given, synchronous))
        for synchronous, several in commits.items():
            print(f"{f'a commit of {SMALL}, synchronous {synchronous}':40} {statistics.median(several):12.2f} ms")


if __name__ == "__main__":
    main()
