"""Complaints, and the pressures that crews read for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query, Response

from api.access import Operator, Serving, Viewer
from api.context import Context
from api.once import DoneOnce
from api.paging import Cursor, Limit, cut, number_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.schemas.complaints import ComplaintView, HandReadingView, NewComplaint, NewHandReading
from api.schemas.view import Page, Row
from api.views import complaint_view
from models.complaint import ComplaintStatus
from models.measurement import HandReading
from service.desk import take_complaint

ROUTER = router("complaints")
MOST_AHEAD = timedelta(hours=1)
"""How far a person's clock may be ahead: what lies later has not been said or read yet."""


@ROUTER.get("/complaints")
def list_complaints(
    _person: Viewer,
    context: Serving,
    status: Annotated[ComplaintStatus | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ComplaintView]:
    """Complaints, the newest first."""
    found = context.pages.complaints(status, number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda one: (one.id,))
    return Page(items=[complaint_view(one) for one in page], next=following)


@ROUTER.post("/complaints", status_code=201, response_model=ComplaintView, responses=responses(ProblemType.KEY_REUSED))
def take_down_complaint(person: Operator, context: Serving, once: DoneOnce, asked: NewComplaint) -> Response:
    """Take down what a customer says; the monitor answers it at its next cycle."""

    def work() -> ComplaintView:
        time = _moment(context, "complaint", asked.time)
        said = (context.site, context.records, asked.customer_id, asked.words, time)
        return complaint_view(take_complaint(*said, reading_m=asked.reading_m, raised_by=person.full_name))

    return once(person, asked, 201, work)


@ROUTER.get("/complaints/{complaint_id}", responses=responses(ProblemType.MISSING))
def get_complaint(_person: Viewer, context: Serving, complaint_id: Row) -> ComplaintView:
    """One complaint."""
    return complaint_view(context.records.complaint(complaint_id))


@ROUTER.get("/complaints/{complaint_id}/readings", responses=responses(ProblemType.MISSING))
def list_readings(_person: Viewer, context: Serving, complaint_id: Row) -> list[HandReadingView]:
    """What crews read for a complaint."""
    context.records.complaint(complaint_id)
    return [HandReadingView.model_validate(one) for one in context.records.hand_readings(complaint_id)]


@ROUTER.post(
    "/readings",
    status_code=201,
    response_model=HandReadingView,
    responses=responses(ProblemType.MISSING, ProblemType.KEY_REUSED),
)
def enter_reading(person: Operator, context: Serving, once: DoneOnce, asked: NewHandReading) -> Response:
    """Enter a pressure that was read by hand; a complaint it was read for is diagnosed anew."""
    if asked.node not in context.bench.engine.network.node_index:
        raise ApiProblem(ProblemType.INVALID, f"reading: node {asked.node} is none of the network")

    def work() -> HandReadingView:
        if asked.complaint_id is not None:
            context.records.complaint(asked.complaint_id)
        if asked.order_id is not None:
            context.records.order(asked.order_id)
        reading = HandReading(
            asked.node,
            _moment(context, "reading", asked.time),
            asked.value_m,
            person.full_name,
            asked.complaint_id or 0,
            asked.order_id or 0,
        )
        return HandReadingView.model_validate(context.records.keep_hand_reading(reading))

    return once(person, asked, 201, work)


def _moment(context: Context, what: str, asked: datetime | None) -> datetime:
    """Return when something was said or read; the site's present where that is left out."""
    now = context.now()
    latest = max(now, context.wall()) + MOST_AHEAD
    if asked is not None and asked > latest:
        said = f"{what}: time {asked.isoformat()}, expected none after {latest.isoformat()}"
        raise ApiProblem(ProblemType.INVALID, said)
    return asked or now
