"""From the spool into a real InfluxDB that goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.forwarder import Forwarder
from models.sample import Quality, Sample
from stores.influx import InfluxStore
from stores.spool import Spool
from tests.stores.influx_server import InfluxServer

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
PATIENCE_S = 60.0


def samples(count: int, first: int = 0) -> list[Sample]:
    return [Sample("P", START + timedelta(seconds=first + one), float(first + one)) for one in range(count)]


async def emptied(spool: Spool) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while spool.backlog():
            await asyncio.sleep(0.05)


@pytest.mark.influxdb
async def test_what_comes_while_the_server_is_away_waits_on_disk_and_is_there_once(
    start_influxd: Callable[[], InfluxServer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await asyncio.to_thread(start_influxd)
    settings = server.bucket()
    spool, store = Spool(tmp_path / "spool.sqlite"), InfluxStore(settings)
    forwarder = Forwarder(spool, store)
    running = asyncio.create_task(forwarder.run())
    spool.append(samples(100))
    forwarder.wake()
    await emptied(spool)
    server.kill()
    for first in range(100, 300, 50):
        spool.append(samples(50, first))
        forwarder.wake()
        await asyncio.sleep(0.3)
    assert spool.backlog() == 200
    # What was sent before the crash and was not answered is sent again.
    spool.append(samples(100))
    await asyncio.to_thread(server.begin)
    await emptied(spool)
    forwarder.end()
    await running
    assert store.range(["P"], START, START + timedelta(hours=1)) == samples(300)
    told = [one.getMessage() for one in caplog.records if one.name == "collectors.forwarder"]
    assert len(told) == 2
    assert told[0].endswith("; samples wait in the spool")
    assert told[1] == "the store takes samples again"
    spool.close()
    store.close()


@pytest.mark.influxdb
async def test_sample_that_the_server_will_never_take_is_put_aside_and_blocks_nothing(
    influxdb: InfluxServer, tmp_path: Path
) -> None:
    spool, store = Spool(tmp_path / "spool.sqlite"), InfluxStore(influxdb.bucket())
    forwarder = Forwarder(spool, store)
    odd = Sample("a line\nbreak", START, 1.0, Quality.GOOD)
    spool.append([*samples(20), odd, *samples(20, 20)])
    forwarder.end()
    await forwarder.run()
    assert spool.backlog() == 0
    assert [sample for sample, _ in spool.refused()] == [odd]
    assert store.range(["P"], START, START + timedelta(hours=1)) == samples(40)
    spool.close()
    store.close()
