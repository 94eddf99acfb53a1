"""Points: what they are, what they last said, and what they said over time beside the model."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.view import Asked, Said, View
from models.quantity import Quantity
from models.sample import Quality


class SampleView(View):
    """One reading, in the point's unit; the value is null where nothing could be read."""

    time: datetime
    value: float | None
    quality: Quality
    reason: str


class OutOfScanView(View):
    """Why and since when a point's readings are not believed, and who said so."""

    point: str
    reason: str
    by: str
    since: datetime


class PointView(View):
    """A point with its newest sample. ``age_s`` counts to the site's present.

    ``modelled`` is what the model says it would read now, ``deviation`` the standard deviation of measured less
    modelled; both in the point's unit and null where the model has no counterpart or cannot say.
    """

    name: str = Field(examples=["PT-07"])
    element: str = Field(examples=["J-209"])
    quantity: Quantity
    unit: str
    device: str
    address: str
    period_s: float
    low_limit: float | None
    high_limit: float | None
    valid_min: float | None
    valid_max: float | None
    x: float | None
    y: float | None
    latest: SampleView | None
    age_s: float | None
    stale: bool
    modelled: float | None
    deviation: float | None
    out_of_scan: OutOfScanView | None


class PointsView(View):
    """Every point of the site."""

    points: list[PointView]


class SamplesView(View):
    """Samples of a point in columns: as read, or means, lowest and highest over steps.

    Times are milliseconds since 1970-01-01 UTC. ``low`` and ``high`` are empty when nothing was aggregated, ``quality``
    when something was. ``next`` goes on where the limit cut off.
    """

    point: str
    unit: str
    step_s: float | None
    time: list[int]
    value: list[float | None]
    low: list[float]
    high: list[float]
    quality: list[Quality]
    next: str | None


class ExpectedView(View):
    """What the model says a point should have read, with the band in which nine of ten readings would lie."""

    point: str
    unit: str
    time: list[int]
    modelled: list[float | None]
    band_low: list[float | None]
    band_high: list[float | None]


class AccuracyView(View):
    """How far the model is off at a point, over the window looked at: mean and deviation, in the point's unit."""

    point: str
    unit: str
    steps: int
    mean: float | None
    deviation: float | None


class ModelAccuracy(View):
    """How far the model is off everywhere, and over which span."""

    start: datetime
    end: datetime
    points: list[AccuracyView]


class TakeOut(Asked):
    """Why a point is not to be believed."""

    reason: Said = Field(examples=["gauge under repair"])
