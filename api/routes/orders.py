"""Work orders, from draft to done, with findings and photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access import Operator, Person, Serving, Viewer
from api.context import Context
from api.once import DoneOnce, Once
from api.paging import Cursor, Limit, cut, number_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.schemas.orders import Dispatching, Finding, NewOrder, OrderView, PhotoView, Pressures, Step
from api.schemas.view import Page, Row
from api.views import order_view
from models.notice import NoticeCode
from models.order import Order, OrderState, describe_state
from models.photo import SIGNATURES, Photo, media_type_of
from models.problem import Changed
from service.dispatch import open_order
from service.findings import close_order, record_findings, record_pressures
from service.notices import tell_affected

ROUTER = router("orders")
Acting = responses(ProblemType.MISSING, ProblemType.CHANGED, ProblemType.KEY_REUSED)
MOST_PHOTO_BYTES = 10 * 1024 * 1024
OrderId = Annotated[Row, Path()]


@ROUTER.get("/orders")
def list_orders(
    _person: Viewer,
    context: Serving,
    state: Annotated[list[OrderState] | None, Query(description="Left out: all states.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[OrderView]:
    """Work orders, the newest first."""
    found = context.pages.orders(state or (), number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda one: (one.id,))
    return Page(items=[order_view(context, order) for order in page], next=following)


@ROUTER.post("/orders", status_code=201, response_model=OrderView, responses=Acting)
def draft_order(person: Operator, context: Serving, once: DoneOnce, asked: NewOrder) -> Response:
    """Draft the order that follows from a diagnosis; one that stands for the same matter is revised, not doubled."""

    def work() -> OrderView:
        records = context.records
        records.diagnosis(asked.diagnosis_id)
        entry = context.pages.diagnosis_entry(asked.diagnosis_id)
        complaint = None if entry is None else entry.complaint_id
        order = open_order(records, context.site, asked.diagnosis_id, context.now(), context.layout, complaint)
        if order is None:
            said = f"diagnosis {asked.diagnosis_id}: names nothing that a crew could mend or measure"
            raise ApiProblem(ProblemType.REFUSED, said)
        return order_view(context, order)

    return once(person, asked, 201, work)


@ROUTER.get("/orders/{order_id}", responses=responses(ProblemType.MISSING))
def get_order(_person: Viewer, context: Serving, order_id: OrderId) -> OrderView:
    """One work order."""
    return order_view(context, context.records.order(order_id))


@ROUTER.post("/orders/{order_id}/dispatch", response_model=OrderView, responses=Acting)
def dispatch_order(
    person: Operator, context: Serving, once: DoneOnce, order_id: OrderId, asked: Dispatching
) -> Response:
    """Send a crew; the customers who are affected are told that the cause is known."""

    def work() -> Order:
        seen, now = _seen(context, order_id, asked), context.now()
        order = context.records.advance_order(seen, OrderState.DISPATCHED, person.full_name, now, asked.crew.strip())
        tell_affected(context.records, context.site, order, NoticeCode.LOW_PRESSURE_KNOWN, now)
        return order

    return _act(context, once, person, order_id, asked, work)


@ROUTER.post("/orders/{order_id}/arrive", response_model=OrderView, responses=Acting)
def arrive_at_order(person: Operator, context: Serving, once: DoneOnce, order_id: OrderId, asked: Step) -> Response:
    """Say that the crew is on site."""

    def work() -> Order:
        seen = _seen(context, order_id, asked)
        return context.records.advance_order(seen, OrderState.ON_SITE, person.full_name, context.now())

    return _act(context, once, person, order_id, asked, work)


@ROUTER.post("/orders/{order_id}/findings", response_model=OrderView, responses=Acting)
def add_findings(person: Operator, context: Serving, once: DoneOnce, order_id: OrderId, asked: Finding) -> Response:
    """Say what was found."""

    def work() -> Order:
        found = [f"{one.kind}: {one.detail}".rstrip(": ") for one in asked.findings]
        return record_findings(context.records, order_id, found, person.full_name, context.now())

    return _act(context, once, person, order_id, asked, work)


@ROUTER.post("/orders/{order_id}/pressures", response_model=OrderView, responses=Acting)
def add_pressures(person: Operator, context: Serving, once: DoneOnce, order_id: OrderId, asked: Pressures) -> Response:
    """Enter the pressures before and after the work."""

    def work() -> Order:
        now = context.now()
        return record_pressures(context.records, order_id, person.full_name, now, asked.before_m, asked.after_m)

    return _act(context, once, person, order_id, asked, work)


@ROUTER.post("/orders/{order_id}/close", response_model=OrderView, responses=Acting)
def finish_order(person: Operator, context: Serving, once: DoneOnce, order_id: OrderId, asked: Step) -> Response:
    """Close an order with its findings; the customers who were affected are told."""

    def work() -> Order:
        _seen(context, order_id, asked)
        now = context.now()
        order = close_order(context.records, order_id, person.full_name, now)
        tell_affected(context.records, context.site, order, NoticeCode.PRESSURE_RESTORED, now)
        return order

    return _act(context, once, person, order_id, asked, work)


@ROUTER.post("/orders/{order_id}/cancel", response_model=OrderView, responses=Acting)
def cancel_order(person: Operator, context: Serving, once: DoneOnce, order_id: OrderId, asked: Step) -> Response:
    """Call an order off."""

    def work() -> Order:
        seen = _seen(context, order_id, asked)
        return context.records.advance_order(seen, OrderState.CANCELLED, person.full_name, context.now())

    return _act(context, once, person, order_id, asked, work)


_PHOTO_BODY = {
    "requestBody": {
        "required": True,
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in SIGNATURES},
    }
}


@ROUTER.post(
    "/orders/{order_id}/photos",
    status_code=201,
    response_model=PhotoView,
    openapi_extra=_PHOTO_BODY,
    responses={**Acting, **responses(ProblemType.MEDIA)},
)
async def add_photo(
    person: Operator,
    request: Request,
    context: Serving,
    once: DoneOnce,
    order_id: OrderId,
    caption: Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """Add a photo: its bytes are the body, JPEG, PNG or WebP, at most 10 MB."""
    content = await request.body()
    if len(content) > MOST_PHOTO_BYTES:
        raise ApiProblem(ProblemType.TOO_LARGE, f"photo of {len(content)} bytes, expected at most {MOST_PHOTO_BYTES}")
    kind = media_type_of(content)
    if kind is None:
        raise ApiProblem(ProblemType.MEDIA, "the body is no JPEG, PNG or WebP image")

    def work() -> PhotoView:
        photo = Photo(order_id, kind, len(content), person.full_name, context.now(), caption)
        return PhotoView.model_validate(context.photos.keep(photo, content))

    return await run_in_threadpool(once, person, content, 201, work)


@ROUTER.get(
    "/orders/{order_id}/photos/{photo_id}",
    response_class=Response,
    responses={
        **responses(ProblemType.MISSING),
        200: {"content": {media: {"schema": {"type": "string", "format": "binary"}} for media in SIGNATURES}},
    },
)
def get_photo(_person: Viewer, context: Serving, order_id: OrderId, photo_id: Row) -> Response:
    """A photo's bytes."""
    photo, content = context.photos.content(order_id, photo_id)
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "Content-Disposition": "inline"}
    return Response(content, media_type=photo.media_type, headers=headers)


def _seen(context: Context, order_id: int, asked: Step) -> Order:
    """Return an order as the person saw it; whoever saw an older one is told what it is now."""
    order = context.records.order(order_id)
    if order.version != asked.version:
        raise Changed.of(f"order {order_id}: has changed meanwhile, it is now {describe_state(order)}")
    return order


def _act(
    context: Context,
    once: Once,
    person: Person,
    order_id: int,
    asked: Step | Finding | Pressures,
    work: Callable[[], Order],
) -> Response:
    """Do what a person asks of an order, once; whoever was second is shown the order as it is now."""
    try:
        return once(person, asked, 200, lambda: order_view(context, work()))
    except Changed as error:
        now = order_view(context, context.records.order(order_id)).model_dump(mode="json")
        raise ApiProblem(ProblemType.CHANGED, str(error), current=now) from error
