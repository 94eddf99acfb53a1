"""Work orders, from draft to done."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.view import Asked, Row, Version, View
from models.notice import NoticeCode
from models.order import Cure, FindingKind, Item, Measurement, OrderState, OrderStep, Place, SuspectedCause


class FindingView(View):
    """One thing that a named person found."""

    id: int
    kind: FindingKind
    detail: str
    by: str
    time: datetime


class GainView(View):
    """Head regained at one node, predicted and measured; ``holds`` says whether they agree."""

    at: str
    predicted_m: float | None
    predicted_pressure_m: float | None
    before_m: float | None
    after_m: float | None
    measured_m: float | None
    difference_m: float | None
    holds: bool | None


class PhotoView(View):
    """A photo without its bytes, which are at ``/orders/{order}/photos/{id}``."""

    id: int
    media_type: str
    size: int
    by: str
    time: datetime
    caption: str


class NoticeView(View):
    """What a customer was told, worded in the customer's language."""

    id: int
    customer_id: str
    customer_name: str
    language: str
    code: NoticeCode
    created: datetime
    text: str


class OrderView(View):
    """A work order."""

    id: int
    version: int
    state: OrderState
    created: datetime
    crew: str
    place: Place
    causes: list[SuspectedCause]
    isolation: list[Place]
    measurements: list[Measurement]
    bring: list[Item]
    cures: list[Cure]
    gain: GainView | None
    steps: list[OrderStep]
    findings: list[FindingView]
    photos: list[PhotoView]
    notices: list[NoticeView]
    complaint_id: int | None
    diagnosis_id: int | None
    alarm_id: str | None


class NewOrder(Asked):
    """An order from a diagnosis; the draft that stands for the same matter is revised, not doubled."""

    diagnosis_id: Row


class Step(Asked):
    """The next state, on the order as the person saw it."""

    version: Version


class Dispatching(Step):
    """Sent out, with the crew's name."""

    crew: str = Field(default="", max_length=200, examples=["Crew 2"])


class FindingAsked(Asked):
    """One thing that was found; ``detail`` says by what where something was replaced."""

    kind: FindingKind
    detail: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$")


class Finding(Asked):
    """What was found; the first finding brings a dispatched order on site."""

    findings: list[FindingAsked] = Field(min_length=1, max_length=20)


class Pressures(Asked):
    """Pressures before and after the work, in metres; what is left out stays as it is."""

    before_m: float | None = Field(default=None, ge=-10.3, le=400.0)
    after_m: float | None = Field(default=None, ge=-10.3, le=400.0)
