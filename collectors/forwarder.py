"""From the spool to the store: in order, again and again until the store has said yes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from collectors.schedule import Backoff
from models.problem import BadInput, Unavailable
from stores.columns import Columns, joined
from stores.spool import Spool
from stores.telemetry import TelemetryStore

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
        self._deliver(joined([batch.samples for batch in batches]))
        self._spool.forget(batches)
        return True

    def _deliver(self, samples: Columns) -> None:
        """Write samples; those that the store will never take are found by halving and put aside."""
        try:
            self._store.write(samples)
        except BadInput as error:
            half = len(samples) // 2
            if half:
                self._deliver(samples.take(slice(half)))
                self._deliver(samples.take(slice(half, None)))
                return
            (sample,) = samples
            LOG.warning("a sample of point %s is put aside: %s", sample.point, error)
            self._spool.refuse(samples, str(error))

    def _tell(self, away: bool, what: str) -> None:
        """Log a change of state once."""
        if away != self._away:
            LOG.warning("%s", what)
        self._away = away
