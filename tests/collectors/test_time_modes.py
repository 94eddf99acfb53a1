"""Plant time against the wall's, over real sockets: as fast as life, and six hundred times as fast."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from cli.stage import _move_ports
from models.sample import Quality, Sample
from models.site_file import load_site
from stores.embedded import EmbeddedStore

ROOT = Path(__file__).parents[2]
EARLY, LATE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def site_of(tmp_path: Path, period_s: float, clock: str = "device") -> Path:
    """A copy of the sample site on free ports, every point polled once in ``period_s`` of the site's own time."""
    folder = tmp_path / "jiaozhou"
    shutil.copytree(ROOT / "sample_networks" / "jiaozhou", folder, ignore=shutil.ignore_patterns("data"))
    _move_ports(folder / "site.toml")
    with (folder / "points.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | {"period_s": f"{period_s:g}"} for row in rows)
    if clock == "wall":
        settings = (folder / "site.toml").read_text(encoding="utf-8").replace('clock = "device"', 'clock = "wall"')
        settings = settings.replace('clock_address = "holding/0"\n', "")
        (folder / "site.toml").write_text(settings, encoding="utf-8")
    return folder


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def played(folder: Path, speed: int) -> Iterator[Callable[[], datetime]]:
    """Play at a speed and collect; yields what asks the plant for its time."""
    with running("simulate", folder, "--episode", "healthy", "--speed", speed) as plant:
        assert plant.stdout is not None
        port = json.loads(plant.stdout.readline())["control_port"]
        with socket.create_connection(("127.0.0.1", port), timeout=20) as crew, running("collect", folder) as collector:
            lines = crew.makefile()

            def plant_time() -> datetime:
                crew.sendall(b'{"do": "time"}\n')
                return datetime.fromisoformat(json.loads(lines.readline())["plant_time"])

            yield plant_time
            collector.send_signal(signal.SIGTERM)
            assert collector.wait(30) == 0


def stored(folder: Path) -> list[Sample]:
    site = load_site(folder)
    if not site.stores.telemetry_file.exists():
        return []
    with closing(EmbeddedStore(site.stores.telemetry_file)) as store:
        return store.range([point.name for point in site.points], EARLY, LATE)


def by_point(samples: list[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for one in samples:
        found.setdefault(one.point, []).append(one)
    return found


def wait_for_samples(folder: Path, each: int) -> None:
    names = {point.name for point in load_site(folder).points}
    end = time.monotonic() + 90.0
    while True:
        found = by_point([one for one in stored(folder) if one.quality is Quality.GOOD])
        if names <= found.keys() and min(map(len, found.values())) >= each:
            return
        assert time.monotonic() < end, {name: len(found.get(name, [])) for name in names}
        time.sleep(0.3)


@pytest.mark.slow
@pytest.mark.parametrize(("speed", "period_s"), [(1, 1.0), (600, 300.0)])
def test_both_protocols_stamp_the_plants_time_and_polls_are_planned_in_it(
    tmp_path: Path, speed: int, period_s: float
) -> None:
    folder = site_of(tmp_path, period_s)
    with played(folder, speed) as plant_time:
        began, wall = plant_time(), time.monotonic()
        wait_for_samples(folder, 8)
        passed, ran = plant_time() - began, time.monotonic() - wall
        newest = plant_time()
    # The plant's time of the last scan may be one scan behind.
    scan = timedelta(seconds=max(1, speed // 10))
    assert abs(passed - timedelta(seconds=speed * ran)) <= 2 * scan + 0.1 * passed
    samples = [one for one in stored(folder) if one.quality is Quality.GOOD]
    assert {one.time.year for one in samples} == {2026}
    assert min(one.time for one in samples) >= began - 2 * scan
    assert max(one.time for one in samples) <= newest + timedelta(seconds=speed * 5.0)
    for name, points in by_point(samples).items():
        gaps = sorted((after.time - before.time).total_seconds() for before, after in pairwise(points))
        # A device whose clock had not reached the slot yet is asked again when it has: now and then a sample more.
        assert gaps[len(gaps) // 2] >= 0.5 * period_s, f"{name}: {gaps} s of plant time"


def test_device_without_a_clock_is_stamped_by_the_wall(tmp_path: Path) -> None:
    folder = site_of(tmp_path, 1.0, clock="wall")
    before = datetime.now(UTC) - timedelta(seconds=1)
    with played(folder, 1):
        wait_for_samples(folder, 2)
    modbus = {point.name for point in load_site(folder).points if point.device.startswith("rtu")}
    times = [one.time for one in stored(folder) if one.point in modbus and one.quality is Quality.GOOD]
    assert before <= min(times)
    assert max(times) <= datetime.now(UTC)
