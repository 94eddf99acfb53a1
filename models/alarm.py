"""An alarm after ISA-18.2: its state, the events that happen to it, and the one function that applies them.

The state is never stored as a free word: it follows from whether the condition is there (``active``), whether an
occurrence still waits for a person (``pending``) and whether a hold lies over it (``hold``), so that no impossible
state can be written down.

::

                    raise                acknowledge
        NORMAL ───────────▶ UNACKNOWLEDGED ───────▶ ACKNOWLEDGED
          ▲ ▲                  │    ▲                    │
          │ │ acknowledge      │    │ raise              │ clear
          │ └── RETURNED ◀─────┘────┘                    │
          └──────────────────────────────────────────────┘
        any of these ⇄ SHELVED (a person, until a time), SUPPRESSED (by design), OUT_OF_SERVICE (a person)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from models.problem import Refused

Detail = str | float | int | bool | None | Sequence[str]
"""A value among an alarm's details; numbers carry their unit in the name of the key."""

LONGEST_SHELF = timedelta(days=7)
"""Longer than this an alarm is not shelved but taken out of service, which shows in every list."""


class AlarmState(StrEnum):
    """The states of ISA-18.2."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned_unacknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed_by_design"
    OUT_OF_SERVICE = "out_of_service"


class AlarmKind(StrEnum):
    """What an alarm is about."""

    LIMIT = "limit"
    """A point stands below its low or above its high limit."""
    DIAGNOSIS = "diagnosis"
    """A cause has reached the alarm probability."""
    BLIND = "blind"
    """A boundary is stale: the diagnosis cannot see, and says why."""
    DEVICE = "device"
    """A device does not answer."""
    POINT = "point"
    """A point cannot be believed: frozen, drifting, always bad."""
    MODEL = "model"
    """The network does not solve with what was measured."""
    STORE = "store"
    """The telemetry store is away or full."""
    SPOOL = "spool"
    """The spool on disk is filling or has dropped samples."""


class Priority(StrEnum):
    """How fast a person must act."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class HoldKind(StrEnum):
    """What keeps an alarm from being announced."""

    SHELVED = AlarmState.SHELVED.value
    SUPPRESSED = AlarmState.SUPPRESSED.value
    OUT_OF_SERVICE = AlarmState.OUT_OF_SERVICE.value


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an alarm is not announced, who said so (empty for suppression by design) and until when."""

    kind: HoldKind
    reason: str
    by: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One condition that somebody may have to act on; a continuing condition is one alarm, found by its ``key``.

    ``version`` counts what people and state changes did to it (not refreshed details): whoever acts on an older
    version is told what happened meanwhile. It is 0 for an alarm that was never kept.
    """

    key: str
    kind: AlarmKind
    source: str
    """The point, device or element it is about."""
    code: str
    """What is wrong, as a code for a dictionary of messages: ``low_limit``, ``blocked_link``, ``stale``."""
    priority: Priority = Priority.MEDIUM
    active: bool = False
    pending: bool = False
    hold: Hold | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)
    raised: datetime | None = None
    changed: datetime | None = None
    acknowledged_by: str = ""
    version: int = 0

    @property
    def state(self) -> AlarmState:
        """The state of ISA-18.2."""
        if self.hold is not None:
            return AlarmState(self.hold.kind.value)
        if self.active:
            return AlarmState.UNACKNOWLEDGED if self.pending else AlarmState.ACKNOWLEDGED
        return AlarmState.RETURNED if self.pending else AlarmState.NORMAL


@dataclass(frozen=True, slots=True)
class Raise:
    """The condition is there, with its present details."""

    time: datetime
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clear:
    """The condition is no longer there."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person has seen it."""

    time: datetime
    by: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Shelve:
    """A person puts it aside until a time, with a reason."""

    time: datetime
    by: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Unshelve:
    """A person takes it off the shelf."""

    time: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Time has passed: a shelf whose end has come is emptied."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Suppress:
    """A rule of the design holds it back, such as a window for flushing works."""

    time: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """The rule of the design no longer holds it back."""

    time: datetime


@dataclass(frozen=True, slots=True)
class RemoveFromService:
    """A person takes it out of service, with a reason and no end."""

    time: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnToService:
    """A person puts it back into service."""

    time: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A person says something about it; the state stays."""

    time: datetime
    by: str
    words: str


PlantEvent = Raise | Clear | Expire | Suppress | Release
"""What the plant, time or the design does: fits every state, and twice is as good as once."""
PersonEvent = Acknowledge | Shelve | Unshelve | RemoveFromService | ReturnToService | Comment
"""What a named person does: refused where it does not fit the state."""
AlarmEvent = PlantEvent | PersonEvent


@dataclass(frozen=True, slots=True)
class AlarmEntry:
    """One line of the log of alarm events, which only grows."""

    number: int
    key: str
    time: datetime
    event: str
    state: AlarmState
    """The state after the event."""
    by: str = ""
    details: Mapping[str, Detail] = field(default_factory=dict)


def limit_key(point: str, side: str) -> str:
    """Return the key of the limit alarm of a point; ``side`` is ``low`` or ``high``."""
    return f"{AlarmKind.LIMIT}/{point}/{side}"


def diagnosis_key(kind: str, elements: Sequence[str]) -> str:
    """Return the key of a cause: a link that is blocked and one that is closed are the same trouble."""
    return f"{AlarmKind.DIAGNOSIS}/{'blocked_link' if kind == 'closed_link' else kind}/{'+'.join(sorted(elements))}"


def step(alarm: Alarm, event: AlarmEvent) -> Alarm:
    """Return ``alarm`` after ``event``.

    Plant events fit every state and are idempotent. What a person does is refused where it does not fit.

    Raises
    ------
    Refused
        The event does not fit the state, or no name or reason stands on it.
    ValueError
        A time is naive.
    """
    if event.time.tzinfo is None:
        raise ValueError(f"alarm {alarm.key}: time {event.time.isoformat()} is naive, expected an offset")
    if isinstance(event, PersonEvent):
        return replace(_by_person(alarm, event), changed=event.time, version=alarm.version + 1)
    after = _by_plant(alarm, event)
    if (after.state, after.active, after.hold) == (alarm.state, alarm.active, alarm.hold):
        return after
    return replace(after, changed=event.time, version=alarm.version + 1)


def _by_plant(alarm: Alarm, event: PlantEvent) -> Alarm:
    match event:
        case Raise():
            if alarm.active:
                return replace(alarm, details=event.details)
            # A hold keeps the occurrence from being announced; what is still there when it ends is announced then.
            news = replace(alarm, active=True, details=event.details, raised=event.time)
            return news if alarm.hold else replace(news, pending=True, acknowledged_by="")
        case Clear():
            return replace(alarm, active=False)
        case Expire():
            hold = alarm.hold
            due = hold is not None and hold.until is not None and hold.until <= event.time
            return _announced(alarm) if due else alarm
        case Suppress():
            if alarm.hold is not None and alarm.hold.kind is not HoldKind.SHELVED:
                return alarm
            return replace(alarm, hold=Hold(HoldKind.SUPPRESSED, event.reason))
        case Release():
            return _announced(alarm) if alarm.hold and alarm.hold.kind is HoldKind.SUPPRESSED else alarm
        case _:
            assert_never(event)


def _by_person(alarm: Alarm, event: PersonEvent) -> Alarm:
    by = event.by.strip()
    if not by:
        raise Refused.of(f"alarm {alarm.key}: no name given, expected the person who acts")
    match event:
        case Acknowledge():
            if alarm.hold is not None or not alarm.pending:
                raise Refused.of(f"alarm {alarm.key}: cannot be acknowledged, it is {describe_state(alarm)}")
            return replace(alarm, pending=False, acknowledged_by=by)
        case Shelve():
            _check_shelf(alarm, event)
            until = event.until.astimezone(UTC)
            return replace(alarm, pending=False, hold=Hold(HoldKind.SHELVED, event.reason.strip(), by, until))
        case Unshelve():
            return _freed(alarm, HoldKind.SHELVED)
        case RemoveFromService():
            if not event.reason.strip():
                raise Refused.of(f"alarm {alarm.key}: no reason given for taking it out of service")
            if alarm.hold is not None and alarm.hold.kind is HoldKind.OUT_OF_SERVICE:
                raise Refused.of(f"alarm {alarm.key}: is {describe_state(alarm)} already")
            return replace(alarm, pending=False, hold=Hold(HoldKind.OUT_OF_SERVICE, event.reason.strip(), by))
        case ReturnToService():
            return _freed(alarm, HoldKind.OUT_OF_SERVICE)
        case Comment():
            return alarm
        case _:
            assert_never(event)


def _check_shelf(alarm: Alarm, event: Shelve) -> None:
    if not event.reason.strip():
        raise Refused.of(f"alarm {alarm.key}: no reason given for shelving it")
    if event.until.tzinfo is None:
        raise ValueError(f"alarm {alarm.key}: time {event.until.isoformat()} is naive, expected an offset")
    if not timedelta(0) < event.until - event.time <= LONGEST_SHELF:
        until = event.until.isoformat()
        raise Refused.of(f"alarm {alarm.key}: shelved until {until}, expected at most {LONGEST_SHELF.days} days ahead")
    if alarm.hold is not None and alarm.hold.kind is not HoldKind.SHELVED:
        raise Refused.of(f"alarm {alarm.key}: cannot be shelved, it is {describe_state(alarm)}")


def _freed(alarm: Alarm, kind: HoldKind) -> Alarm:
    if alarm.hold is None or alarm.hold.kind is not kind:
        raise Refused.of(f"alarm {alarm.key}: is not {kind.replace('_', ' ')}, it is {describe_state(alarm)}")
    return _announced(alarm)


def _announced(alarm: Alarm) -> Alarm:
    pending = alarm.pending or alarm.active
    return replace(alarm, hold=None, pending=pending, acknowledged_by="" if pending else alarm.acknowledged_by)


def describe_state(alarm: Alarm) -> str:
    """Return the state in words, with the person and the time behind it, for a message."""
    words = alarm.state.replace("_", " ")
    who = alarm.hold.by if alarm.hold else alarm.acknowledged_by
    by = f" by {who}" if who and alarm.state not in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED) else ""
    since = f" since {alarm.changed.isoformat(timespec='seconds')}" if alarm.changed else ""
    return words + by + since
