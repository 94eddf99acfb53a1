"""Points, what they said over time, what they should have said, and taking them out of scan."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Annotated, Literal

import numpy as np
from fastapi import Path, Query, Response

from api.access import Engineer, Serving, Viewer
from api.belief import BAND90, Expected
from api.context import Context
from api.paging import Cursor, cursor_of, place_of, time_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.routes.state import belief_at
from api.schemas.points import (
    AccuracyView,
    ExpectedView,
    ModelAccuracy,
    OutOfScanView,
    PointsView,
    PointView,
    SamplesView,
    SampleView,
    TakeOut,
)
from api.schemas.view import Moment
from api.tables import csv_response
from api.views import out_of_scan_views
from hydro.errors import HydroError
from models.point import Point
from models.sample import Sample
from models.works import OutOfScan
from stores.columns import QUALITIES
from stores.instant import instant

ROUTER = router("points")
PointName = Annotated[str, Path(max_length=200)]
Start = Annotated[Moment | None, Query(description="A day before `end` where it is left out.")]
End = Annotated[Moment | None, Query(description="The site's present where it is left out.")]
MOST_SAMPLES = 20_000
MOST_EXPORTED = 250_000
"""Readings of one table: three days of one a second, and a quarter of what a spreadsheet holds."""
LONGEST_COURSE = timedelta(days=3)
Missing = responses(ProblemType.MISSING)


@ROUTER.get("/points")
def list_points(
    _person: Viewer,
    context: Serving,
    model: Annotated[bool, Query(description="Whether to say what the model expects, which may take a second.")] = True,
) -> PointsView:
    """Every point with its newest sample and what the model expects of it."""
    latest = context.telemetry.latest([point.name for point in context.site.points])
    expected = _expected(context) if model else {}
    out, now = out_of_scan_views(context), context.now()
    return PointsView(
        points=[
            _point_view(context, point, latest.get(point.name), expected.get(point.name), out.get(point.name), now)
            for point in context.site.points
        ]
    )


@ROUTER.get("/points/{name}", responses=Missing)
def get_point(_person: Viewer, context: Serving, name: PointName) -> PointView:
    """One point."""
    point = _point(context, name)
    latest, out = context.telemetry.latest([name]), out_of_scan_views(context)
    expected = _expected(context).get(name)
    return _point_view(context, point, latest.get(name), expected, out.get(name), context.now())


@ROUTER.get("/points/{name}/samples", responses=Missing)
def get_samples(
    _person: Viewer,
    context: Serving,
    name: PointName,
    start: Start = None,
    end: End = None,
    step_s: Annotated[
        float | None,
        Query(ge=1.0, le=31_536_000.0, description="Aggregate to steps of this length; left out: as read."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_SAMPLES)] = 5000,
    cursor: Cursor = None,
) -> SamplesView:
    """What a point said over a span."""
    point = _point(context, name)
    begin, stop = span(context, start, end)
    if cursor is not None:
        begin = time_of(place_of(cursor, 1)[0])
    if step_s is not None:
        return _means(context, point, begin, stop, step_s, limit)
    found = context.telemetry.columns([name], begin, stop)
    page = found.take(slice(limit))
    following = cursor_of(instant(int(found.time[limit])).isoformat()) if len(found) > limit else None
    return SamplesView(
        point=name,
        unit=point.unit,
        step_s=None,
        time=((page.time + 500) // 1000).tolist(),
        value=[number(one) for one in page.value.tolist()],
        low=[],
        high=[],
        quality=[QUALITIES[one] for one in page.quality.tolist()],
        next=following,
    )


@ROUTER.get(
    "/points/{name}/samples.csv",
    response_class=Response,
    responses={**Missing, 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_samples(
    _person: Viewer, context: Serving, name: PointName, start: Start = None, end: End = None
) -> Response:
    """What a point said over a span, as a table for a spreadsheet."""
    point = _point(context, name)
    begin, stop = span(context, start, end)
    found = context.telemetry.columns([name], begin, stop)
    if len(found) > MOST_EXPORTED:
        said = f"point {name}: {len(found)} readings in this span, expected at most {MOST_EXPORTED}: a shorter one"
        raise ApiProblem(ProblemType.INVALID, said)
    rows = ((one.time.isoformat(), number(one.value), str(one.quality), one.reason) for one in found)
    return csv_response(f"{name}.csv", ("time", f"value [{point.unit}]", "quality", "reason"), rows)


@ROUTER.get("/points/{name}/expected", responses={**Missing, **responses(ProblemType.UNSOLVED)})
def get_expected(
    _person: Viewer, context: Serving, name: PointName, start: Start = None, end: End = None
) -> ExpectedView:
    """What the model says a point should have read over a span, with its band; three days at most."""
    point = _point(context, name)
    begin, stop = span(context, start, end)
    if stop - begin > LONGEST_COURSE:
        raise ApiProblem(ProblemType.INVALID, f"a span of {stop - begin}, expected at most {LONGEST_COURSE}")
    course = context.believer.course(begin, stop, context.works.out_of_scan())
    none = np.full(len(course.time), np.nan)
    modelled, deviation = course.modelled.get(name, none), course.deviation.get(name, none)
    return ExpectedView(
        point=name,
        unit=point.unit,
        time=[round(1e3 * one) for one in course.time],
        modelled=[number(one) for one in modelled],
        band_low=[number(one) for one in modelled - BAND90 * deviation],
        band_high=[number(one) for one in modelled + BAND90 * deviation],
    )


@ROUTER.get("/accuracy", responses=responses(ProblemType.UNSOLVED))
def get_accuracy(_person: Viewer, context: Serving) -> ModelAccuracy:
    """How far the model is off at every point, over the last day."""
    begin, stop = span(context, None, None)
    course = context.believer.course(begin, stop, context.works.out_of_scan())
    views = []
    for name, modelled in course.modelled.items():
        off = course.measured[name] - modelled
        off = off[np.isfinite(off)]
        views.append(
            AccuracyView(
                point=name,
                unit=context.site.point(name).unit,
                steps=len(off),
                mean=float(off.mean()) if len(off) else None,
                deviation=float(off.std()) if len(off) else None,
            )
        )
    return ModelAccuracy(start=begin, end=stop, points=views)


@ROUTER.post("/points/{name}/out-of-scan", status_code=201, responses=Missing)
def take_out_of_scan(person: Engineer, context: Serving, name: PointName, asked: TakeOut) -> OutOfScanView:
    """Take a point out of scan: its readings are kept, but raise no alarm and take no part in a diagnosis."""
    _point(context, name)
    out = OutOfScan(name, asked.reason.strip(), person.full_name, context.now())
    return OutOfScanView.model_validate(context.works.take_out(out))


@ROUTER.delete("/points/{name}/out-of-scan", status_code=204, responses=Missing)
def put_back_into_scan(person: Engineer, context: Serving, name: PointName) -> None:
    """Put a point back into scan."""
    _point(context, name)
    context.works.put_back(name, person.full_name, context.now())


def span(context: Context, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """Return the span that is asked for; a day up to the site's present where nothing is said."""
    stop = end or context.now() + timedelta(seconds=1)
    begin = start or stop - timedelta(days=1)
    if begin >= stop:
        raise ApiProblem(ProblemType.INVALID, f"start {begin.isoformat()} is not before end {stop.isoformat()}")
    return begin, stop


def milliseconds(time: datetime) -> int:
    """Return a time as milliseconds since 1970-01-01 UTC."""
    return round(1e3 * time.timestamp())


def number(value: float) -> float | None:
    """Return a value, or nothing where it is none."""
    return float(value) if math.isfinite(value) else None


def _means(context: Context, point: Point, start: datetime, end: datetime, step_s: float, limit: int) -> SamplesView:
    """Return means of good samples with the lowest and highest of each step, at most ``limit`` steps."""
    stop = min(end, start + timedelta(seconds=step_s) * limit)
    means = context.telemetry.means([point.name], start, stop, step_s)
    return SamplesView(
        point=point.name,
        unit=point.unit,
        step_s=step_s,
        time=[milliseconds(one.time) for one in means],
        value=[one.value for one in means],
        low=[one.low for one in means],
        high=[one.high for one in means],
        quality=[],
        next=cursor_of(stop.isoformat()) if stop < end else None,
    )


def _point(context: Context, name: str) -> Point:
    try:
        return context.site.point(name)
    except KeyError:
        raise ApiProblem(ProblemType.MISSING, f"point {name}: the site has none of that name") from None


def _expected(context: Context) -> dict[str, Expected]:
    """Return what the model expects of points now; nothing while it cannot say, which the alarms tell of."""
    at: Literal["now"] = "now"
    try:
        return dict(belief_at(context, at).points)
    except HydroError:
        return {}


def _point_view(
    context: Context,
    point: Point,
    latest: Sample | None,
    expected: Expected | None,
    out: OutOfScanView | None,
    now: datetime,
) -> PointView:
    age = None if latest is None else max(0.0, (now - latest.time).total_seconds())
    x, y = _place(context, point)
    told = {name: getattr(point, name) for name in PointView.model_fields if hasattr(point, name)}
    seen = None
    if latest is not None:
        seen = SampleView(time=latest.time, value=number(latest.value), quality=latest.quality, reason=latest.reason)
    more = {
        "latest": seen,
        "age_s": age,
        "stale": age is None or age > context.site.monitor.stale_s,
        "modelled": None if expected is None else number(expected.value),
        "deviation": None if expected is None else number(expected.deviation),
        "out_of_scan": out,
        "x": x,
        "y": y,
    }
    return PointView.model_validate({**told, **more})


def _place(context: Context, point: Point) -> tuple[float | None, float | None]:
    network = context.bench.engine.network
    node, link = network.node_index.get(point.element), network.link_index.get(point.element)
    if node is not None:
        x, y = float(network.x[node]), float(network.y[node])
    elif link is not None:
        ends = [network.start[link], network.end[link]]
        x, y = float(network.x[ends].mean()), float(network.y[ends].mean())
    else:
        return None, None
    return number(x), number(y)
