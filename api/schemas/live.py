"""The events of the live stream, as they stand in the ``data`` of server-sent events."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.alarms import AlarmView
from api.schemas.view import View


class Hello(View):
    """First on every connection: which service this is and what time it is at the site."""

    version: str
    epoch: str
    now: datetime
    resumed: bool = Field(description="True when everything since `Last-Event-ID` follows; false: fetch anew.")


class LiveSamples(View):
    """Newest readings: ``[point, time in ms, value or null, quality]`` with quality 0 good, 1 uncertain, 2 bad."""

    rows: list[tuple[str, int, float | None, Literal[0, 1, 2]]]


class LiveAlarm(View):
    """An alarm that has changed, as it is now."""

    alarm: AlarmView


class LiveChange(View):
    """Something was made or changed: fetch it if it is on the page."""

    what: Literal["order", "complaint", "diagnosis", "run", "scenario", "works", "point", "user", "hand_reading"]
    id: str
    action: str
    by: str


class Clock(View):
    """What time it is at the site, and the newest reading."""

    now: datetime
    newest: datetime | None


class Reset(View):
    """Events were missed that are no longer kept: fetch everything anew."""

    reason: Literal["restarted", "too_old"]


class LiveEvents(View):
    """The ``data`` of each ``event`` of the stream, by its name."""

    hello: Hello
    samples: LiveSamples
    alarm: LiveAlarm
    change: LiveChange
    clock: Clock
    reset: Reset
