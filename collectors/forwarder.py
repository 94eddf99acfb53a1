"""From the spool to the store: in order, again and again until the store has said yes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

from collectors.schedule import Backoff
from models.problem import BadInput, Unavailable
from stores.columns import Columns, joined
from stores.spool import Spool
from stores.telemetry import TelemetryStore, TooOld

LOG = logging.getLogger(__name__)
IDLE_S = 1.0
"""How long to sleep when nothing has come, in case another process has left something in the spool."""
MOST = 200_000
"""Samples that are taken from the spool at once: a server waits between two batches, and a file settles with each."""


class Forwarder:
    """Moves what waits in the spool to the store."""

    def __init__(self, spool: Spool, store: TelemetryStore) -> None:
        self._spool = spool
        self._store = store
        self._backoff = Backoff(first_s=0.2, most_s=10.0)
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._away = False

    def wake(self) -> None:
        """Say that something has come into the spool."""
        self._news.set()

    def end(self) -> None:
        """Ask for a last try, and an end."""
        self._ending.set()
        self._news.set()

    async def run(self) -> None:
        """Move batches until asked to end, then what is left if the store takes it; the rest stays in the spool."""
        while True:
            ending = self._ending.is_set()
            self._news.clear()
            try:
                moved = await asyncio.to_thread(self._move)
            except Unavailable as error:
                self._tell(True, f"{error}; samples wait in the spool")
                if self._ending.is_set():
                    # Asked to end meanwhile, or before: a store that is away now need not be waited for once more.
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), self._backoff.failed())
                continue
            self._tell(False, "the store takes samples again")
            self._backoff.succeeded()
            if moved:
                continue
            if ending:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), IDLE_S)

    def _move(self) -> bool:
        batches = self._spool.peek(MOST)
        if not batches:
            return False
        refused = list(self._deliver(joined([batch.samples for batch in batches])))
        if refused:
            self._put_aside(refused)
        self._spool.forget(batches)
        return True

    def _deliver(self, samples: Columns) -> Iterator[tuple[Columns, str]]:
        """Write samples; yield those that the store will never take, which it names or which halving finds, and why."""
        try:
            self._store.write(samples)
        except TooOld as error:
            yield error.samples, str(error)
        except BadInput as error:
            half = len(samples) // 2
            if not half:
                yield samples, str(error)
                return
            yield from self._deliver(samples.take(slice(half)))
            yield from self._deliver(samples.take(slice(half, None)))

    def _put_aside(self, refused: Sequence[tuple[Columns, str]]) -> None:
        for samples, why in refused:
            self._spool.refuse(samples, why)
        first, why = next(iter(refused[0][0])), refused[0][1]
        count = sum(len(samples) for samples, _ in refused)
        many = f"{count} samples are" if count > 1 else "a sample is"
        LOG.warning("%s put aside, the first of point %s: %s", many, first.point, why)

    def _tell(self, away: bool, what: str) -> None:
        """Log a change of state once."""
        if away != self._away:
            LOG.warning("%s", what)
        self._away = away
