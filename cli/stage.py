"""The stage of the demo: a copy of the sample site, the plant and the service as processes of their own.

The service works on a folder without ``plant/``; the orchestrator acts at the plant as a crew would, through its
control port, and at the service through its records.
"""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.problem import Unavailable
from simulator.port import free_port

ENDING_S = 10.0
"""How long a process that was asked to end may take."""
_PARENT_DIED = 1
"""PR_SET_PDEATHSIG of Linux' prctl(2): the signal that a process gets when its parent has gone."""
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Casting:
    """What is played: the sample site, the episode, its speed and seed, and perhaps another main to block."""

    sample: Path
    episode: str
    speed: float
    seed: int | None
    fault_link: str | None


class Crew:
    """People at the plant: they measure, and they change pipes. The control port never tells them the truth.

    ``heard`` is the plant's time as they were told it last. Whatever they ask raises ``Unavailable`` when the plant
    has gone.
    """

    def __init__(self, port: int, heard: datetime) -> None:
        self.heard = heard
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120.0)
        self._lines = self._socket.makefile("r", encoding="utf-8")

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def time(self) -> datetime:
        """Return the plant's time."""
        self.heard = datetime.fromisoformat(self._ask({"do": "time"})["plant_time"])
        return self.heard

    def pace(self, speed: float) -> None:
        """Let the plant's time run so many seconds a second from now on."""
        self._ask({"do": "pace", "speed": speed})

    def complaints(self) -> list[dict[str, Any]]:
        """Return the complaints that the plant's customers have raised so far."""
        found: list[dict[str, Any]] = self._ask({"do": "complaints"})["complaints"]
        return found

    def pressure(self, node: str, minutes: float) -> float:
        """Return the mean of a gauge held at a node for some minutes of plant time [m]."""
        asked = {"do": "measure", "node": node, "quantity": "pressure", "minutes": minutes}
        return float(self._ask(asked)["mean"])

    def repair(self, link: str, **values: float) -> None:
        """Lay a link anew, or free it."""
        self._ask({"do": "event", "event": {"kind": "repair", "link": link, **values}})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise Unavailable(f"the plant does not answer: {error}") from error
        if not line:
            raise Unavailable("the plant has hung up")
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ok"):
            raise Unavailable(f"the plant refuses {request['do']}: {answer.get('error')}")
        return answer


@dataclass(frozen=True, slots=True)
class Stage:
    """What the story needs: the service's site folder and the crew at the plant."""

    site: Path
    url: str
    crew: Crew
    processes: Mapping[str, subprocess.Popen[str]]

    def check(self) -> None:
        """Raise ``Unavailable`` when the plant or the service has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise Unavailable(f"the {name} ended with status {process.returncode}")


@contextmanager
def set_stage(casting: Casting, folder: Path) -> Iterator[Stage]:
    """Copy the site, learn the baseline, start plant and service; end both when the story is over."""
    plant, site = folder / "plant-site", folder / "site"
    shutil.copytree(casting.sample, plant, ignore=shutil.ignore_patterns("data", "__pycache__"))
    _move_ports(plant / "site.toml")
    shutil.copytree(plant, site, ignore=shutil.ignore_patterns("plant", "data"))
    with ExitStack() as stack:
        command = ["simulate", str(plant), "--episode", casting.episode, "--speed", f"{casting.speed:g}"]
        command += [] if casting.seed is None else ["--seed", str(casting.seed)]
        command += [] if casting.fault_link is None else ["--fault-link", casting.fault_link]
        _hydro(["calibrate", str(site), "--history", str(site / "history.csv"), "--json"])
        # The service first: the plant's clock runs from its start, ten minutes a second, and waits for nobody.
        serve = stack.enter_context(_running(["serve", str(site), "--port", "0", "--json"], folder / "service.log"))
        served = _first_line(serve, folder / "service.log")
        simulate = stack.enter_context(_running(command, folder / "plant.log"))
        ready = _first_line(simulate, folder / "plant.log")
        crew = Crew(int(ready["control_port"]), datetime.fromisoformat(ready["plant_time"]))
        stack.callback(crew.close)
        yield Stage(site, str(served["url"]), crew, {"plant": simulate, "service": serve})


def _hydro(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise Unavailable(f"hydro {arguments[0]} ended with status {done.returncode}: {done.stderr.strip()}")


@contextmanager
def _running(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            preexec_fn=_end_with_the_demo,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _end_with_the_demo() -> None:
    """Ask the system, from within the new process, to end it when the demo is killed and can end nobody."""
    if _LIBC is not None:
        _LIBC.prctl(_PARENT_DIED, signal.SIGTERM)


def _first_line(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(ENDING_S)
        said = log.read_text(encoding="utf-8").strip()
        raise StageError(process.returncode, said or "ended before it was ready")
    answer: dict[str, Any] = json.loads(line)
    return answer


class StageError(Unavailable):
    """A process of the demo did not start; ``status`` is its exit status."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(said)


def _move_ports(path: Path) -> None:
    """Give every device of a copied site a free port of its own, equal ports staying equal."""
    text = path.read_text(encoding="utf-8")
    moved: dict[str, str] = {}

    def move(found: re.Match[str]) -> str:
        old = found.group(2)
        moved.setdefault(old, str(free_port()))
        return found.group(1) + moved[old]

    text = re.sub(r"(^port\s*=\s*)(\d+)", move, text, flags=re.MULTILINE)
    path.write_text(re.sub(r'(^url\s*=\s*"opc\.tcp://[^:"]+:)(\d+)', move, text, flags=re.MULTILINE), encoding="utf-8")
