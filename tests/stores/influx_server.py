"""A real InfluxDB 2 server on loopback, for tests and benchmarks; ended by the process that was started."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any

from models.site import InfluxSettings
from simulator.port import free_port

PROVIDE = Path(__file__).parents[1] / "influxd" / "provide"
START_S = 60.0
TOKEN = "a-token-for-tests"
_names = count(1)


def binary() -> str | None:
    """Return the server's path, None if there is none on this machine."""
    found = subprocess.run([PROVIDE, "--find"], capture_output=True, text=True, check=False)
    return None if found.returncode else found.stdout.strip()


class InfluxServer:
    """A server whose data lie in ``folder``, set up with an organisation and a token."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._command = [
            program, "--reporting-disabled", f"--http-bind-address=127.0.0.1:{self._port}", "--log-level=error",
            f"--bolt-path={folder / 'i.bolt'}", f"--sqlite-path={folder / 'i.sqlite'}",
            f"--engine-path={folder / 'engine'}",
        ]  # fmt: skip
        self.url = f"http://127.0.0.1:{self._port}"
        self.token = TOKEN
        self.begin()
        who = {"username": "hydro", "password": "a-password-for-tests"}
        self.ask("/api/v2/setup", {**who, "org": "hydro", "bucket": "unused", "token": self.token})

    def begin(self) -> None:
        """Start it on what it has left, and wait until it is ready."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not self._healthy():
            assert self._process.poll() is None, "influxd ended before it was ready"
            assert time.monotonic() < deadline, "influxd is not ready"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait(30)

    def ask(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        """Post something and return the answer."""
        return self._answer(path, json.dumps(content).encode())

    def bucket(self) -> InfluxSettings:
        """Return a new, empty bucket."""
        name = f"bucket-{next(_names)}"
        organisation = self._answer("/api/v2/orgs?org=hydro")["orgs"][0]["id"]
        self.ask("/api/v2/buckets", {"name": name, "orgID": organisation, "retentionRules": []})
        return InfluxSettings(self.url, "hydro", name, self.token)

    def _answer(self, path: str, content: bytes | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, content, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
            return said

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(json.load(answer)["status"] == "pass")
        except (OSError, urllib.error.URLError):
            return False
