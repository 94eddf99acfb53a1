"""The intake: samples of all lines into the spool, those that come together in one commit.

Handing a sample in takes no time, so that a slow disk delays no poll. While the spool cannot be written, samples wait
here, and beyond ``MOST`` the oldest are dropped first. What is dropped, here or because the spool is full, is counted
in the spool and said.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from collectors.schedule import Backoff
from models.problem import Unavailable
from models.sample import Sample
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
        self._waiting: deque[Sample] = deque()
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
        return len(self._waiting)

    def put(self, samples: Sequence[Sample]) -> None:
        """Hand samples in; they are acknowledged with the next commit."""
        self._waiting.extend(samples)
        while len(self._waiting) > self._most:
            time = self._waiting.popleft().time
            lost = self._dropped or Loss(MEMORY_FULL, 0, time, time)
            self._dropped = replace(lost, samples=lost.samples + 1, last=time)
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
                    raise Unavailable(f"{error}; {len(self._waiting)} samples are lost") from error
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

    async def _commit(self) -> None:
        if not self._waiting:
            return
        batch = list(self._waiting)
        self._waiting.clear()
        try:
            # Shielded: a commit that has begun ends, and what it held is known to be kept.
            made_way = await asyncio.shield(asyncio.to_thread(self._spool.append, batch))
        except Unavailable:
            self._waiting.extendleft(reversed(batch))
            raise
        self._kept()
        if bool(made_way) != self._making_way:
            LOG.warning(FULL_NOW if made_way else FULL_NO_MORE)
        self._making_way = bool(made_way)
        if self._dropped is not None:
            dropped, self._dropped = self._dropped, None
            LOG.warning("%d samples were dropped while the spool could not be written", dropped.samples)
            await asyncio.to_thread(self._spool.note_loss, dropped)

    def _tell(self, away: bool, what: str) -> None:
        """Log a change of state once."""
        if away != self._away:
            LOG.warning("%s", what)
        self._away = away
