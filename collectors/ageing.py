"""Ageing: once an hour the store is told what time it is, and lets old samples become means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from models.problem import Unavailable
from stores.telemetry import TelemetryStore

LOG = logging.getLogger(__name__)
EVERY_S = 3600.0


async def let_age(store: TelemetryStore, now: Callable[[], datetime | None], every_s: float = EVERY_S) -> None:
    """Have samples grow old until cancelled; ``now`` is the site's time, None while it is not known."""
    while True:
        try:
            await asyncio.shield(asyncio.to_thread(_age, store, now))
        except Unavailable as error:
            LOG.warning("samples do not grow old: %s", error)
        await asyncio.sleep(every_s)


def _age(store: TelemetryStore, now: Callable[[], datetime | None]) -> None:
    time = now()
    if time is not None:
        store.keep(time)
