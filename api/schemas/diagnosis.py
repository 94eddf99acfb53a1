"""Diagnoses: the kept document in types, the list of them, and runs that make new ones."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas.alarms import AlarmView
from api.schemas.view import Asked, Moment, Name, Row, View


class CauseKind(StrEnum):
    """Kinds of cause, as ``contracts`` names them."""

    BLOCKED_LINK = "blocked_link"
    CLOSED_LINK = "closed_link"
    OPEN_BOUNDARY = "open_boundary"
    DEMAND_GROWTH = "demand_growth"
    LEAK = "leak"
    SOURCE_HEAD_LOSS = "source_head_loss"
    ROUGHNESS_GROWTH = "roughness_growth"
    POINT_FAULT = "point_fault"


class DocumentPart(View):
    """A part of the document; what a later version adds is passed on as it is."""

    model_config = ConfigDict(from_attributes=True, frozen=True, extra="allow")


class NamedCause(DocumentPart):
    """A cause by kind and elements."""

    kind: CauseKind
    elements: list[str]


class SeverityView(DocumentPart):
    """How bad: metres of head lost at ``at``, its 90 % interval, and the kind's own measure."""

    head_lost_m: float | None = None
    at: str | None = None
    time: datetime | None = None
    interval90: tuple[float, float] | None = None
    minor_loss: float | None = None
    opening_percent: tuple[float, float] | None = None
    demand_l_s: float | None = None
    leak_l_s: float | None = None
    head_m: float | None = None
    roughness_factor: float | None = None
    offset: float | None = None
    flow_l_s: float | None = None


class EvidenceView(DocumentPart):
    """What one point says for or against a cause, at the time at which it says most."""

    point: str
    time: datetime
    measured: float
    modelled: float
    with_cause: float
    unit: str


class CauseView(DocumentPart):
    """A cause with its probability and evidence."""

    kind: CauseKind
    elements: list[str]
    valve_ids: list[str]
    probability: float
    severity: SeverityView
    onset: datetime | None = None
    zone: str | None = None
    evidence: list[EvidenceView]


class AttributionTerm(DocumentPart):
    """Metres lost to one term; ``term`` is a kind of cause or ``undersized_main``."""

    term: CauseKind | Literal["undersized_main"]
    elements: list[str] = Field(default_factory=list)
    size: str | None = None
    head_m: float


class OutcomeView(DocumentPart):
    """What a measurement may show, and what would then be believed."""

    from_m: float
    to_m: float
    probability: float
    causes: list[NamedCause]
    becomes: float


class NextMeasurement(DocumentPart):
    """Where and when to measure next, and how much it tells [bit]."""

    node: str
    quantity: str
    time: datetime
    bits: float
    outcomes: list[OutcomeView]


class ReplacedMain(DocumentPart):
    """A main that a cure lays anew."""

    links: list[str]
    size: str
    inner_mm: float
    roughness: float


class HourOfCure(DocumentPart):
    """Pressure at the place of the complaint through the day, without and with the cure."""

    time: datetime
    before_m: float
    after_m: float


class CureView(DocumentPart):
    """A change that would help, and what it regains."""

    change: str
    faults: list[NamedCause]
    replace: list[ReplacedMain]
    regained_m: float
    pressure_m: float | None = None
    at: str
    through_the_day: list[HourOfCure]


class Rejected(DocumentPart):
    """Readings that were not believed, by reason."""

    reason: str
    count: int


class WindowView(DocumentPart):
    """The span of readings that was looked at."""

    start: datetime
    end: datetime
    samples: int
    rejected: list[Rejected]


class ComplaintInDocument(DocumentPart):
    """The complaint that was answered."""

    id: int
    customer_id: str
    node: str
    time: datetime
    words: str
    reading_m: float | None


class AffectedCustomer(DocumentPart):
    """A customer whom the leading causes cost at least a metre."""

    customer_id: str
    node: str
    head_lost_m: float


class StaleBoundaryView(DocumentPart):
    """A boundary that nobody had read well for too long when the window ended; ``newest`` is none: never in it."""

    element: str
    points: list[str]
    newest: datetime | None
    age_s: float | None


class RemarkView(DocumentPart):
    """What is odd about the readings themselves: ``unit``, ``few``, ``frozen`` or ``unread``."""

    kind: str
    elements: list[str]
    text: str


class DiagnosisDocument(DocumentPart):
    """The document, as it was kept; ``schema`` is its version."""

    schema_: int = Field(alias="schema")
    network: str
    start: datetime
    window: WindowView
    causes: list[CauseView]
    healthy_probability: float
    unexplained_probability: float
    indistinguishable: list[list[NamedCause]]
    attribution: list[AttributionTerm]
    attribution_at: str | None = None
    attribution_time: datetime | None = None
    attribution_total_m: float | None = None
    next_measurements: list[NextMeasurement]
    cures: list[CureView]
    can_say: bool
    complaint: ComplaintInDocument | None = None
    affected_customers: list[AffectedCustomer] = Field(default_factory=list)
    stale_boundaries: list[StaleBoundaryView] = Field(default_factory=list)
    remarks: list[RemarkView] = Field(default_factory=list)
    elapsed_s: float


class DiagnosisEntryView(View):
    """A kept diagnosis without its document. ``trigger`` is ``cycle``, ``complaint/12``, ``run/3``."""

    id: int
    kept: datetime
    trigger: str
    window_start: datetime
    window_end: datetime
    complaint_id: int | None


class DiagnosisView(DiagnosisEntryView):
    """A kept diagnosis, with what became of it."""

    document: DiagnosisDocument
    order_id: int | None
    alarms: list[AlarmView]


class RunState(StrEnum):
    """How far a run of a diagnosis is."""

    WAITING = "waiting"
    READING = "reading"
    SEARCHING = "searching"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DONE = "done"


class RunView(View):
    """A diagnosis that is being made. ``diagnosis_id`` is set when it is done, ``problem`` when it failed."""

    id: int
    state: RunState
    asked_by: str
    asked: datetime
    window_start: datetime
    window_end: datetime
    node: str | None
    complaint_id: int | None
    elapsed_s: float
    diagnosis_id: int | None
    problem: str | None


class NewRun(Asked):
    """What is to be explained: a complaint, a node, or nothing more than a window.

    ``end`` is the site's present where it is left out, ``start`` the monitor's window before it.
    """

    complaint_id: Row | None = None
    node: Name | None = None
    start: Moment | None = None
    end: Moment | None = None
