from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.intake import Intake
from models.problem import Unavailable
from models.sample import Sample
from stores.spool import Spool

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
PATIENCE_S = 30.0


def samples(count: int, first: int = 0) -> list[Sample]:
    """Samples of which each takes its eight bytes."""
    return [Sample("P", START + timedelta(seconds=number), math.sin(number)) for number in range(first, first + count)]


def waiting(spool: Spool) -> list[Sample]:
    return [sample for batch in spool.peek(10**9) for sample in batch.samples]


def fill(spool: Spool, full: bool) -> None:
    """Let the file grow no more, or again."""
    spool._connection.execute(f"PRAGMA max_page_count = {1 if full else 10**6}")


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not met():
            await asyncio.sleep(0.01)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool.sqlite")
    yield spool
    spool.close()


async def test_what_is_handed_in_together_is_kept_together_and_said(spool: Spool) -> None:
    kept: list[int] = []
    intake = Intake(spool, lambda: kept.append(spool.backlog()))
    for number in range(10):
        intake.put(samples(1, number))
    running = asyncio.create_task(intake.run())
    await until(lambda: kept == [10])
    intake.put(samples(5, 10))
    intake.end()
    await running
    assert kept == [10, 15]
    assert waiting(spool) == samples(15)
    assert len(spool.peek()) == 2


async def test_while_the_disk_is_full_samples_wait_and_are_kept_in_order_when_it_is_not(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    intake = Intake(spool, lambda: None)
    running = asyncio.create_task(intake.run())
    fill(spool, True)
    for first in range(0, 30_000, 10_000):
        intake.put(samples(10_000, first))
        await asyncio.sleep(0.3)
    assert waiting(spool) == []
    fill(spool, False)
    await until(lambda: spool.backlog() == 30_000)
    intake.put(samples(1, 30_000))
    intake.end()
    await running
    assert waiting(spool) == samples(30_001)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 2
    assert "the disk is full" in said[0]
    assert said[0].endswith("samples wait in memory")
    assert said[1] == "the spool takes samples again"


async def test_memory_that_is_full_drops_the_oldest_and_counts_them(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    intake = Intake(spool, lambda: None, most=20_000)
    running = asyncio.create_task(intake.run())
    fill(spool, True)
    intake.put(samples(20_000))
    await until(lambda: bool(caplog.records))
    intake.put(samples(50, 20_000))
    fill(spool, False)
    await until(lambda: spool.backlog() > 0)
    intake.end()
    await running
    assert waiting(spool)[-1] == samples(1, 20_049)[0]
    assert spool.backlog() == 20_000
    assert any("50 samples were dropped" in record.getMessage() for record in caplog.records)
    (loss,) = spool.state().losses
    assert (loss.samples, loss.first, loss.last) == (50, START, START + timedelta(seconds=49))


async def test_spool_that_has_what_it_may_of_the_disk_is_said_once_and_counts_what_it_drops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool.sqlite", most_bytes=200_000)
    intake = Intake(spool, lambda: None)
    running = asyncio.create_task(intake.run())
    for first in range(0, 60_000, 5000):
        intake.put(samples(5000, first))
        await until(lambda: not intake._waiting)
    intake.end()
    await running
    lost = sum(loss.samples for loss in spool.state().losses)
    assert lost > 0
    assert spool.backlog() + lost == 60_000
    said = [record.getMessage() for record in caplog.records]
    assert said == ["the spool is full: the oldest samples are dropped, and counted"]
    spool.close()


async def test_end_on_a_full_disk_says_how_many_are_lost(spool: Spool) -> None:
    intake = Intake(spool, lambda: None)
    fill(spool, True)
    intake.put(samples(20_000))
    intake.end()
    with pytest.raises(Unavailable, match=r"the disk is full .*; 20000 samples are lost$"):
        await intake.run()
