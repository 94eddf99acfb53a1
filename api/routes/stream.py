"""The live stream, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.access import Serving, Viewer, asker
from api.context import VERSION, Context
from api.live import opening
from api.routes.router import router
from api.schemas.live import Hello, LiveEvents, Reset
from models.problem import Unavailable

ROUTER = router("live")
ASKED_EVERY_S = 10.0
"""How often it is asked whether whoever listens may still: a stream outlives a session that has ended by this much."""


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


@ROUTER.get(
    "/stream",
    response_class=EventStream,
    responses={200: {"model": LiveEvents, "description": "Events; the schema holds the `data` of each by its name."}},
)
async def follow_stream(
    _person: Viewer,
    request: Request,
    context: Serving,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    last: Annotated[str | None, Query(max_length=100, description="As `Last-Event-ID`, for who cannot set it.")] = None,
) -> EventStream:
    """Follow what changes. `Last-Event-ID` goes on where a cut stream ended, else `hello` says to fetch anew."""
    given = last_event_id or last
    place = context.live.place_of(given)
    now = await run_in_threadpool(context.now)
    hello = Hello(version=VERSION, epoch=context.live.epoch, now=now, resumed=given is not None and place is not None)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(_events(request, context, place, hello), headers=headers)


async def _events(request: Request, context: Context, place: int | None, hello: Hello) -> AsyncIterator[bytes]:
    """Yield the stream from its opening on, until the service ends or whoever listens is no longer known."""
    live = context.live
    at = live.published if place is None else place
    yield opening("hello", hello, f"{live.epoch}-{at}")
    if place is None:
        yield opening("reset", Reset(reason="too_old"), f"{live.epoch}-{at}")
    clock = asyncio.get_running_loop().time
    asked = clock()
    async for piece in live.follow(at, Reset(reason="too_old")):
        if clock() - asked >= ASKED_EVERY_S:
            asked = clock()
            if not await run_in_threadpool(_still_known, request, context):
                return
        yield piece


def _still_known(request: Request, context: Context) -> bool:
    try:
        return asker(request, context) is not None
    except Unavailable:
        # Records that are away say nothing of who may listen, and a stream that is cut would not come back.
        return True
