"""What every body has in common, and pages of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class View(BaseModel):
    """What is answered; read from the house's dataclasses by their fields."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Asked(BaseModel):
    """What is asked; a field that is not known is a mistake and is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(View, Generic[Item]):
    """Items and where to go on; ``next`` is given back as ``cursor`` and is null on the last page."""

    items: list[Item]
    next: str | None


def _utc(time: datetime) -> datetime:
    # Years at the edge of the calendar fall off it when moved to UTC.
    return time.astimezone(UTC) if 1900 <= time.year <= 2200 else _refuse(time)


def _refuse(time: datetime) -> datetime:
    raise ValueError(f"time {time.isoformat()}, expected a year from 1900 to 2200")


Moment = Annotated[AwareDatetime, AfterValidator(_utc), Field(examples=["2026-07-11T07:00:00+08:00"])]
"""A time in a request: ISO 8601 with an offset; a naive one is refused."""

Words = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
"""What a person writes: plain text, never markup."""
Said = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]
"""What a person must write: at least one visible character."""
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
"""The id or name of something."""
Row = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""The number of something kept."""
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""The version that the person saw; somebody else's change since then is told with status 409."""
