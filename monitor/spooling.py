"""Alarms of the spool: samples that were lost, refused by the store, or soon will be lost because it fills."""

from __future__ import annotations

from datetime import timedelta

from models.alarm import AlarmKind, Detail, Priority
from monitor.alarms import Condition
from stores.spool import SpoolState

FILLING = 0.8
"""The share of what it may hold from which a spool is said to fill."""
STANDS = timedelta(minutes=10)
"""How long after the last loss or refusal its alarm stands."""


def spool_conditions(before: SpoolState | None, now: SpoolState) -> list[Condition]:
    """Return what is wrong with a spool, by how it stands and stood at the last look."""
    found = []
    lost = _lost(now)
    if before and lost > _lost(before):
        newest = max(now.losses, key=lambda loss: loss.last)
        details: dict[str, Detail] = {
            "samples": lost, "why": newest.why, "first": newest.first.isoformat(), "last": newest.last.isoformat(),
        }  # fmt: skip
        found.append(_condition("dropped", Priority.HIGH, details, STANDS))
    if before and now.set_aside > before.set_aside:
        found.append(_condition("refused", Priority.MEDIUM, {"samples": now.set_aside}, STANDS))
    if now.full_share >= FILLING:
        percent = round(100.0 * now.full_share, 1)
        found.append(_condition("filling", Priority.MEDIUM, {"full_percent": percent, "samples": now.waiting}))
    return found


def _lost(state: SpoolState) -> int:
    return sum(loss.samples for loss in state.losses)


def _condition(
    code: str, priority: Priority, details: dict[str, Detail], stands: timedelta = timedelta(0)
) -> Condition:
    key = f"{AlarmKind.SPOOL}/{code}"
    return Condition(key, AlarmKind.SPOOL, "spool", code, priority, details, clear_after=stands)
