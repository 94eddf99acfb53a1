"""``hydro collect`` as a process of its own, against the simulated plant of the sample site."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.stage import _move_ports
from models.sample import Quality, Sample
from models.site import Site
from models.site_file import load_site
from stores.embedded import EmbeddedStore

ROOT = Path(__file__).parents[2]
EARLY, LATE = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
FOREIGN = ("fastapi", "starlette", "wntr", "scipy", "hydro", "pymodbus")
"""What an edge box does not have; ``hydro`` is the room of the hydraulics."""
LOOK_AROUND = f"""
import os, pathlib, signal, sys, threading, time
from cli.main import main
def end():
    while not (pathlib.Path(sys.argv[1]) / "data" / "spool.sqlite").exists():
        time.sleep(0.1)
    time.sleep(2.0)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end, daemon=True).start()
status = main(["collect", sys.argv[1]])
print(status, *(name for name in {FOREIGN!r} if name in sys.modules))
print(*(name for name in ("collectors.modbus.driver", "asyncua") if name in sys.modules))
"""


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    folder = tmp_path / "jiaozhou"
    shutil.copytree(ROOT / "sample_networks" / "jiaozhou", folder, ignore=shutil.ignore_patterns("data"))
    _move_ports(folder / "site.toml")
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
def simulated(plant: Path, speed: int) -> Iterator[subprocess.Popen[str]]:
    with running("simulate", plant, "--episode", "healthy", "--speed", speed) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"]
        yield process


def stored(site: Site) -> list[Sample]:
    if not site.stores.telemetry_file.exists():
        return []
    store = EmbeddedStore(site.stores.telemetry_file)
    try:
        return store.range([point.name for point in site.points], EARLY, LATE)
    finally:
        store.close()


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def test_every_point_of_the_plant_comes_into_the_store_at_plant_time(plant: Path) -> None:
    site = load_site(plant)
    names = {point.name for point in site.points}

    def all_good() -> bool:
        return {one.point for one in stored(site) if one.quality is Quality.GOOD} == names

    with simulated(plant, 300), running("collect", plant) as collecting:
        wait_for(all_good)
        before = stored(site)
        collecting.send_signal(signal.SIGINT)
        assert collecting.wait(20) == 130
        assert collecting.stderr is not None
        assert "Traceback" not in collecting.stderr.read()
    after = stored(site)
    kept = {(one.point, one.time) for one in after}
    assert kept >= {(one.point, one.time) for one in before}
    # The episode plays in 2026's summer, whatever the wall's clock shows.
    assert {one.time.year for one in after if one.quality is Quality.GOOD} == {site_year(plant)}


@pytest.mark.slow
@pytest.mark.parametrize("speed", [600, 1800])
def test_polls_of_five_minutes_are_kept_however_fast_the_plant_runs(plant: Path, speed: int) -> None:
    site = load_site(plant)
    wanted, period = 40, 300.0

    def slots(point: str) -> list[int]:
        """The five minutes of plant time from which there is a sample."""
        return sorted({int(one.time.timestamp() // period) for one in by_point()[point]})

    def by_point() -> dict[str, list[Sample]]:
        found: dict[str, list[Sample]] = {point.name: [] for point in site.points if point.period_s == period}
        for one in stored(site):
            if one.point in found:
                found[one.point].append(one)
        return found

    with simulated(plant, speed), running("collect", plant) as collecting:
        wait_for(lambda: min(len(samples) for samples in by_point().values()) > wanted)
        collecting.send_signal(signal.SIGINT)
        assert collecting.wait(20) == 130
    for name, samples in by_point().items():
        assert {one.quality for one in samples} == {Quality.GOOD}
        served = slots(name)
        # On a machine that has other things to do, plant and collector may both miss one of a sixth of a second.
        assert len(served) >= 0.9 * (served[-1] - served[0] + 1)


def site_year(plant: Path) -> int:
    import tomllib

    start = tomllib.loads((plant / "plant/episodes/healthy.toml").read_text(encoding="utf-8"))["start"]
    return (start if isinstance(start, datetime) else datetime.fromisoformat(start)).year


def test_reading_once_shows_every_point_and_the_model_beside_it(plant: Path) -> None:
    with simulated(plant, 60), running("read", plant, "--json") as reading:
        said, errors = reading.communicate(timeout=60)
    assert reading.returncode == 0, errors
    rows = {one["point"]: one for one in json.loads(said)["points"]}
    assert {one["quality"] for one in rows.values()} == {"good"}
    for row in rows.values():
        assert (row["modelled"] is None) == (row["quantity"] == "volume")
        if row["quantity"] == "pressure" and row["unit"] == "m":
            assert row["value"] == pytest.approx(row["modelled"], abs=6.0)


def test_collecting_imports_nothing_an_edge_box_has_not(plant: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK_AROUND, str(plant)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["0", "collectors.modbus.driver asyncua"], done.stderr


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_collector_whose_devices_are_away_runs_and_ends_when_told(plant: Path, sent: int, status: int) -> None:
    with running("collect", plant) as collecting:
        wait_for(load_site(plant).stores.spool_file.exists)
        time.sleep(1.0)
        assert collecting.poll() is None
        collecting.send_signal(sent)
        assert collecting.wait(20) == status
        assert collecting.stderr is not None
        assert "Traceback" not in collecting.stderr.read()
