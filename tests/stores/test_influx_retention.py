"""Samples grow old in a real InfluxDB: its task makes means of them a day before they go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException

from collectors.forwarder import Forwarder
from models.problem import BadInput, Unavailable
from models.sample import Quality, Sample
from models.site import InfluxSettings, Retention
from stores.influx import InfluxStore
from stores.influx_retention import means_bucket, means_until
from stores.spool import Spool
from stores.telemetry import Mean, TooOld
from tests.stores.influx_server import InfluxServer

pytestmark = pytest.mark.influxdb
THREE_DAYS = Retention(samples_days=3.0, means_days=30.0, means_step_s=300.0)
PATIENCE_S = 30.0


@pytest.fixture
def settings(influxdb: InfluxServer) -> InfluxSettings:
    made: InfluxSettings = influxdb.bucket()
    return made


@pytest.fixture
def store(settings: InfluxSettings) -> Iterator[InfluxStore]:
    store = InfluxStore(settings, THREE_DAYS)
    store.prepare()
    yield store
    store.close()


def run_task(settings: InfluxSettings) -> None:
    with InfluxDBClient(settings.url, settings.token, org=settings.org) as client:
        tasks = client.tasks_api()
        (task,) = tasks.find_tasks(name=f"hydro: means of {settings.bucket}")
        run = tasks.run_manually(task.id)
        deadline, status = time.monotonic() + PATIENCE_S, ""
        while status not in ("success", "failed"):
            assert time.monotonic() < deadline, "the task does not end"
            # Between running and having run it is nowhere.
            with suppress(ApiException):
                status = tasks.get_run(task.id, run.id).status
            time.sleep(0.1)
        assert status == "success"


def test_task_makes_means_of_the_day_that_is_about_to_go(store: InfluxStore, settings: InfluxSettings) -> None:
    today = means_until(Retention(samples_days=1.0), datetime.now(UTC))
    # The task summarises the day that is two to three days old.
    day = today - timedelta(days=2)
    store.write([Sample("A", day + timedelta(seconds=60 * one), float(one % 5)) for one in range(10)])
    store.write([Sample("A", day + timedelta(seconds=90), 1e6, Quality.BAD, "outside valid range")])
    fresh = store.means(["A"], day, today, 300.0)
    assert fresh == [
        Mean("A", day, 2.0, 5, 0.0, 4.0),
        Mean("A", day + timedelta(seconds=300), 2.0, 5, 0.0, 4.0),
    ]
    run_task(settings)
    run_task(settings)
    later = InfluxStore(settings, replace(THREE_DAYS, samples_days=2.0))
    # For who keeps samples two days only, that day is gone: the means stand for it, and for nothing twice.
    assert later.means(["A"], day, today, 300.0) == fresh
    assert later.means(["A"], day, today, 600.0) == [Mean("A", day, 2.0, 10, 0.0, 4.0)]
    assert store.means(["A"], day, today, 300.0) == fresh
    later.close()


def test_preparing_again_changes_what_is_there_and_doubles_nothing(
    store: InfluxStore, settings: InfluxSettings
) -> None:
    again = InfluxStore(settings, Retention(samples_days=5.0, means_days=50.0))
    again.prepare()
    again.prepare()
    again.close()
    with InfluxDBClient(settings.url, settings.token, org=settings.org) as client:
        buckets = client.buckets_api()
        for name, days in ((settings.bucket, 5), (means_bucket(settings), 50)):
            bucket = buckets.find_bucket_by_name(name)
            assert [rule.every_seconds for rule in bucket.retention_rules] == [days * 86400]
        assert len(client.tasks_api().find_tasks(name=f"hydro: means of {settings.bucket}")) == 1


def test_sample_that_is_older_than_the_bucket_keeps_is_refused_and_the_others_are_not(store: InfluxStore) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old, new = Sample("A", now - timedelta(days=9), 1.0), Sample("A", now, 2.0)
    with pytest.raises(TooOld, match=r"1 samples are older than .* the first is of point A at") as caught:
        store.write([old, new])
    assert list(caught.value.samples) == [old]
    assert store.range(["A"], now - timedelta(days=10), now + timedelta(seconds=1)) == [new]


def test_bucket_that_keeps_less_than_the_site_says_refuses_by_itself(
    store: InfluxStore, settings: InfluxSettings
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    other = InfluxStore(settings)
    with pytest.raises(BadInput, match=r"refuses \(422\)"):
        other.write([Sample("A", now - timedelta(days=9), 1.0), Sample("A", now, 2.0)])
    other.close()
    assert store.counts() == {"A": 1}


async def test_many_samples_that_are_too_old_are_put_aside_at_once_and_block_nothing(
    store: InfluxStore, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, sent = datetime.now(UTC).replace(microsecond=0), list[bytes]()
    send = store._send

    def counted(body: bytes, bucket: str) -> None:
        sent.append(body)
        send(body, bucket)

    monkeypatch.setattr(store, "_send", counted)
    spool = Spool(tmp_path / "spool.sqlite")
    for one in range(1000):
        spool.append(
            [Sample("A", now - timedelta(days=9, seconds=one), 1.0), Sample("A", now - timedelta(seconds=one), 2.0)]
        )
    forwarder = Forwarder(spool, store)
    forwarder.end()
    await forwarder.run()
    assert (spool.backlog(), spool.state().set_aside, store.counts()) == (0, 1000, {"A": 1000})
    assert len(sent) == 1
    told = [one.getMessage() for one in caplog.records if one.name == "collectors.forwarder"]
    assert len(told) == 1
    assert told[0].startswith("1000 samples are put aside, the first of point A: ")
    spool.close()


def test_retention_too_short_for_the_task_and_token_too_weak_are_said(settings: InfluxSettings) -> None:
    store = InfluxStore(settings, Retention(samples_days=1.0))
    with pytest.raises(BadInput, match=r"samples_days 1, expected with InfluxDB at least 3, or 0 for ever"):
        store.prepare()
    store.close()
    store = InfluxStore(replace(settings, token="wrong"), THREE_DAYS)
    with pytest.raises(Unavailable, match="401"):
        store.prepare()
    store.close()
