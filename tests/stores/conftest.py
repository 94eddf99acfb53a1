from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from models.site import InfluxSettings

PROVIDE = Path(__file__).parents[1] / "influxd" / "provide"
START_S = 60.0
_names = count(1)


@dataclass(frozen=True)
class InfluxServer:
    """A real InfluxDB 2 server on loopback, set up with an organisation and a token."""

    url: str
    token: str
    process: subprocess.Popen[bytes]

    def ask(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            self.url + path,
            json.dumps(content).encode(),
            {"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def bucket(self) -> InfluxSettings:
        """A new, empty bucket."""
        name = f"bucket-{next(_names)}"
        self.ask("/api/v2/buckets", {"name": name, "orgID": self._organisation(), "retentionRules": []})
        return InfluxSettings(self.url, "hydro", name, self.token)

    def _organisation(self) -> str:
        request = urllib.request.Request(
            f"{self.url}/api/v2/orgs?org=hydro", headers={"Authorization": f"Token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["orgs"][0]["id"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return bool(json.load(answer)["status"] == "pass")
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture(scope="session")
def start_influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., InfluxServer]]:
    """Starts servers; asked again with the same folder and port, it starts one on what another has left there."""
    found = subprocess.run([PROVIDE, "--find"], capture_output=True, text=True, check=False)
    if found.returncode:
        missing = "no InfluxDB 2 server on this machine: make influxd brings one"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    running: list[InfluxServer] = []

    def start(folder: Path | None = None, port: int | None = None) -> InfluxServer:
        fresh = folder is None
        folder, port = folder or tmp_path_factory.mktemp("influxd"), port or _free_port()
        options = {
            "http-bind-address": f"127.0.0.1:{port}",
            "bolt-path": folder / "i.bolt",
            "sqlite-path": folder / "i.sqlite",
            "engine-path": folder / "engine",
            "log-level": "error",
        }
        command = [
            found.stdout.strip(),
            "--reporting-disabled",
            *(f"--{key}={value}" for key, value in options.items()),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server = InfluxServer(f"http://127.0.0.1:{port}", "a-token-for-tests", process)
        running.append(server)
        deadline = time.monotonic() + START_S
        while not _healthy(server.url):
            assert process.poll() is None, "influxd ended before it was ready"
            assert time.monotonic() < deadline, "influxd is not ready"
            time.sleep(0.05)
        if fresh:
            who = {"username": "hydro", "password": "a-password-for-tests"}
            server.ask("/api/v2/setup", {**who, "org": "hydro", "bucket": "unused", "token": server.token})
        return server

    yield start
    for server in running:
        server.process.kill()
        server.process.wait(30)


@pytest.fixture(scope="session")
def influxdb(start_influxd: Callable[..., InfluxServer]) -> InfluxServer:
    return start_influxd()
