from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.dropped_files import DroppedFiles
from collectors.forwarder import Forwarder
from models.point import Point
from models.problem import Unavailable
from models.quantity import Quantity
from models.sample import Quality, Sample
from stores.embedded import EmbeddedStore
from stores.spool import Spool

START = datetime(2026, 7, 10, 16, tzinfo=UTC)
POINT = Point("L-1", "J1", Quantity.PRESSURE, "m", "", "", valid_min=0.0, valid_max=100.0)
GOOD = "time,point,value\n2026-07-11T00:00:00+08:00,L-1,31.5\n2026-07-11T00:15:00+08:00,L-1,32.5\n"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.sqlite")
    yield spool
    spool.close()


@pytest.fixture
def files(tmp_path: Path, spool: Spool) -> DroppedFiles:
    (tmp_path / "dropped").mkdir()
    return DroppedFiles(tmp_path / "dropped", [POINT], spool, lambda: None, look_s=0.01)


def waiting(spool: Spool) -> list[Sample]:
    return [sample for batch in spool.peek(10**6) for sample in batch.samples]


def test_file_that_has_come_to_rest_is_taken_with_the_times_it_tells(
    tmp_path: Path, spool: Spool, files: DroppedFiles
) -> None:
    path = tmp_path / "dropped" / "logger.csv"
    path.write_text(GOOD, encoding="utf-8")
    files.look()
    assert waiting(spool) == []
    files.look()
    assert waiting(spool) == [Sample("L-1", START, 31.5), Sample("L-1", START + timedelta(minutes=15), 32.5)]
    assert not path.exists()
    assert (tmp_path / "dropped" / "taken" / "logger.csv").read_text(encoding="utf-8") == GOOD


def test_file_that_still_grows_is_left_until_it_is_whole(tmp_path: Path, spool: Spool, files: DroppedFiles) -> None:
    path = tmp_path / "dropped" / "logger.csv"
    for length in range(1, len(GOOD), 9):
        path.write_text(GOOD[:length], encoding="utf-8")
        files.look()
    path.write_text(GOOD, encoding="utf-8")
    files.look()
    assert waiting(spool) == []
    files.look()
    assert len(waiting(spool)) == 2


def test_late_values_are_held_against_the_valid_range_like_any_other(
    tmp_path: Path, spool: Spool, files: DroppedFiles
) -> None:
    (tmp_path / "dropped" / "logger.csv").write_text(
        "time,point,value,quality\n2026-07-11T00:00:00+08:00,L-1,999,\n2026-07-11T00:01:00+08:00,L-1,,\n"
        "2026-07-11T00:02:00+08:00,L-1,5,uncertain\n",
        encoding="utf-8",
    )
    files.look()
    files.look()
    found = waiting(spool)
    assert [one.quality for one in found] == [Quality.BAD, Quality.BAD, Quality.UNCERTAIN]
    assert found[0].reason == "outside valid range"
    assert math.isnan(found[1].value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,point,value\n2026-07-11T00:00:00,L-1,1\n", ':2: reading of L-1: time "2026-07-11T00:00:00" is naive'),
        ("time,point,value\n2026-07-11T00:00:00Z,L-9,1\n", ':2: reading of L-9: point "L-9" is not in points.csv'),
        ("time,point,value\n2026-07-11T00:00:00Z,L-1,much\n", ':2: reading of L-1: value "much" is no number'),
        ("time,point,value\n2026-07-11T00:00:00Z,L-1,1\n2026-07-11T00:1", ":3: has 1 values, expected 3"),
        ("time,point,value\n2026-07-11T00:00:00Z,L-1\n", ":2: has 2 values, expected 3"),
        ("time,point,value\n0001-01-01T00:00:00+08:00,L-1,1\n", "expected one from 1970 on and before 2200"),
        ('time,point,value\n"' + GOOD * 2000, "perhaps a quote is not closed"),
        ("time,value\n", ":1: column point is missing"),
        ("", "is empty, expected a header line"),
        ("time,point,value\n", "holds no readings"),
    ],
)
def test_file_that_is_wrong_is_set_aside_with_the_reason_and_blocks_no_other(
    tmp_path: Path, spool: Spool, files: DroppedFiles, text: str, said: str
) -> None:
    folder = tmp_path / "dropped"
    (folder / "a-wrong.csv").write_text(text, encoding="utf-8")
    (folder / "b-right.csv").write_text(GOOD, encoding="utf-8")
    files.look()
    files.look()
    assert len(waiting(spool)) == 2
    assert (folder / "refused" / "a-wrong.csv").read_text(encoding="utf-8") == text
    assert said in (folder / "refused" / "a-wrong.csv.txt").read_text(encoding="utf-8")


def test_file_that_nobody_thought_of_is_set_aside_too(
    tmp_path: Path, spool: Spool, files: DroppedFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprised(path: Path, points: object) -> list[Sample]:
        raise RuntimeError("surprise")

    monkeypatch.setattr("collectors.dropped_files.read_history", surprised)
    (tmp_path / "dropped" / "logger.csv").write_text(GOOD, encoding="utf-8")
    files.look()
    files.look()
    assert waiting(spool) == []
    assert (tmp_path / "dropped" / "refused" / "logger.csv.txt").read_text(
        encoding="utf-8"
    ) == "unexpected RuntimeError\n"


def test_file_waits_while_the_spool_cannot_be_written(tmp_path: Path, spool: Spool, files: DroppedFiles) -> None:
    path = tmp_path / "dropped" / "logger.csv"
    rows = "".join(
        f"2026-07-11T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z,L-1,{50 + math.sin(n)}\n" for n in range(9000)
    )
    path.write_text("time,point,value\n" + rows, encoding="utf-8")
    files.look()
    spool._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(Unavailable, match="the disk is full"):
        files.look()
    assert path.exists()
    spool._connection.execute("PRAGMA max_page_count = 100000")
    files.look()
    assert not path.exists()
    assert spool.backlog() == 9000


async def test_same_file_twice_is_in_the_store_once_and_neither_file_is_lost(tmp_path: Path, spool: Spool) -> None:
    store = EmbeddedStore(tmp_path / "telemetry.sqlite")
    forwarder = Forwarder(spool, store)
    files = DroppedFiles(tmp_path / "dropped", [POINT], spool, forwarder.wake, look_s=0.01)
    taking = asyncio.create_task(files.run())
    forwarding = asyncio.create_task(forwarder.run())
    for _ in range(2):
        async with asyncio.timeout(30):
            while not (tmp_path / "dropped").exists():
                await asyncio.sleep(0.01)
            (tmp_path / "dropped" / "logger.csv").write_text(GOOD, encoding="utf-8")
            while (tmp_path / "dropped" / "logger.csv").exists():
                await asyncio.sleep(0.01)
    taking.cancel()
    forwarder.end()
    await forwarding
    assert [one.value for one in store.range(["L-1"], START, START + timedelta(hours=1))] == [31.5, 32.5]
    assert sorted(one.name for one in (tmp_path / "dropped" / "taken").iterdir()) == ["logger-2.csv", "logger.csv"]
    store.close()
    await asyncio.gather(taking, return_exceptions=True)


def test_loggers_times_older_than_the_polled_ones_stand_in_their_place(tmp_path: Path, spool: Spool) -> None:
    """A logger rings once a day: its samples come after newer ones of the same point, and are found between them."""
    store = EmbeddedStore(tmp_path / "telemetry.sqlite")
    store.write([Sample("L-1", START + timedelta(days=one), float(one)) for one in (-1, 1)])
    files = DroppedFiles(tmp_path / "dropped", [POINT], spool, lambda: None)
    (tmp_path / "dropped").mkdir()
    (tmp_path / "dropped" / "LOGGER.CSV").write_text(GOOD, encoding="utf-8-sig")
    files.look()
    files.look()
    for batch in spool.peek():
        store.write(batch.samples)
    span = (START - timedelta(days=2), START + timedelta(days=2))
    assert [one.value for one in store.range(["L-1"], *span)] == [-1.0, 31.5, 32.5, 1.0]
    assert store.latest(["L-1"])["L-1"].value == 1.0
    store.close()
