"""Alarms: their state, and what people do to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from api.schemas.view import Asked, Moment, Said, Version, View, Words
from models.alarm import AlarmKind, AlarmState, HoldKind, Priority

DetailView = str | float | bool | list[str] | None


class AlarmCode(StrEnum):
    """What is wrong: the key of a message."""

    LOW_LIMIT = "low_limit"
    HIGH_LIMIT = "high_limit"
    SILENT = "silent"
    BLIND = "blind"
    UNSOLVED = "unsolved"
    UNEXPLAINED = "unexplained"
    BLOCKED_LINK = "blocked_link"
    CLOSED_LINK = "closed_link"
    OPEN_BOUNDARY = "open_boundary"
    DEMAND_GROWTH = "demand_growth"
    LEAK = "leak"
    SOURCE_HEAD_LOSS = "source_head_loss"
    ROUGHNESS_GROWTH = "roughness_growth"
    POINT_FAULT = "point_fault"


class HoldView(View):
    """Why an alarm is not announced, who said so and until when."""

    kind: HoldKind
    reason: str
    by: str
    until: datetime | None


class AlarmView(View):
    """An alarm. ``id`` is its key with ``/`` written ``~1`` and ``~`` written ``~0``, fit for a path."""

    id: str = Field(examples=["limit~1PT-07~1low"])
    key: str = Field(examples=["limit/PT-07/low"])
    kind: AlarmKind
    source: str
    code: AlarmCode
    priority: Priority
    state: AlarmState
    active: bool
    pending: bool
    hold: HoldView | None
    details: Mapping[str, DetailView]
    raised: datetime | None
    changed: datetime | None
    acknowledged_by: str
    version: int
    diagnosis_id: int | None = Field(description="The newest kept diagnosis that speaks of what it is about.")
    order_id: int | None = Field(description="The newest work order that was made for it.")


class AlarmEventView(View):
    """One line of the log of alarm events."""

    number: int
    id: str
    key: str
    time: datetime
    event: str
    state: AlarmState
    by: str
    details: Mapping[str, DetailView]


class Acknowledging(Asked):
    """Seen, by whoever has signed in."""

    version: Version
    comment: Words = ""


class Shelving(Asked):
    """Put aside until a time, at most seven days ahead, with a reason."""

    version: Version
    reason: Said = Field(examples=["crew is on its way"])
    until: Moment


class Removing(Asked):
    """Taken out of service, with a reason."""

    version: Version
    reason: Said


class Returning(Asked):
    """Taken off the shelf, or put back into service."""

    version: Version


class Commenting(Asked):
    """Words about an alarm; its state stays."""

    version: Version
    words: Said
