"""``hydro serve`` as a process beside the simulated plant, on good days and on bad ones."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.stage import _move_ports
from models.alarm import AlarmKind
from models.complaint import Complaint
from models.sample import Quality, Sample
from models.site import Site
from models.site_file import load_site
from stores.embedded import EmbeddedStore
from stores.records import Records
from stores.spool import Spool

ROOT = Path(__file__).parents[2]
JIAOZHOU = ROOT / "sample_networks" / "jiaozhou"
HYDRO = [sys.executable, "-m", "cli.main"]
SPEED = 600
EARLY, LATE = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@dataclass(frozen=True)
class Town:
    """A site's folder, and what a person can see of it."""

    folder: Path

    @property
    def site(self) -> Site:
        return load_site(self.folder)

    @contextmanager
    def records(self) -> Iterator[Records]:
        with Records(self.site.stores.records_url) as records:
            yield records

    def alarms(self) -> dict[str, bool]:
        """Return every alarm that is not normal, and whether it is active."""
        with self.records() as records:
            return {alarm.key: alarm.active for alarm in records.open_alarms()}

    def samples(self) -> list[Sample]:
        if not self.site.stores.telemetry_file.exists():
            return []
        with closing(EmbeddedStore(self.site.stores.telemetry_file)) as store:
            return store.range([point.name for point in self.site.points], EARLY, LATE)

    def good(self) -> set[tuple[str, datetime]]:
        return {(one.point, one.time) for one in self.samples() if one.quality is Quality.GOOD}


@pytest.fixture
def town(tmp_path: Path) -> Town:
    folder = tmp_path / "jiaozhou"
    shutil.copytree(JIAOZHOU, folder, ignore=shutil.ignore_patterns("data"))
    _move_ports(folder / "site.toml")
    return Town(folder)


@contextmanager
def running(*arguments: object, limit: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run a command of hydro; ``limit`` is Python that the process runs before."""
    command = [*HYDRO, *map(str, arguments)]
    if limit:
        code = f"import sys; {limit}; from cli.main import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    said: dict[str, Any] = json.loads(line)
    assert said["ready"] is True
    return said


@contextmanager
def playing(town: Town, episode: str = "healthy", speed: int = SPEED) -> Iterator[Callable[..., None]]:
    """Play at the plant; yields what makes an event happen there."""
    with running("simulate", town.folder, "--episode", episode, "--speed", speed) as plant:
        port = int(ready(plant)["control_port"])

        def happen(kind: str, **what: object) -> None:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as crew:
                request = {"do": "event", "event": {"kind": kind, **what}}
                crew.sendall(json.dumps(request).encode() + b"\n")
                assert json.loads(crew.makefile().readline())["ok"]

        yield happen


def until(met: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def ended(process: subprocess.Popen[str], asked: int | None = None) -> tuple[int, str]:
    """Return status and messages of a process that was asked to end."""
    if asked is not None:
        process.send_signal(asked)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_device_that_dies_is_an_alarm_of_its_own_and_blindness_another(town: Town) -> None:
    with playing(town) as happen, running("serve", town.folder, "--port", 0, "--json") as service:
        ready(service)
        until(lambda: len({point for point, _ in town.good()}) == len(town.site.points))
        # At this speed a plant's half hour passes while the first sessions are opened.
        until(lambda: not any(town.alarms().values()))
        happen("device_off", device="rtu-north")
        until(lambda: town.alarms().get("device/rtu-north"))
        # Half an hour of plant time later nobody knows any more whether the inlet is open.
        until(lambda: {"blind/M-IN", "blind/M-TANK"} <= town.alarms().keys())
        with town.records() as records:
            blind = records.alarm("blind/M-IN")
        assert blind is not None
        assert blind.details["points"] == ["INLET-OPEN"]
        assert str(blind.details["reason"]).startswith("no good reading since 2026-07-")
        south = max(moment for point, moment in town.good() if point == "PT-01")
        happen("device_on", device="rtu-north")
        until(lambda: not any(town.alarms().values()))
        until(lambda: max(moment for point, moment in town.good() if point == "PT-01") > south)
        assert not any(key.startswith(AlarmKind.DIAGNOSIS) for key in town.alarms())
        assert ended(service, signal.SIGTERM)[0] == 0


def test_device_that_is_off_at_start_is_an_alarm_and_the_others_are_read(town: Town) -> None:
    with playing(town) as happen:
        happen("device_off", device="rtu-south")
        with running("serve", town.folder, "--port", 0, "--json") as service:
            ready(service)
            until(lambda: town.alarms().get("device/rtu-south"))
            with town.records() as records:
                alarm = records.alarm("device/rtu-south")
            assert alarm is not None
            assert alarm.details["reason"] == "has never answered"
            until(lambda: {"PT-02", "PS-FLOW"} <= {point for point, _ in town.good()})
            status, errors = ended(service, signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in errors


def test_killed_service_loses_nothing_that_was_stored_and_goes_on(town: Town) -> None:
    with playing(town) as happen:
        with running("serve", town.folder, "--port", 0, "--json") as service:
            ready(service)
            until(lambda: len(town.good()) > 200)
            happen("device_off", device="rtu-south")
            until(lambda: town.alarms().get("device/rtu-south"))
            with town.records() as records:
                time_ = records.plant_time()
                assert time_ is not None
                complaint = records.register_complaint(Complaint("C-FAN", "J-126", time_, "no water"))
            service.kill()
            assert service.wait(20) == -signal.SIGKILL
        kept = town.good()
        with closing(Spool(town.site.stores.spool_file)) as spool:
            waiting = spool.backlog()
        with running("serve", town.folder, "--port", 0, "--json") as service:
            ready(service)
            until(lambda: len(town.good()) > len(kept) + waiting + 50)
            # What was open is still open, once; who complained gets the answer.
            with town.records() as records:
                raised = [one for one in records.alarm_entries("device/rtu-south") if one.event == "raise"]
                until(lambda: records.complaint(complaint.id).diagnosis_id, 110)
            status, errors = ended(service, signal.SIGINT)
    assert len(raised) == 1
    assert kept <= town.good()
    assert status == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize("name", ["telemetry.sqlite", "records.sqlite", "spool.sqlite"])
def test_corrupt_file_is_one_clear_line_and_stays_as_it_is(town: Town, name: str) -> None:
    path = town.folder / "data" / name
    path.parent.mkdir()
    path.write_bytes(b"no database at all, " * 1000)
    with running("serve", town.folder, "--port", 0) as service:
        status, errors = ended(service)
    said = [line for line in errors.splitlines() if "no baseline yet" not in line]
    assert status == 3
    assert len(said) == 1
    assert str(path) in said[0]
    assert "Traceback" not in errors
    assert path.read_bytes() == b"no database at all, " * 1000


def test_full_disk_is_said_and_nothing_stored_is_lost(town: Town) -> None:
    # The largest size that a file may have stands for the end of the disk; the stores exist already.
    with playing(town) as _, running("serve", town.folder, "--port", 0, "--json") as service:
        ready(service)
        until(lambda: len(town.good()) > 200)
        assert ended(service, signal.SIGTERM)[0] == 0
    kept = town.good()
    size = town.site.stores.telemetry_file.stat().st_size + 4096
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    )
    with playing(town) as _, running("serve", town.folder, "--port", 0, "--json", limit=limit) as service:
        ready(service)
        time.sleep(15.0)
        assert service.poll() is None
        _, errors = ended(service, signal.SIGTERM)
    assert "disk is full" in errors
    assert "Traceback" not in errors
    assert kept <= town.good()


def test_service_begins_and_collects_while_the_store_is_away(town: Town) -> None:
    settings = town.folder / "site.toml"
    (town.folder / "token").write_text("a-token")
    server = '[stores.influxdb]\nurl = "http://127.0.0.1:9"\norg = "o"\nbucket = "b"\ntoken_file = "token"\n\n[monitor]'
    text = settings.read_text(encoding="utf-8").replace('telemetry = "embedded"', 'telemetry = "influxdb"')
    settings.write_text(text.replace("[monitor]", server), encoding="utf-8")

    def collected() -> bool:
        with closing(Spool(town.site.stores.spool_file)) as spool:
            return spool.backlog() > 100

    with playing(town), running("serve", town.folder, "--port", 0, "--json") as service:
        url = ready(service)["url"]
        until(collected)
        with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
            metrics = answer.read().decode()
        returned, err = ended(service, signal.SIGTERM)
    assert returned == 0, err
    assert 'hydro_device_up{device="rtu-north",protocol="modbus-tcp"} 1.0' in metrics
    assert 'hydro_backlog_samples{where="spool"}' in metrics
    assert "samples wait in the spool" in err
    assert "the monitor waits" in err


def test_port_in_use_is_one_clear_line(town: Town) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with running("serve", town.folder, "--port", port) as service:
            status, errors = ended(service)
    assert status == 5
    assert len(errors.splitlines()) == 1
    assert str(port) in errors
