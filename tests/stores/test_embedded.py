from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.problem import Damaged, Unavailable
from models.sample import Quality, Sample
from stores.embedded import EmbeddedStore
from stores.spool import Spool

START = datetime(2026, 7, 11, 7, tzinfo=UTC)


def samples(count: int, point: str = "P", reason: str = "") -> list[Sample]:
    return [Sample(point, START + timedelta(seconds=second), 1.0, Quality.GOOD, reason) for second in range(count)]


def noise(count: int, point: str, reason: str = "") -> list[Sample]:
    """Samples of which each takes its eight bytes."""
    chance = random.Random(5)
    return [replace(one, value=chance.random()) for one in samples(count, point, reason)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(path)
    yield store
    store.close()


@pytest.mark.parametrize("kind", [EmbeddedStore, Spool])
def test_corrupt_file_is_said_with_its_path_and_left_as_it_is(
    path: Path, kind: type[EmbeddedStore] | type[Spool]
) -> None:
    path.parent.mkdir()
    rubbish = b"this was a database once" * 500
    path.write_bytes(rubbish)
    with pytest.raises(Damaged, match=rf"^{path}: is damaged .* left as it is"):
        kind(path)
    assert path.read_bytes() == rubbish


def test_file_that_is_damaged_inside_is_said_and_left(path: Path) -> None:
    store = EmbeddedStore(path)
    store.write(noise(20_000, "P"))
    store.close()
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 20)
    damaged = path.read_bytes()
    store = EmbeddedStore(path)
    with pytest.raises(Damaged, match=rf"^{path}: is damaged"):
        store.range(["P"], START, START + timedelta(days=1))
    store.close()
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(("make", "opened"), [(Spool, EmbeddedStore), (EmbeddedStore, Spool)])
def test_file_of_another_kind_is_not_touched(
    path: Path, make: type[EmbeddedStore] | type[Spool], opened: type[EmbeddedStore] | type[Spool]
) -> None:
    make(path).close()
    before = path.read_bytes()
    with pytest.raises(Damaged, match="but another SQLite file; it was left as it is"):
        opened(path)
    assert path.read_bytes() == before


def test_file_of_a_later_version_is_not_touched(path: Path) -> None:
    EmbeddedStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Damaged, match="telemetry store of version 99, expected 2"):
        EmbeddedStore(path)


def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(Unavailable, match=r"telemetry\.sqlite: "):
        EmbeddedStore(tmp_path / "data" / "telemetry.sqlite")


def test_full_file_is_said_and_what_was_kept_stays(path: Path) -> None:
    store = EmbeddedStore(path)
    store.write(samples(1000))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match=rf"^{path}: the disk is full .* still there$"):
        store.write(noise(100_000, "Q", "a reason that is new"))
    assert len(store.range(["P", "Q"], START, START + timedelta(days=9))) == 1000
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.write(noise(100_000, "Q", "a reason that is new"))
    store.close()
    store = EmbeddedStore(path)
    assert len(store.range(["P"], START, START + timedelta(days=9))) == 1000
    assert store.latest(["Q"])["Q"].reason == "a reason that is new"
    store.close()


FILL = """
import resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from models.problem import Unavailable
from models.sample import Sample
from stores.embedded import EmbeddedStore
import random, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = EmbeddedStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        start = datetime(2026, 7, 11, 7, tzinfo=UTC) + timedelta(seconds=kept)
        store.write([Sample("P", start + timedelta(seconds=second), random.random()) for second in range(500)])
        kept += 500
except Unavailable as error:
    print(kept, error)
"""


def test_disk_that_fills_up_loses_nothing_that_was_kept(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILL, path], capture_output=True, text=True, timeout=60, check=True)
    kept, _, said = done.stdout.partition(" ")
    assert f"{path}: the disk is full" in said
    assert int(kept) > 0
    store = EmbeddedStore(path)
    assert len(store.range(["P"], START, START + timedelta(days=99))) == int(kept)
    store.write(samples(1, "Q"))
    store.close()


def test_many_may_open_a_new_store_at_once(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: EmbeddedStore(path), range(8)))
        list(pool.map(lambda numbered: numbered[1].write(samples(50, f"P{numbered[0]}")), enumerate(stores)))
    assert len(stores[0].latest([f"P{number}" for number in range(8)])) == 8
    for store in stores:
        store.close()


def test_nothing_of_a_batch_is_kept_when_one_sample_cannot_be(store: EmbeddedStore) -> None:
    good = samples(1, "new", "new reason")
    bad = Sample("P", START, "no number")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no number"):
        store.write([*good, bad])
    assert store.newest() is None
    store.write(good)
    assert store.latest(["new"])["new"] == good[0]


def test_copy_of_a_closed_store_is_whole(store: EmbeddedStore, path: Path, tmp_path: Path) -> None:
    store.write(samples(100))
    store.close()
    copy = tmp_path / "copy.sqlite"
    shutil.copy(path, copy)
    again = EmbeddedStore(copy)
    assert len(again.range(["P"], START, START + timedelta(days=1))) == 100
    again.close()
