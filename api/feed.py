"""What feeds the live stream: it looks, again and again, for what is new in the stores, whoever put it there.

Collectors, the monitor and commands may run in other processes; they meet in the stores, and so this looks there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from api.context import Context
from api.routes.points import milliseconds, number
from api.schemas.live import Clock, LiveAlarm, LiveChange, LiveSamples
from api.views import AlarmTeller
from models.alarm import AlarmEntry
from models.audit import AuditEntry
from models.problem import HydroInputError
from models.sample import Quality, Sample

LOG = logging.getLogger(__name__)
LOOK_S = 0.25
"""How often the stores are asked for news [s]: a number on the page is at most this, and the asking, late."""
CLOCK_S = 1.0
"""How often the present is told, and a store is asked that cannot say whether anything is new [s]."""
_QUALITIES = {Quality.GOOD: 0, Quality.UNCERTAIN: 1, Quality.BAD: 2}
_KNOWN = frozenset({"order", "complaint", "diagnosis", "scenario", "works", "point", "user", "hand_reading"})
MOST_ENTRIES = 500


@dataclass(slots=True)
class _Seen:
    """How far the feed has looked."""

    samples: dict[str, Sample]
    alarm_entry: int
    audit_entry: int
    diagnosis: int
    mark: int | None = None
    asked: float = 0.0
    clock: float = 0.0


class Feed:
    """Publishes what is new; while a store is away it says so once and goes on with the others."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._names = [point.name for point in context.site.points]
        self._away = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        loop = asyncio.get_running_loop()
        seen: _Seen | None = None
        while not stop.is_set():
            try:
                if seen is None:
                    seen = await asyncio.to_thread(self._begin)
                for event, data in await asyncio.to_thread(self._look, seen, loop.time()):
                    self._context.live.publish(event, data)
                self._tell("")
            except HydroInputError as error:
                self._tell(str(error))
            try:
                async with asyncio.timeout(LOOK_S):
                    await stop.wait()
            except TimeoutError:
                continue

    def _tell(self, problem: str) -> None:
        """Log a change of state once."""
        if problem != self._away:
            LOG.warning("live stream: %s", problem or "the stores answer again")
        self._away = problem

    def _begin(self) -> _Seen:
        """Take what there is as known: a page fetches it, the stream tells what changes."""
        pages = self._context.pages
        entries, audit, diagnoses = pages.alarm_entries(limit=1), pages.audit(limit=1), pages.diagnoses(limit=1)
        return _Seen(
            self._context.telemetry.latest(self._names),
            entries[0].number if entries else 0,
            audit[0].number if audit else 0,
            diagnoses[0].id if diagnoses else 0,
        )

    def _look(self, seen: _Seen, clock: float) -> list[tuple[str, BaseModel]]:
        events: list[tuple[str, BaseModel]] = [*self._samples(seen, clock), *self._alarms(seen), *self._changes(seen)]
        if clock - seen.clock >= CLOCK_S:
            seen.clock = clock
            newest = max((one.time for one in seen.samples.values()), default=None)
            events.append(("clock", Clock(now=self._context.now(), newest=newest)))
        return events

    def _samples(self, seen: _Seen, clock: float) -> list[tuple[str, BaseModel]]:
        """Return what is new among the newest samples; a store that nobody has written to is not asked."""
        mark = self._context.telemetry.mark()
        if mark is None:
            if clock - seen.asked < CLOCK_S:
                return []
        elif mark == seen.mark:
            return []
        seen.mark, seen.asked = mark, clock
        latest = self._context.telemetry.latest(self._names)
        fresh = [one for name, one in latest.items() if not _same(seen.samples.get(name), one)]
        seen.samples = latest
        return [("samples", _rows(fresh))] if fresh else []

    def _alarms(self, seen: _Seen) -> list[tuple[str, BaseModel]]:
        entries: Sequence[AlarmEntry] = self._context.records.alarm_entries(after=seen.alarm_entry, limit=MOST_ENTRIES)
        if not entries:
            return []
        seen.alarm_entry = entries[-1].number
        tell = AlarmTeller(self._context)
        found = [self._context.records.alarm(key) for key in dict.fromkeys(entry.key for entry in entries)]
        return [("alarm", LiveAlarm(alarm=tell(alarm))) for alarm in found if alarm is not None]

    def _changes(self, seen: _Seen) -> list[tuple[str, BaseModel]]:
        told: list[tuple[str, str, str, str]] = []
        entries: Sequence[AuditEntry] = self._context.records.audit_trail(after=seen.audit_entry, limit=MOST_ENTRIES)
        for entry in entries:
            seen.audit_entry = entry.number
            what, _, which = entry.subject.partition("/")
            if what in _KNOWN:
                told.append((what, which, entry.action, entry.by))
        newest = self._context.pages.diagnoses(limit=1)
        if newest and newest[0].id > seen.diagnosis:
            told += [("diagnosis", str(one), "keep", "") for one in range(seen.diagnosis + 1, newest[0].id + 1)]
            seen.diagnosis = newest[0].id
        told += [("run", str(run.id), run.state, run.asked_by) for run in self._context.runs.take_changed()]
        return [
            ("change", LiveChange.model_validate({"what": what, "id": which, "action": action, "by": by}))
            for what, which, action, by in told
        ]


def _same(before: Sample | None, now: Sample) -> bool:
    """Return whether two samples say the same; what could not be read is not a number and equals nothing."""
    if before is None or (before.time, before.quality) != (now.time, now.quality):
        return False
    return before.value == now.value or (before.value != before.value and now.value != now.value)


def _rows(samples: Sequence[Sample]) -> LiveSamples:
    # Built without validation: five thousand rows a second are ours, not a stranger's.
    rows = [(one.point, milliseconds(one.time), number(one.value), _QUALITIES[one.quality]) for one in samples]
    return LiveSamples.model_construct(rows=rows)
