from __future__ import annotations

import math
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.problem import Unavailable
from models.sample import Quality, Sample
from stores.spool import BATCH, Spool

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
    assert first[0].samples == tuple(samples(3))
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
    other.execute("UPDATE batches SET content = '[[\"P\",17' WHERE id = 2")
    other.commit()
    assert waiting(spool) == samples(1) + samples(1, 2)
    assert spool.backlog() == 2
    assert other.execute("SELECT content, why FROM refused").fetchall() == [('[["P",17', "unreadable")]
    assert spool.refused() == []
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
