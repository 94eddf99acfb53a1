"""Complaints and what crews read for them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.view import Asked, Moment, Name, Row, Said, View
from models.complaint import ComplaintStatus


class ComplaintView(View):
    """What a customer said and how far the answer is."""

    id: int
    customer_id: str
    node: str
    time: datetime
    words: str
    reading_m: float | None
    raised_by: str
    status: ComplaintStatus
    diagnosis_id: int | None


class NewComplaint(Asked):
    """What a customer says; ``time`` is the site's present where it is left out."""

    customer_id: Name = Field(examples=["C-126"])
    words: Said = Field(examples=["The pressure is too low to produce."])
    time: Moment | None = None
    reading_m: float | None = Field(default=None, ge=-10.3, le=400.0)


class HandReadingView(View):
    """What a crew's gauge showed."""

    id: int
    node: str
    time: datetime
    value_m: float
    by: str
    complaint_id: int
    order_id: int


class NewHandReading(Asked):
    """A pressure that was read by hand, in metres of water above the ground there."""

    node: Name
    value_m: float = Field(ge=-10.3, le=400.0)
    time: Moment | None = None
    complaint_id: Row | None = None
    order_id: Row | None = None
