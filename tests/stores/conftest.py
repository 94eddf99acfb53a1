from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.stores.influx_server import InfluxServer, binary


@pytest.fixture(scope="session")
def start_influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], InfluxServer]]:
    """Starts servers; they are ended with the session."""
    program = binary()
    if program is None:
        missing = "no InfluxDB 2 server on this machine: make influxd brings one"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    running: list[InfluxServer] = []

    def start() -> InfluxServer:
        running.append(InfluxServer(program, tmp_path_factory.mktemp("influxd")))
        return running[-1]

    yield start
    for server in running:
        server.kill()


@pytest.fixture(scope="session")
def influxdb(start_influxd: Callable[[], InfluxServer]) -> InfluxServer:
    return start_influxd()
