"""Works windows: spans in which works explain what the readings show."""

from __future__ import annotations

from fastapi import Response

from api.access import Operator, Serving, Viewer
from api.context import Context
from api.once import DoneOnce
from api.paging import Cursor, Limit, cut, number_of
from api.problems import ProblemType, responses
from api.routes.router import router
from api.schemas.view import Page, Row
from api.schemas.works import NewWorks, WorksView
from api.views import works_view
from models.problem import BadInput, Problem
from models.works import WorksWindow, works_problems

ROUTER = router("works")


@ROUTER.get("/works")
def list_works(_person: Viewer, context: Serving, limit: Limit = 100, cursor: Cursor = None) -> Page[WorksView]:
    """Works windows, the newest first."""
    found = context.works.windows(number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda one: (one.id,))
    return Page(items=[works_view(context, one) for one in page], next=following)


@ROUTER.post("/works", status_code=201, response_model=WorksView, responses=responses(ProblemType.KEY_REUSED))
def plan_works(person: Operator, context: Serving, once: DoneOnce, asked: NewWorks) -> Response:
    """Announce works; while they hold, diagnosis alarms of what they touch are suppressed by design."""
    window = WorksWindow(
        kind=asked.kind,
        start=asked.start,
        end=asked.end,
        reason=asked.reason.strip(),
        by=person.full_name,
        zones=tuple(asked.zones),
        elements=tuple(asked.elements),
    )
    problems = [*works_problems(window), *_unknown(context, window)]
    if problems:
        raise BadInput(problems)
    return once(person, asked, 201, lambda: works_view(context, context.works.plan(window, context.now())))


@ROUTER.post("/works/{works_id}/end", responses=responses(ProblemType.MISSING))
def end_works(person: Operator, context: Serving, works_id: Row) -> WorksView:
    """Say that works are over before their time."""
    return works_view(context, context.works.end(works_id, person.full_name, context.now()))


def _unknown(context: Context, window: WorksWindow) -> list[Problem]:
    """Return what the site does not have of the zones and elements of a window."""
    network, zones = context.bench.engine.network, set(context.site.zones.values())
    problems = [Problem(f"works: zone {zone} is none of the site") for zone in window.zones if zone not in zones]
    return problems + [
        Problem(f"works: element {element} is none of the network")
        for element in window.elements
        if element not in network.node_index and element not in network.link_index
    ]
