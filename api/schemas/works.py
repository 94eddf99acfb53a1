"""Works windows, which hold back blame."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.view import Asked, Moment, Name, Said, View
from models.works import WorksKind


class WorksView(View):
    """A span in which works explain what the readings show."""

    id: int
    kind: WorksKind
    start: datetime
    end: datetime
    ended: datetime | None
    reason: str
    by: str
    zones: list[str]
    elements: list[str]
    holds_now: bool


class NewWorks(Asked):
    """Works that are planned or go on; no zones and no elements is the whole network."""

    kind: WorksKind
    start: Moment
    end: Moment
    reason: Said = Field(examples=["flushing after main renewal"])
    zones: list[Name] = Field(default_factory=list, max_length=1000)
    elements: list[Name] = Field(default_factory=list, max_length=10000)
