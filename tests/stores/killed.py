"""Kill -9 at random moments, of a collector under load and of the server it writes to; and what must be there then."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np

from stores.instant import microseconds
from stores.telemetry import open_telemetry
from tests.stores.influx_server import InfluxServer
from tests.stores.load import POINTS, START, settings

ROOT = Path(__file__).parents[2]
AGAIN = 20_000
"""Samples that the last collector acquires at least: more than any before it has kept and not lived to say so."""


class Collector:
    """A collector that can be begun, killed and begun again; ``acknowledged`` is how many samples it has said are."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._child = 0
        self.acknowledged = 0

    def begin(self) -> None:
        """Go on with the first sample that is not acknowledged, as a device would be asked again."""
        assert self._process.stdin is not None
        print(self.acknowledged, file=self._process.stdin, flush=True)
        self._child = int(self._line().removeprefix("begun "))

    def hear(self) -> None:
        """Wait until more is acknowledged than was known."""
        self.acknowledged = int(self._line())

    def end(self, how: signal.Signals) -> int:
        """End it by a signal; return its status once everything is heard that it had said."""
        os.kill(self._child, how)
        while not (line := self._line()).startswith("ended "):
            self.acknowledged = int(line)
        return int(line.removeprefix("ended "))

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the collector's parent has ended"
        return line.rstrip("\n")


@contextmanager
def collector(folder: Path, server: tuple[str, ...] = ()) -> Iterator[Collector]:
    """Prepare a collector into the embedded store, or into a server's (URL, bucket, token)."""
    command = [sys.executable, "-m", "tests.stores.load", str(folder), *server]
    # One thread, so that it may be forked.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        try:
            yield Collector(process)
        finally:
            process.kill()


def kill_collector(folder: Path, kills: int, chance: random.Random, server: tuple[str, ...] = ()) -> int:
    """Kill a collector so many times, each at a random moment after its first commit; return what was acknowledged."""
    with collector(folder, server) as one:
        for _ in range(kills):
            one.begin()
            one.hear()
            time.sleep(chance.uniform(0.0, 0.3))
            assert one.end(signal.SIGKILL) == -signal.SIGKILL
        one.begin()
        known = one.acknowledged
        while one.acknowledged < known + AGAIN:
            one.hear()
        assert one.end(signal.SIGTERM) == 0
        return one.acknowledged


def check(folder: Path, acquired: int, server: tuple[str, ...] = ()) -> None:
    """Fail unless every sample is in the store, once, with its value and in its place."""
    store = open_telemetry(settings(folder, server))
    held = 0
    for place in range(POINTS):
        found = store.columns([f"P-{place}"], START, START + timedelta(days=1))
        held += len(found)
        expected = np.arange(place, acquired, POINTS)
        assert len(found) == len(expected), f"P-{place}: {len(found)} samples in the store, expected {len(expected)}"
        assert found.value.tolist() == expected.tolist()
        assert found.time.tolist() == (microseconds(START) + 1000 * (expected // POINTS)).tolist()
    store.close()
    assert held == acquired


def kill_server(folder: Path, kills: int, chance: random.Random, server: InfluxServer) -> int:
    """Kill a server so many times under load; return how many samples were acknowledged meanwhile."""
    bucket = server.bucket()
    where = (bucket.url, bucket.bucket, bucket.token)
    with collector(folder, where) as one:
        one.begin()
        for _ in range(kills):
            time.sleep(chance.uniform(0.0, 0.5))
            server.kill()
            server.begin()
        assert one.end(signal.SIGTERM) == 0
        check(folder, one.acknowledged, where)
        return one.acknowledged
