"""`hydro demo --headless` as a process: how it ends when it is told to, or when its plant goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.main import main

ROOT = Path(__file__).parents[2]


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the demo until its plant and its service run."""
    options = ["--headless", "--json", "--speed", "1800", "--keep", str(folder / "kept")]
    command = [sys.executable, "-m", "cli.main", "demo", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: {"simulate", "serve"} <= set(children(process)))
        yield process
    finally:
        # SIGKILL leaves nobody to end the others.
        for pid in children(process).values():
            os.kill(pid, signal.SIGKILL)
        if process.poll() is None:
            process.kill()
            process.communicate()


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the processes that another has started, by the command of hydro that they run."""
    found: dict[str, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = status.read_text().rpartition(")")[2].split()[1]
            words = (status.parent / "cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == process.pid and "cli.main" in words:
            found[words[words.index("cli.main") + 1]] = int(status.parent.name)
    return found


def runs(pid: int) -> bool:
    """Return whether a process runs; one that has ended and that nobody has asked for yet has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(met: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.usefixtures("attended")
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_plant_and_service_end_with_the_demo(tmp_path: Path, told: signal.Signals) -> None:
    with demo(tmp_path) as process:
        started = children(process)
        process.send_signal(told)
        _, errors = process.communicate(timeout=60)
        left = {name: pid for name, pid in started.items() if Path(f"/proc/{pid}").exists()}
        for pid in left.values():
            os.kill(pid, signal.SIGKILL)
    assert left == {}
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has gone")
def test_plant_and_service_end_when_the_demo_is_killed(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        started = children(process)
        process.kill()
        process.communicate()
    try:
        wait_for(lambda: not any(runs(pid) for pid in started.values()))
    finally:
        for pid in filter(runs, started.values()):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("lost", "why"), [("simulate", "the plant"), ("serve", "the service ended with status -9")])
def test_step_does_not_happen_when_plant_or_service_dies(tmp_path: Path, lost: str, why: str) -> None:
    with demo(tmp_path) as process:
        assert process.stderr is not None
        told = next(line for line in process.stderr if "COMPLAINT" in line)
        os.kill(children(process)[lost], signal.SIGKILL)
        said, errors = process.communicate(timeout=120)
    assert process.returncode == 1, told + errors
    story = json.loads(said)
    assert story["ok"] is False
    assert [(step["name"], step["ok"]) for step in story["steps"]] == [
        ("healthy", True), ("fault", True), ("complaint", True), ("diagnosis", False)
    ]  # fmt: skip
    assert why in story["steps"][-1]["figures"]["reason"]


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "4000"])
def test_speed_at_which_nothing_can_be_played_is_wrong_usage(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", f"--speed={speed}"])
    assert ended.value.code == 2
    assert f"--speed: {speed}, expected more than 0 and at most 3600" in capsys.readouterr().err
