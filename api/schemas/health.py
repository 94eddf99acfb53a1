"""Whether the service is well, and what changed by whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from api.schemas.view import View


class Part(StrEnum):
    """A part of the service that can be well or not."""

    RECORDS = "records"
    TELEMETRY = "telemetry"
    SAMPLES = "samples"
    MONITOR = "monitor"
    BOUNDARIES = "boundaries"


class PartView(View):
    """How one part is; ``ready`` is null for a part that does not decide whether the service is ready."""

    part: Part
    ready: bool | None
    fact: str = Field(description="What is known, in English, for a log; the console words it by `part`.")
    since: datetime | None


class HealthView(View):
    """How the service is, part by part. ``ready`` is false as soon as one part is."""

    ready: bool
    version: str
    started: datetime
    now: datetime
    newest_sample: datetime | None
    data_age_s: float | None
    streams: int
    parts: list[PartView]


class LifeView(View):
    """The process lives and answers."""

    alive: bool


class AuditView(View):
    """One change: who, what, when. ``time`` is the action's, ``written`` the machine's."""

    number: int
    time: datetime
    written: datetime
    by: str
    action: str
    subject: str
    content: Mapping[str, Any]
