"""The monitor: every minute of plant time it looks at limits, devices and boundaries; every step it asks why.

``cycle`` is quick and never waits for a diagnosis; ``examine`` may take seconds and runs beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hydro.errors import HydroError
from hydro.hypothesis import Priors
from hydro.ledger import Effort
from hydro.resolve import settle
from models.alarm import Alarm, AlarmKind
from models.complaint import Complaint, ComplaintStatus
from models.measurement import HandReading
from models.sample import Sample
from models.site import Site
from monitor.alarms import (
    MODEL_KEY,
    Annunciator,
    Condition,
    Unknown,
    diagnosis_conditions,
    model_condition,
    unanswered_condition,
)
from monitor.attendance import Attendance, too_early
from monitor.boundaries import blind_conditions, device_conditions, good_only
from monitor.diagnoser import Asked, Diagnoser
from monitor.holds import held_back
from monitor.limits import LimitBoard
from monitor.novelty import surprise
from monitor.spooling import spool_conditions
from monitor.unanswered import Unanswered, failed
from stores.records import Records
from stores.spool import Spool, SpoolState
from stores.telemetry import TelemetryStore
from stores.works import Works

LOG = logging.getLogger(__name__)
SURPRISE = 0.01
"""A chance of noise below this makes a step worth a diagnosis."""
WATCHED_H = 8.0
"""Hours of readings that surveillance looks at; a complaint is answered from the whole window."""
SUSPICION = Priors(any_fault=0.02, unexplained=0.01)
"""Before surveillance: of the windows that surprise, most are chance."""
QUICK = Effort(tried=16, scanned=5, exact=3, near=3, lost=0, beam=1, named=4, most_faults=2)
"""Surveillance repeats itself: it need not find everything the first time."""
AGAIN_H = 1.0
"""Hours before causes that stand are looked for anew."""
COMPLAINED = Priors(any_fault=0.6, unexplained=0.05, another=0.4)
"""Before a complaint is looked into: something is probably wrong."""


@dataclass(frozen=True, slots=True)
class Published:
    """A diagnosis that was kept, for whoever sends people."""

    diagnosis_id: int
    complaint_id: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the last examination found: conditions, and whether the model solved at all."""

    conditions: tuple[Condition, ...] = ()
    known: bool = False


class Monitor:
    """A site watched. Both methods may run in threads of their own; neither reads a clock."""

    def __init__(
        self,
        site: Site,
        telemetry: TelemetryStore,
        records: Records,
        diagnoser: Diagnoser,
        spool: Spool | None = None,
    ) -> None:
        self._site = site
        self._telemetry = telemetry
        self._records = records
        self._diagnoser = diagnoser
        self._works = Works(records.database)
        self._annunciator = Annunciator(records)
        self._limits = LimitBoard.of(site.points, {alarm.key for alarm in records.open_alarms() if alarm.active})
        self._attendance = Attendance()
        self._good: dict[str, Sample] = {}
        self._seen_to: datetime | None = None
        self._judged = Judged()
        self._blind = True
        self._examined: datetime | None = None
        self._looked: datetime | None = None
        self._answered: dict[int, int] = {}
        self._unanswered: dict[int, Unanswered] = {}
        self._complained = self._as_answered()
        self._spool = spool
        self._spool_seen: SpoolState | None = None

    def cycle(self, now: datetime, wall_s: float | None = None) -> None:
        """Look at what has come since the last cycle and raise or clear alarms; quick.

        ``wall_s``: the wall's clock [s], where the plant's runs at another pace.
        """
        since = self._seen_to or now - timedelta(hours=self._site.monitor.window_h)
        names = [point.name for point in self._site.points]
        fresh = self._telemetry.range(names, since, now + timedelta(microseconds=1))
        out = self._works.out_of_scan()
        self._limits.see([sample for sample in fresh if sample.point not in out])
        for sample in fresh:
            self._good.update(good_only({sample.point: sample}))
        # Stores write in batches: what is stamped a little before now may still be on its way.
        self._seen_to = now - timedelta(seconds=self._site.monitor.interval_s)
        network = self._diagnoser.engine.network
        believed = {name: sample for name, sample in self._good.items() if name not in out}
        blind = blind_conditions(self._site, network, believed, now)
        self._blind = bool(blind)
        judged = self._judged
        silent = device_conditions(self._site, self._good, now)
        awaited = self._attendance.awaited(self._site, self._good, now.timestamp() if wall_s is None else wall_s)
        early = too_early(self._site, awaited, self._good, [*silent, *blind])
        keys = self._limits.unknown() | early
        unknown = Unknown(keys=keys)
        if self._blind or not judged.known:
            unknown = Unknown({AlarmKind.DIAGNOSIS}, keys | {MODEL_KEY})
        conditions = [*self._limits.conditions(), *silent, *blind]
        complained = [one for found in tuple(self._complained.values()) for one in found]
        if self._spool is not None:
            before, self._spool_seen = self._spool_seen, self._spool.state()
            conditions += spool_conditions(before, self._spool_seen)
        every = {one.key: one for one in [*conditions, *judged.conditions, *complained]}
        about: list[Alarm | Condition] = [*every.values(), *self._records.open_alarms()]
        held = held_back(self._site, network, self._works.holding(now), out, about)
        self._annunciator.cycle(now, every.values(), unknown, held)

    def examine(self, now: datetime) -> list[Published]:
        """Answer complaints and new hand readings, then look whether the last hours are surprising; slow."""
        published = [self._answer(complaint, now) for complaint in self._to_answer(now)]
        due = self._examined is None or now - self._examined >= timedelta(seconds=self._site.monitor.step_s)
        if due and not self._blind:
            self._examined = now
            found = self._survey(now)
            published += [found] if found is not None else []
        return [one for one in published if one is not None]

    def _to_answer(self, now: datetime) -> list[Complaint]:
        """Return complaints that nobody has answered, or that have a hand reading newer than their answer.

        One that could not be answered waits until it is due again, or has a new reading.
        """
        waiting = []
        for complaint in self._records.complaints():
            if complaint.status is ComplaintStatus.CLOSED:
                self._complained.pop(complaint.id, None)
                self._unanswered.pop(complaint.id, None)
                continue
            readings = len(self._records.hand_readings(complaint.id))
            tried = self._unanswered.get(complaint.id)
            due = complaint.status is ComplaintStatus.REGISTERED if tried is None else now >= tried.due
            # Which readings the last answer before a restart had seen nobody knows: it is given once more.
            if due or readings > self._answered.get(complaint.id, 0):
                waiting.append(complaint)
            self._answered[complaint.id] = readings
        return waiting

    def _as_answered(self) -> dict[int, tuple[Condition, ...]]:
        """Return what the answers to open complaints said: a restart clears no alarm."""
        answered = {}
        for complaint in self._records.complaints(ComplaintStatus.DIAGNOSED):
            if complaint.diagnosis_id is not None:
                document = self._records.diagnosis(complaint.diagnosis_id)
                answered[complaint.id] = self._conditions_of(document)
        for complaint in self._records.complaints():
            condition = unanswered_condition(complaint.id, "")
            alarm = self._records.alarm(condition.key)
            if complaint.status is not ComplaintStatus.CLOSED and alarm is not None and alarm.active:
                stands = replace(condition, details=alarm.details)
                answered[complaint.id] = (*answered.get(complaint.id, ()), stands)
        return answered

    def _conditions_of(self, document: Mapping[str, Any]) -> tuple[Condition, ...]:
        return diagnosis_conditions(document, self._site.monitor.alarm_probability, self._records.open_alarms())

    def _answer(self, complaint: Complaint, now: datetime) -> Published | None:
        readings = self._records.hand_readings(complaint.id)
        end = max([complaint.time, *(one.time for one in readings)]) + timedelta(minutes=5)
        start = complaint.time - timedelta(hours=self._site.monitor.window_h)
        try:
            document = self._diagnose(start, end, COMPLAINED, complaint, readings, Effort())
        except HydroError as error:
            self._leave_unanswered(complaint.id, str(error), now)
            return None
        self._unanswered.pop(complaint.id, None)
        kept = self._records.keep_diagnosis(document, f"complaint/{complaint.id}", complaint.id)
        self._complained[complaint.id] = self._conditions_of(document)
        return Published(kept, complaint.id)

    def _leave_unanswered(self, complaint_id: int, reason: str, now: datetime) -> None:
        """Put a complaint off, and raise an alarm beside what its answers have said before."""
        before = self._unanswered.get(complaint_id)
        if before is None or before.reason != reason:
            LOG.warning("complaint %d: no diagnosis: %s", complaint_id, reason)
        self._unanswered[complaint_id] = failed(before, reason, now)
        condition = unanswered_condition(complaint_id, reason)
        said = [one for one in self._complained.get(complaint_id, ()) if one.key != condition.key]
        self._complained[complaint_id] = (*said, condition)

    def _survey(self, now: datetime) -> Published | None:
        start = now - timedelta(hours=WATCHED_H)
        try:
            window = self._diagnoser.window(self._samples(start, now), start.timestamp(), now.timestamp())
            if window.steps == 0:
                return None
            chance = surprise(settle(self._diagnoser.case(window)))
        except HydroError as error:
            LOG.warning("the model cannot be compared with the readings: %s", error)
            self._judged = Judged((model_condition(str(error)),), known=True)
            return None
        if chance > SURPRISE:
            self._judged = Judged(known=True)
            return None
        if self._looked is not None and now - self._looked < timedelta(hours=AGAIN_H) and self._judged.conditions:
            return None
        self._looked = now
        try:
            document = self._diagnose(start, now, SUSPICION, None, (), QUICK)
        except HydroError as error:
            LOG.warning("no diagnosis: %s", error)
            self._judged = Judged((model_condition(str(error)),), known=True)
            return None
        settings = self._site.monitor
        conditions = diagnosis_conditions(
            document,
            settings.alarm_probability,
            self._records.open_alarms(),
            raise_after=timedelta(seconds=2 * settings.step_s),
            clear_after=timedelta(seconds=4 * settings.step_s),
        )
        self._judged = Judged(conditions, known=True)
        if not conditions:
            return None
        kept = self._records.keep_diagnosis(document, "cycle")
        held = held_back(self._site, self._diagnoser.engine.network, self._works.holding(now), {}, conditions)
        # Nobody is sent for what works explain.
        return None if len(held) == len(conditions) else Published(kept, None)

    def _diagnose(
        self,
        start: datetime,
        end: datetime,
        priors: Priors,
        complaint: Complaint | None,
        readings: tuple[HandReading, ...],
        effort: Effort,
    ) -> dict[str, object]:
        asked = Asked(start.timestamp(), end.timestamp(), complaint, readings)
        return self._diagnoser.diagnose(self._samples(start, end), asked, priors, effort)

    def _samples(self, start: datetime, end: datetime) -> list[Sample]:
        out = self._works.out_of_scan()
        return self._telemetry.range([point.name for point in self._site.points if point.name not in out], start, end)
