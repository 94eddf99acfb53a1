"""The embedded store against a plain dictionary, with blocks and settlings so small that everything happens often."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from models.problem import Unavailable
from models.sample import Quality, Sample
from models.site import Retention
from stores import embedded, run
from stores.embedded import EmbeddedStore
from stores.telemetry import Mean, TooOld

START = datetime(2026, 7, 11, tzinfo=UTC)
NAMES = ("A", "B", "C")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SETTLE", 60)
    monkeypatch.setattr(embedded, "SETTLE_ROWS", 7)
    monkeypatch.setattr(embedded, "MOST", 8)
    monkeypatch.setattr(run, "MOST", 8)


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., EmbeddedStore]]:
    opened: list[EmbeddedStore] = []

    def open_one(retention: Retention | None = None) -> EmbeddedStore:
        opened.append(EmbeddedStore(tmp_path / "telemetry.sqlite", retention))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def batch(chance: random.Random, kept: dict[tuple[str, datetime], Sample]) -> list[Sample]:
    """Samples in and out of order, some late, some written again."""
    newest = chance.choice((0, 400, 800))
    given = []
    for _ in range(chance.randint(0, 40)):
        quality = chance.choice((Quality.GOOD, Quality.GOOD, Quality.BAD))
        reason = "" if quality is Quality.GOOD else chance.choice(("timeout", "outside valid range"))
        time = at(newest + chance.randint(-100, 100))
        given.append(Sample(chance.choice(NAMES), time, chance.random(), quality, reason))
        kept[given[-1].point, time] = given[-1]
    return given


def blocks(tmp_path: Path) -> list[tuple[int, int, int]]:
    connection = sqlite3.connect(tmp_path / "telemetry.sqlite")
    found = connection.execute("SELECT point_id, first_us, last_us FROM blocks ORDER BY point_id, first_us").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize("seed", range(20))
def test_reads_are_those_of_a_plain_table_however_samples_came(
    open_store: Callable[..., EmbeddedStore], tmp_path: Path, seed: int
) -> None:
    chance, kept = random.Random(seed), dict[tuple[str, datetime], Sample]()
    writer, reader = open_store(), open_store()
    for _ in range(60):
        writer.write(batch(chance, kept))
        writer = open_store() if chance.random() < 0.1 else writer
        start, end = sorted(at(chance.randint(-200, 1000)) for _ in range(2))
        rows = sorted(kept.values(), key=lambda one: (one.time, one.point))
        inside = [one for one in rows if start <= one.time < end]
        assert sorted(reader.range(NAMES, start, end), key=lambda one: (one.time, one.point)) == inside
        assert reader.latest(NAMES) == {one.point: one for one in rows}
        assert reader.latest(NAMES, before=end) == {one.point: one for one in rows if one.time < end}
        assert reader.oldest() == min((one.time for one in rows), default=None)
        assert reader.newest() == max((one.time for one in rows), default=None)
        good = [one.value for one in inside if one.quality is Quality.GOOD and one.point == "A"]
        assert sum(mean.count for mean in reader.means(["A"], start, end, 60)) == len(good)
    assert reader.points() == list(NAMES)
    found = blocks(tmp_path)
    assert len(found) > 20
    # A point's blocks never overlap, or a sample could be found in the wrong one.
    assert all(one[2] < other[1] for one, other in pairwise(found) if one[0] == other[0])


def test_sample_is_packed_a_few_times_and_then_lies_in_a_long_block(
    open_store: Callable[..., EmbeddedStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MOST", 512)
    monkeypatch.setattr(run, "MOST", 512)
    packed, pack = list[int](), run.Run.packed

    def counted(one: run.Run) -> bytes:
        packed.append(len(one))
        return pack(one)

    monkeypatch.setattr(run.Run, "packed", counted)
    store = open_store()
    for second in range(4000):
        store.write([Sample("A", at(second), 1.0)])
    # Doubling from 7 to 512 is seven times.
    assert sum(packed) < 8 * 4000
    assert len(blocks(tmp_path)) < 4000 / 256 + 7


def test_samples_grow_old_into_means_and_means_go(open_store: Callable[..., EmbeddedStore]) -> None:
    store = open_store(Retention(samples_days=1.0, means_days=2.0, means_step_s=60.0))
    seconds = range(0, 3 * 86400, 20)
    store.write([Sample("A", at(second), float(second % 60)) for second in seconds])
    store.write([Sample("A", at(5), 1e6, Quality.BAD, "outside valid range")])
    before = store.means(["A"], at(0), at(3 * 86400), 3600.0)
    store.keep(at(3 * 86400))
    assert store.oldest() == at(2 * 86400)
    assert store.means(["A"], at(86400), at(3 * 86400), 3600.0) == [one for one in before if one.time >= at(86400)]
    assert store.means(["A"], at(86400), at(86400 + 60), 60.0) == [Mean("A", at(86400), 20.0, 3, 0.0, 40.0)]
    # The oldest means lie in a block of the file with younger ones, and go with these.
    assert store.means(["A"], at(0), at(86400 - 3600), 3600.0) == []
    # Growing old a second time changes nothing.
    kept = store.means(["A"], at(86400), at(3 * 86400), 60.0)
    store.keep(at(3 * 86400))
    assert store.means(["A"], at(86400), at(3 * 86400), 60.0) == kept


def test_sample_older_than_what_is_kept_is_refused_and_the_others_are_not(
    open_store: Callable[..., EmbeddedStore],
) -> None:
    store = open_store(Retention(samples_days=1.0, means_step_s=60.0))
    store.write([Sample("A", at(0), 1.0), Sample("A", at(90_000), 2.0)])
    store.keep(at(2 * 86400))
    late = [Sample("A", at(10), 9.0), Sample("A", at(2 * 86400), 3.0)]
    with pytest.raises(
        TooOld, match=r"1 samples are older than 2026-07-12T00:00:00\+00:00, .* point A at 2026-07-11"
    ) as caught:
        store.write(late)
    assert list(caught.value.samples) == late[:1]
    assert [one.value for one in store.range(["A"], at(0), at(10 * 86400))] == [2.0, 3.0]
    # Nothing is added to a mean that has been made: what is sent twice would count twice.
    assert store.means(["A"], at(0), at(60), 60.0) == [Mean("A", at(0), 1.0, 1, 1.0, 1.0)]


def test_block_that_a_broken_disk_has_spoilt_is_said_and_blocks_no_writing(
    open_store: Callable[..., EmbeddedStore], tmp_path: Path
) -> None:
    store = open_store()
    for second in range(40):
        store.write([Sample(name, at(second), 1.0) for name in ("A", "B")])
    other = sqlite3.connect(tmp_path / "telemetry.sqlite")
    assert other.execute("UPDATE blocks SET content = x'00ff' WHERE point_id = 1").rowcount > 0
    other.commit()
    other.close()
    for second in range(40, 200):
        store.write([Sample(name, at(second), 1.0) for name in ("A", "B")])
    with pytest.raises(Unavailable, match=r"telemetry\.sqlite: is damaged"):
        store.range(["A"], at(0), at(40))
    assert len(store.range(["B"], at(0), at(200))) == 200
    assert len(store.range(["A"], at(100), at(200))) == 100
