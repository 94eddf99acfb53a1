"""What was acknowledged is in the store, each sample once, whoever is killed; by the hundred in the benchmarks."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.influx_server import InfluxServer
from tests.stores.killed import check, kill_collector, kill_server
from tests.stores.load import POINTS

KILLS = 20


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", pytest.param("influxdb", marks=pytest.mark.influxdb)])
@pytest.mark.timeout(300)
def test_collector_that_is_killed_at_random_moments_loses_nothing_acknowledged(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    server = tuple[str, ...]()
    if kind == "influxdb":
        found: Any = request.getfixturevalue("influxdb").bucket()
        server = (found.url, found.bucket, found.token)
    acquired = kill_collector(tmp_path, KILLS, random.Random(23), server)
    check(tmp_path, acquired, server)
    assert acquired > KILLS * POINTS


@pytest.mark.slow
@pytest.mark.influxdb
@pytest.mark.timeout(300)
def test_server_that_is_killed_at_random_moments_has_everything_in_the_end(
    start_influxd: Callable[[], InfluxServer], tmp_path: Path
) -> None:
    assert kill_server(tmp_path, KILLS, random.Random(29), start_influxd()) > 0
