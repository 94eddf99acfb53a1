"""From the spool to the store: in order, again and again until the store has said yes."""

from __future__ import annotations

import asyncio
import logging

from collectors.schedule import Backoff
from models.problem import BadInput, Unavailable
from stores.spool import Batch, Spool
from stores.telemetry import TelemetryStore

LOG = logging.getLogger(__name__)
IDLE_S = 0.05
BATCHES = 200


async def forward(spool: Spool, store: TelemetryStore, stop: asyncio.Event) -> None:
    """Move batches until told to stop, then what is left if the store takes it."""
    backoff = Backoff(first_s=0.2, most_s=10.0)
    away = False
    while True:
        ending = stop.is_set()
        try:
            moved = await asyncio.to_thread(_move, spool, store)
        except Unavailable as error:
            if not away:
                LOG.warning("store: %s; samples wait in the spool", error)
            away = True
            if ending:
                return
            await _sleep(stop, backoff.failed())
            continue
        if away:
            LOG.warning("store: takes samples again")
        away = False
        backoff.succeeded()
        if not moved:
            if ending:
                return
            await _sleep(stop, IDLE_S)


def _move(spool: Spool, store: TelemetryStore) -> int:
    batches = spool.peek(BATCHES)
    if not batches:
        return 0
    try:
        store.write([sample for batch in batches for sample in batch.samples])
    except BadInput:
        for batch in batches:
            _move_one(spool, store, batch)
        return len(batches)
    spool.forget(batches)
    return len(batches)


def _move_one(spool: Spool, store: TelemetryStore, batch: Batch) -> None:
    try:
        store.write(batch.samples)
    except BadInput as error:
        LOG.warning("store refuses a batch of %d samples, set aside: %s", len(batch.samples), error)
        spool.set_aside(batch, str(error))
        return
    spool.forget([batch])


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
