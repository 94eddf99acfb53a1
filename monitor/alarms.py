"""From the conditions that a cycle finds to the alarms that are kept: raised, refreshed, cleared, taken off the shelf.

A condition has a key; as long as it is found it is one alarm. A condition may ask for a delay before it is raised or
cleared (debouncing, in plant time). What a cycle could not look at, because a diagnosis was blind or a point has given
no sample yet, is neither raised nor cleared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol

from models.alarm import (
    Alarm,
    AlarmEvent,
    AlarmKind,
    Clear,
    Detail,
    Expire,
    Hold,
    HoldKind,
    Priority,
    Raise,
    Release,
    Suppress,
    diagnosis_key,
)
from models.diagnosis import Document, alike, joint_probability

MODEL_KEY = f"{AlarmKind.MODEL}/network"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds now and that somebody may have to act on; ``key`` begins with the kind and a slash."""

    key: str
    kind: AlarmKind
    source: str
    code: str
    priority: Priority = Priority.MEDIUM
    details: Mapping[str, Detail] = field(default_factory=dict)
    raise_after: timedelta = timedelta(0)
    """How long it must be found without a gap before it is raised."""
    clear_after: timedelta = timedelta(0)
    """How long it must be missing before its alarm is cleared."""


class AlarmRecords(Protocol):
    """What the annunciator needs of the records."""

    def open_alarms(self) -> tuple[Alarm, ...]:
        """Return every alarm that is not normal."""
        ...

    def apply_all(self, changes: Sequence[tuple[Alarm, AlarmEvent]]) -> tuple[Alarm, ...]:
        """Apply several events in order, all or none."""
        ...

    def beat(self, process: str, plant_time: datetime) -> None:
        """Say what time it is at the plant."""
        ...


@dataclass(frozen=True, slots=True)
class Debounce:
    """Since when each condition has been found, and since when it has been missing while its alarm is active."""

    found_since: Mapping[str, datetime] = field(default_factory=dict)
    missing_since: Mapping[str, datetime] = field(default_factory=dict)
    clear_after: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a cycle could not look at: whole kinds of alarm, or single keys."""

    kinds: AbstractSet[AlarmKind] = frozenset()
    keys: AbstractSet[str] = frozenset()

    def covers(self, kind: AlarmKind, key: str) -> bool:
        """Return whether nothing is known about an alarm."""
        return kind in self.kinds or key in self.keys


def settle(
    before: Debounce,
    now: datetime,
    conditions: Iterable[Condition],
    alarms: Iterable[Alarm],
    unknown: Unknown,
    held: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Debounce, list[tuple[Alarm, AlarmEvent]]]:
    """Return the debouncing state and the events that follow from what a cycle found.

    Parameters
    ----------
    alarms
        Every kept alarm that is not normal.
    held
        Why alarms are held back by design, by key.
    """
    found = {condition.key: condition for condition in conditions}
    kept = {alarm.key: alarm for alarm in alarms}
    found_since = {
        key: since for key, since in before.found_since.items() if key not in found and unknown.covers(_kind(key), key)
    } | {key: before.found_since.get(key, now) for key in found}
    missing_since: dict[str, datetime] = {}
    clear_after = {key: condition.clear_after for key, condition in found.items()}
    changes: list[tuple[Alarm, AlarmEvent]] = [
        (alarm, Expire(now)) for alarm in kept.values() if _shelf_is_over(alarm, now)
    ]
    changes += _raised(found, kept, found_since, now, unknown, held)
    for key, alarm in kept.items():
        if key in found or not alarm.active:
            continue
        clear_after[key] = before.clear_after.get(key, timedelta(0))
        if unknown.covers(alarm.kind, key):
            missing_since |= {key: before.missing_since[key]} if key in before.missing_since else {}
            continue
        missing_since[key] = before.missing_since.get(key, now)
        if now - missing_since[key] >= clear_after[key]:
            changes.append((alarm, Clear(now)))
    changes += _holds(kept.values(), held, now)
    return Debounce(found_since, missing_since, clear_after), changes


def _holds(alarms: Iterable[Alarm], held: Mapping[str, str], now: datetime) -> Iterator[tuple[Alarm, AlarmEvent]]:
    """Yield what holds open alarms back by design, and what lets them go."""
    for alarm in alarms:
        suppressed = alarm.hold is not None and alarm.hold.kind is HoldKind.SUPPRESSED
        if alarm.key in held and alarm.hold is None:
            yield alarm, Suppress(now, held[alarm.key])
        elif suppressed and alarm.key not in held:
            yield alarm, Release(now)


def _raised(
    found: Mapping[str, Condition],
    kept: Mapping[str, Alarm],
    found_since: Mapping[str, datetime],
    now: datetime,
    unknown: Unknown,
    held: Mapping[str, str],
) -> Iterator[tuple[Alarm, AlarmEvent]]:
    for key, condition in found.items():
        if unknown.covers(condition.kind, key):
            continue
        alarm = kept.get(key)
        if alarm is not None and alarm.active:
            if dict(alarm.details) != dict(condition.details):
                yield alarm, Raise(now, condition.details)
        elif now - found_since[key] >= condition.raise_after:
            fresh = alarm or _new(condition)
            if key in held and fresh.hold is None:
                # Held back before it is raised, so that it is not announced when the hold ends and it has gone.
                fresh = replace(fresh, hold=Hold(HoldKind.SUPPRESSED, held[key]))
                yield fresh, Suppress(now, held[key])
            yield fresh, Raise(now, condition.details)


def _kind(key: str) -> AlarmKind:
    return AlarmKind(key.partition("/")[0])


def _new(condition: Condition) -> Alarm:
    return Alarm(condition.key, condition.kind, condition.source, condition.code, condition.priority)


def _shelf_is_over(alarm: Alarm, now: datetime) -> bool:
    hold = alarm.hold
    return hold is not None and hold.kind is HoldKind.SHELVED and hold.until is not None and hold.until <= now


class Annunciator:
    """Writes what each cycle finds into the records, and only what has changed."""

    def __init__(self, records: AlarmRecords) -> None:
        """Start with no memory of conditions; alarms that are open in the records go on."""
        self._records = records
        self._debounce = Debounce()

    def cycle(
        self,
        now: datetime,
        conditions: Iterable[Condition],
        unknown: Unknown | None = None,
        held: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[Alarm, ...]:
        """Raise, refresh, clear and hold back alarms for what a cycle at ``now`` found; return those it touched."""
        alarms = self._records.open_alarms()
        debounce, changes = settle(self._debounce, now, conditions, alarms, unknown or Unknown(), held)
        touched = self._records.apply_all(changes)
        self._records.beat("monitor", now)
        self._debounce = debounce
        return touched


def device_condition(device: str, reason: str, since: datetime, raise_after: timedelta = timedelta(0)) -> Condition:
    """Return the condition that a device does not answer, since when and why."""
    details: dict[str, Detail] = {"reason": reason, "since": since.isoformat()}
    key = f"{AlarmKind.DEVICE}/{device}"
    return Condition(key, AlarmKind.DEVICE, device, "silent", Priority.MEDIUM, details, raise_after)


def blind_condition(
    boundary: str, reason: str, points: Sequence[str] = (), raise_after: timedelta = timedelta(0)
) -> Condition:
    """Return the condition that the diagnosis cannot see because a boundary (source, tank, pump) is not known."""
    details: dict[str, Detail] = {"reason": reason, "points": list(points)}
    key = f"{AlarmKind.BLIND}/{boundary}"
    return Condition(key, AlarmKind.BLIND, boundary, "blind", Priority.MEDIUM, details, raise_after)


def model_condition(reason: str) -> Condition:
    """Return the condition that the network does not solve with what was measured."""
    return Condition(MODEL_KEY, AlarmKind.MODEL, "network", "unsolved", details={"reason": reason})


def unanswered_condition(complaint_id: int, reason: str) -> Condition:
    """Return the condition that a complaint has no diagnosis, and why."""
    source = f"complaint/{complaint_id}"
    return Condition(f"{AlarmKind.MODEL}/{source}", AlarmKind.MODEL, source, "unsolved", details={"reason": reason})


def diagnosis_conditions(
    document: Document,
    alarm_probability: float,
    open_alarms: Iterable[Alarm] = (),
    raise_after: timedelta = timedelta(0),
    clear_after: timedelta = timedelta(0),
) -> tuple[Condition, ...]:
    """Return the causes of a diagnosis that have reached the alarm probability, alone or with those alike.

    Causes that the points cannot tell apart are one condition, under the most probable of them; and where the alarm of
    one of them is open it goes on: between two links in series the leading one may change from cycle to cycle, and the
    trouble is the same.
    """
    if not document.get("can_say", True):
        return ()
    active = {alarm.key for alarm in open_alarms if alarm.kind is AlarmKind.DIAGNOSIS and alarm.active}
    found: dict[str, Condition] = {}
    told: set[str] = set()
    for cause in sorted(document.get("causes", ()), key=_probability, reverse=True):
        own = diagnosis_key(cause["kind"], cause["elements"])
        if own in told or joint_probability(document, cause) < alarm_probability:
            continue
        keys = [own, *(diagnosis_key(kind, elements) for kind, elements in alike(document, cause))]
        told.update(keys)
        key = next((one for one in keys if one in active), own)
        source, details = "+".join(cause["elements"]), _cause_details(document, cause)
        found[key] = Condition(
            key, AlarmKind.DIAGNOSIS, source, cause["kind"], Priority.HIGH, details, raise_after, clear_after
        )
    unexplained = float(document.get("unexplained_probability") or 0.0)
    if unexplained >= alarm_probability:
        key = diagnosis_key("unexplained", ())
        share: dict[str, Detail] = {"probability": round(unexplained, 3)}
        found[key] = Condition(
            key, AlarmKind.DIAGNOSIS, "network", "unexplained", Priority.MEDIUM, share, raise_after, clear_after
        )
    return tuple(found.values())


def _cause_details(document: Document, cause: Mapping[str, Any]) -> dict[str, Detail]:
    severity = cause.get("severity") or {}
    return {
        "elements": list(cause["elements"]),
        "valve_ids": list(cause.get("valve_ids") or ()),
        "probability": round(_probability(cause), 3),
        "joint_probability": round(joint_probability(document, cause), 3),
        "alike": ["+".join(elements) for _, elements in alike(document, cause)],
        "head_lost_m": _rounded(severity.get("head_lost_m")),
        "at": severity.get("at") or "",
        "onset": cause.get("onset") or "",
    }


def _probability(cause: Mapping[str, Any]) -> float:
    return float(cause["probability"])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 2)
