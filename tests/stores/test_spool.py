from __future__ import annotations

import math
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.problem import Unavailable
from models.sample import Quality, Sample
from stores.spool import BATCH, Loss, Spool

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
KILLS = 20


def samples(count: int, first: int = 0) -> list[Sample]:
    return [Sample("P", START + timedelta(seconds=first + number), float(first + number)) for number in range(count)]


def waiting(spool: Spool) -> list[Sample]:
    return [sample for batch in spool.peek(10**9) for sample in batch.samples]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "data" / "spool.sqlite")
    yield spool
    spool.close()


def test_samples_wait_in_order_until_they_are_forgotten(spool: Spool) -> None:
    spool.append(samples(3))
    spool.append(samples(2, 3))
    assert waiting(spool) == waiting(spool) == samples(5)
    assert spool.backlog() == 5
    first = spool.peek(1)
    assert list(first[0].samples) == samples(3)
    spool.forget(first)
    assert waiting(spool) == samples(2, 3)
    assert spool.backlog() == 2
    spool.forget(spool.peek())
    assert spool.peek() == []


def test_nothing_appended_is_no_batch(spool: Spool) -> None:
    spool.append([])
    assert spool.peek() == []


def test_large_append_is_several_batches_and_peek_takes_about_what_it_is_asked_for(spool: Spool) -> None:
    spool.append(samples(3 * BATCH + 1))
    assert [len(batch.samples) for batch in spool.peek(10**9)] == [BATCH, BATCH, BATCH, 1]
    assert [len(batch.samples) for batch in spool.peek(BATCH + 1)] == [BATCH, BATCH]


times = st.integers(-(10**15), 10**16).map(lambda count: START + timedelta(microseconds=count))
any_sample = st.builds(
    Sample, st.text(), times, st.floats(allow_infinity=False), st.sampled_from(list(Quality)), st.text()
)


@settings(deadline=None)
@given(st.lists(any_sample, max_size=5))
def test_what_comes_out_is_what_went_in(tmp_path_factory: pytest.TempPathFactory, given_samples: list[Sample]) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool") / "spool.sqlite")
    spool.append(given_samples)
    assert [repr(sample) for sample in waiting(spool)] == [repr(sample) for sample in given_samples]
    spool.close()


def test_value_that_is_not_finite_comes_out_as_no_number(spool: Spool) -> None:
    spool.append([Sample("P", START, math.inf, Quality.BAD, "not a number")])
    assert math.isnan(waiting(spool)[0].value)


def test_refused_samples_are_kept_beside_the_queue(spool: Spool) -> None:
    spool.append(samples(2))
    spool.refuse(samples(1), "the server will not have it")
    assert spool.refused() == [(samples(1)[0], "the server will not have it")]
    assert spool.backlog() == 2


def test_row_that_a_broken_disk_has_spoilt_does_not_block_the_others(tmp_path: Path, spool: Spool) -> None:
    for first in range(3):
        spool.append(samples(1, first))
    other = sqlite3.connect(tmp_path / "data" / "spool.sqlite")
    (kept,) = other.execute("SELECT content FROM batches WHERE id = 2").fetchone()
    spoilt = kept[:20] + bytes([kept[20] ^ 1]) + kept[21:]
    other.execute("UPDATE batches SET content = ? WHERE id = 2", (spoilt,))
    other.commit()
    assert waiting(spool) == samples(1) + samples(1, 2)
    assert spool.backlog() == 2
    assert other.execute("SELECT content, why FROM refused").fetchall() == [(spoilt, "unreadable")]
    assert spool.refused() == []
    assert spool.state().set_aside == 1
    other.close()


def test_full_disk_is_said_and_what_was_acknowledged_stays(tmp_path: Path, spool: Spool) -> None:
    spool.append(samples(10))
    spool._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(Unavailable, match=r"spool\.sqlite: the disk is full .* still there$"):
        spool.append(samples(50_000, 10))
    assert waiting(spool) == samples(10)
    spool._connection.execute("PRAGMA max_page_count = 1000000")
    spool.append(samples(50_000, 10))
    assert spool.backlog() == 50_010


def noise(count: int, first: int) -> list[Sample]:
    """Samples of which each takes its eight bytes."""
    chance = random.Random(first)
    return [replace(one, value=chance.random()) for one in samples(count, first)]


def test_spool_that_has_what_it_may_of_the_disk_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    path, most = tmp_path / "spool.sqlite", 400_000
    spool = Spool(path, most_bytes=most)
    given = [noise(1000, first) for first in range(0, 100_000, 1000)]
    dropped = sum(spool.append(batch) for batch in given)
    kept = waiting(spool)
    assert 0 < dropped < 100_000
    # Whole batches from the oldest on, and every one of them counted.
    assert kept == [one for batch in given for one in batch][dropped:]
    (loss,) = spool.state().losses
    assert (loss.why, loss.samples) == ("the spool was full", dropped)
    assert (loss.first, loss.last) == (START, START + timedelta(seconds=dropped - 1))
    assert path.stat().st_size <= most + 100_000
    spool.close()
    spool = Spool(path, most_bytes=most)
    assert spool.state().losses == (loss,)
    spool.close()


def test_samples_of_this_very_moment_are_kept_however_small_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", most_bytes=1)
    assert spool.append(noise(5000, 0)) == 0
    assert spool.append(noise(5000, 5000)) == 5000
    assert waiting(spool) == noise(5000, 5000)
    spool.close()


def test_loss_that_happened_elsewhere_is_counted_with_its_reason(spool: Spool) -> None:
    assert spool.state().losses == ()
    later = START + timedelta(seconds=9)
    spool.note_loss(Loss("memory was full", 2, START, later))
    spool.note_loss(Loss("memory was full", 3, START - timedelta(seconds=1), START))
    assert spool.state().losses == (Loss("memory was full", 5, START - timedelta(seconds=1), later),)


def test_state_tells_what_waits_and_how_full_the_spool_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", most_bytes=400_000)
    assert (spool.state().waiting, spool.state().oldest) == (0, None)
    spool.append(noise(20_000, 0))
    before = spool.state()
    assert (before.waiting, before.oldest) == (20_000, 1)
    assert 0.3 < before.full_share < 0.8
    spool.forget(spool.peek(1))
    after = spool.state()
    assert (after.waiting, after.oldest) == (10_000, 2)
    # What has left makes room, though the file is no smaller.
    assert after.full_share < before.full_share
    spool.close()


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from models.sample import Sample
from stores.spool import Spool
spool, number, start = Spool(Path(sys.argv[1])), int(sys.argv[2]), datetime(2026, 7, 11, 7, tzinfo=UTC)
while True:
    count = number % 37 + 1
    spool.append([Sample("P", start + timedelta(seconds=number + n), float(number + n)) for n in range(count)])
    number += count
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    chance = random.Random(7)
    number = 0
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(path), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged = int(process.stdout.readline())
            time.sleep(chance.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
            # What stands in the pipe was acknowledged; a half-written last line was not heard by anybody.
            heard = [line for line in process.stdout.read().split("\n")[:-1] if line]
        acknowledged = int(heard[-1]) if heard else acknowledged
        spool = Spool(path)
        kept = waiting(spool)
        assert len(kept) >= acknowledged
        # The last append may have been committed without anybody having heard of it; nothing else, and nothing twice.
        assert len(kept) <= acknowledged + 37
        assert kept == samples(len(kept))
        spool.close()
        number = len(kept)
    assert number > KILLS


def test_spool_of_the_version_before_is_taken_over_with_what_waits_in_it(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(Spool(path)) as before:
        before.append(samples(25))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TRIGGER batch_comes; DROP TRIGGER batch_goes; DROP TABLE total; PRAGMA user_version = 2;"
        )
    with closing(Spool(path)) as spool, closing(Spool(path)) as other:
        assert (spool.backlog(), other.backlog()) == (25, 25)
        spool.append(samples(10))
        other.forget(other.peek(1))
        assert (spool.backlog(), other.state().waiting) == (10, 10)
        assert sum(len(batch.samples) for batch in spool.peek(100)) == 10
