"""Traced processes: whoever watches and diagnoses opens nothing under ``plant/``, also where it lies in their folder.

The kernel is asked (strace), not Python: EPANET and SQLite open their files in C, which no hook of Python's sees.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from cli.stage import _move_ports
from models.site_file import load_site
from stores.records import Records

ROOT = Path(__file__).parents[2]
JIAOZHOU = ROOT / "sample_networks" / "jiaozhou"
STRACE = shutil.which("strace")
TRACED = [STRACE or "strace", "-f", "--seccomp-bpf", "-s", "4096", "-e", "trace=%file,%process"]
HYDRO = [sys.executable, "-m", "cli.main"]

pytestmark = pytest.mark.skipif(
    STRACE is None and not os.environ.get("CI"), reason="strace is not installed (.ci/run installs it)"
)


@dataclass(frozen=True)
class Trace:
    """What processes asked the kernel for: paths by process, and each process' command line."""

    paths: dict[int, list[str]]
    commands: dict[int, str]

    def of(self, command: str) -> list[str]:
        """Return every path that processes of a ``hydro`` command asked for, their children's and threads' too."""
        own = [pid for pid, line in self.commands.items() if f'"cli.main", "{command}"' in line]
        return [path for pid in own for path in self.paths[pid]]


def read_trace(log: Path) -> Trace:
    """Return the trace in strace's words; a thread's or child's paths count as its parent's until it is another
    program."""
    owner: dict[int, int] = {}
    paths: dict[int, list[str]] = defaultdict(list)
    commands: dict[int, str] = {}
    starting: dict[int, str] = {}
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        number, _, said = line.partition(" ")
        pid = int(number)
        said = said.strip()
        if said.startswith("execve("):
            starting[pid] = said
        if re.match(r"(execve\(|<\.\.\. execve resumed>).* = 0$", said):
            owner[pid], commands[pid] = pid, starting[pid]
        if (born := re.match(r"(?:<\.\.\. )?(?:clone3?|v?fork)\b.*= (\d+)$", said)) is not None:
            child = int(born[1])
            # A child may be heard of before its parent's call has returned.
            early = paths.pop(owner.get(child, child), []) if child not in commands else []
            owner.setdefault(child, owner.get(pid, pid))
            paths[owner[child]] += early
        paths[owner.get(pid, pid)] += re.findall(r'"((?:[^"\\]|\\.)*)"', said)
    return Trace(dict(paths), commands)


def plants(paths: list[str]) -> list[str]:
    """Return the paths that lie in, or are, a folder called ``plant``."""
    return [path for path in paths if "plant" in Path(path).parts]


def trace(log: Path, *arguments: object) -> Trace:
    """Run a command of hydro to its end under strace and return its trace."""
    done = subprocess.run(
        [*TRACED, "-o", str(log), *HYDRO, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return read_trace(log)


@contextmanager
def running(command: list[str], errors: IO[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, start_new_session=True
    )
    try:
        yield process
    finally:
        # The group: strace passes nothing on to what it traces.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The sample site with its plant in it, on free ports, with a baseline."""
    folder = tmp_path / "jiaozhou"
    shutil.copytree(JIAOZHOU, folder, ignore=shutil.ignore_patterns("data"))
    _move_ports(folder / "site.toml")
    return folder


def wait_for(met: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def readings(site: Path) -> Path:
    """Two days of the historian's export as READINGS of ``hydro diagnose``."""
    points = {point.name: point for point in load_site(site).points}
    rows = ["time,element,quantity,value,unit"]
    for line in (site / "history.csv").read_text().splitlines()[1 : 26 * 96]:
        when, name, value = line.split(",")
        point = points[name]
        if point.quantity not in ("status", "volume"):
            rows.append(f"{when},{point.element},{point.quantity},{value},{point.unit}")
    file = site / "readings.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", ["check", "calibrate", "diagnose"])
def test_command_beside_the_truth_does_not_look_at_it(site: Path, tmp_path: Path, command: str) -> None:
    more = {"calibrate": ["--history", site / "history.csv"], "diagnose": ["--readings", readings(site)]}
    found = trace(tmp_path / "log", command, site, *more.get(command, []))
    asked = found.of(command)
    assert str(site / "network.inp") in asked
    assert plants(asked) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_service_that_diagnoses_beside_the_truth_does_not_look_at_it(site: Path, tmp_path: Path) -> None:
    trace(tmp_path / "calibrate.log", "calibrate", site, "--history", site / "history.csv")
    log = tmp_path / "serve.log"
    play = [*HYDRO, "simulate", str(site), "--episode", "documented", "--speed", "1800"]
    serve = [*TRACED, "-o", str(log), *HYDRO, "serve", str(site), "--port", "0", "--json"]
    with (tmp_path / "errors").open("w") as errors, running(play, errors) as plant, running(serve, errors) as service:
        for process in (plant, service):
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"], (tmp_path / "errors").read_text()
        with Records(load_site(site).stores.records_url) as records:
            wait_for(lambda: (records.plant_time() or 0) and str(records.plant_time()) > "2026-07-10 23:10", 120)
            said = subprocess.run(
                [*HYDRO, "complain", str(site), "--customer", "C-FAN", "--words", "no water", "--json"],
                cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
            )  # fmt: skip
            wait_for(lambda: records.complaint(json.loads(said.stdout)["id"]).diagnosis_id, 120)
    found = read_trace(log)
    asked = found.of("serve")
    assert {str(site / name) for name in ("network.inp", "points.csv", "customers.csv", "data/baseline.npz")} <= set(
        asked
    )
    assert plants(asked) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_demo_tells_the_case_and_only_its_plant_opens_the_truth(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = subprocess.run(
        [*TRACED, "-o", str(log), *HYDRO, "demo", "--headless", "--json", "--keep", str(tmp_path / "kept")],
        cwd=ROOT, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    story = json.loads(done.stdout)
    assert [(step["name"], step["ok"]) for step in story["steps"]] == [
        (name, True)
        for name in ("healthy", "fault", "complaint", "diagnosis", "measurement", "what-if", "repair", "verified")
    ], done.stderr
    assert done.returncode == 0
    found = read_trace(log)
    for command in ("calibrate", "serve"):
        assert any(path.endswith("site/network.inp") for path in found.of(command))
        assert plants(found.of(command)) == []
    assert any(path.endswith("plant/truth.toml") for path in plants(found.of("simulate")))
