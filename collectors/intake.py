"""The intake: samples of all lines into the spool, those that come together in one commit.

Handing a sample in takes no time, so that a slow disk delays no poll. While the spool cannot be written, samples wait
here, and beyond ``MOST`` the oldest are dropped first. What is dropped, here or because the spool is full, is counted
in the spool and said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from collectors.schedule import Backoff
from models.problem import Unavailable
from models.sample import Sample
from stores.columns import Columns, joined
from stores.instant import instant
from stores.spool import Loss, Spool

LOG = logging.getLogger(__name__)
GATHER_S = 0.05
"""What comes within this is committed together: a commit costs more than the samples in it."""
MOST = 1_000_000
"""Samples that may wait in memory while the disk is full."""
MEMORY_FULL = "memory was full while the spool could not be written"
FULL_NOW = "the spool is full: the oldest samples are dropped, and counted"
FULL_NO_MORE = "the spool is full no more"


class Intake:
    """Where lines hand in their samples. ``kept`` is called after each commit."""

    def __init__(self, spool: Spool, kept: Callable[[], None], most: int = MOST) -> None:
        self._spool = spool
        self._kept = kept
        self._waiting: deque[Columns] = deque()
        self._held = 0
        self._most = most
        self._dropped: Loss | None = None
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._backoff = Backoff(first_s=0.2, most_s=5.0)
        self._away = False
        self._making_way = False

    @property
    def waiting(self) -> int:
        """How many samples wait in memory."""
        return self._held

    def put(self, samples: Iterable[Sample]) -> None:
        """Hand samples in, which may be columns; they are acknowledged with the next commit."""
        columns = Columns.of(samples)
        self._waiting.append(columns)
        self._held += len(columns)
        while self._held > self._most:
            self._drop(self._held - self._most)
        self._news.set()

    def end(self) -> None:
        """Ask for a last commit, and an end."""
        self._ending.set()
        self._news.set()

    async def run(self) -> None:
        """Commit what comes until asked to end.

        Raises
        ------
        Unavailable
            The last commit did not succeed: says how many samples were lost with it.
        """
        while True:
            ending = self._ending.is_set()
            self._news.clear()
            try:
                await self._commit()
            except Unavailable as error:
                if ending:
                    raise Unavailable(f"{error}; {self._held} samples are lost") from error
                self._tell(True, f"{error}; samples wait in memory")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), self._backoff.failed())
                continue
            self._tell(False, "the spool takes samples again")
            self._backoff.succeeded()
            if ending:
                return
            await self._news.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), GATHER_S)

    def _drop(self, most: int) -> None:
        """Drop the oldest samples, at most so many."""
        oldest = self._waiting.popleft()
        lost, left = oldest.take(slice(most)), oldest.take(slice(most, None))
        if len(left):
            self._waiting.appendleft(left)
        if len(lost):
            self._held -= len(lost)
            first, last = instant(int(lost.time[0])), instant(int(lost.time[-1]))
            before = self._dropped or Loss(MEMORY_FULL, 0, first, last)
            self._dropped = replace(before, samples=before.samples + len(lost), last=last)

    async def _commit(self) -> None:
        if not self._held:
            return
        batch, held = list(self._waiting), self._held
        self._waiting.clear()
        self._held = 0
        try:
            # Shielded: a commit that has begun ends, and what it held is known to be kept.
            made_way = await asyncio.shield(asyncio.to_thread(self._append, batch))
        except Unavailable:
            self._waiting.extendleft(reversed(batch))
            self._held += held
            raise
        self._kept()
        if bool(made_way) != self._making_way:
            LOG.warning(FULL_NOW if made_way else FULL_NO_MORE)
        self._making_way = bool(made_way)
        if self._dropped is not None:
            dropped, self._dropped = self._dropped, None
            LOG.warning("%d samples were dropped while the spool could not be written", dropped.samples)
            await asyncio.to_thread(self._spool.note_loss, dropped)

    def _append(self, batch: Sequence[Columns]) -> int:
        return self._spool.append(joined(batch))

    def _tell(self, away: bool, what: str) -> None:
        """Log a change of state once."""
        if away != self._away:
            LOG.warning("%s", what)
        self._away = away
