"""The network: as a whole in binary arrays, one element at a time in JSON."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from api.schemas.site import CustomerView, ValveView
from api.schemas.view import View


class NodeKind(StrEnum):
    """Kinds of node, in the order of the numbers in ``node_kind``."""

    JUNCTION = "junction"
    RESERVOIR = "reservoir"
    TANK = "tank"


class LinkKind(StrEnum):
    """Kinds of link, in the order of the numbers in ``link_kind``."""

    CHECK_VALVE_PIPE = "check_valve_pipe"
    PIPE = "pipe"
    PUMP = "pump"
    PRV = "prv"
    PSV = "psv"
    PBV = "pbv"
    FCV = "fcv"
    TCV = "tcv"
    GPV = "gpv"


class Bounds(View):
    """Where the network lies, in the site's coordinates; null where no node has any."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


class NetworkView(View):
    """What the network is. ``revision`` names its content: it is the ETag of its arrays."""

    name: str
    revision: str
    junctions: int
    reservoirs: int
    tanks: int
    pipes: int
    pumps: int
    valves: int
    length_km: float
    headloss_formula: str
    bounds: Bounds | None
    start_clocktime_s: int
    pattern_step_s: int
    duration_s: int


class NodeView(View):
    """A node with what the registers know of it."""

    id: str
    index: int
    kind: NodeKind
    elevation_m: float
    x: float | None
    y: float | None
    base_demand_l_s: float
    zone: str | None
    links: list[str]
    points: list[str]
    customers: list[CustomerView]


class LinkView(View):
    """A link with what the registers know of it."""

    id: str
    index: int
    kind: LinkKind
    start: str
    end: str
    length_m: float
    diameter_mm: float
    roughness: float
    minor_loss: float
    initially_closed: bool
    material: str | None
    nominal_mm: float | None
    installed: date | None
    valves: list[ValveView]
    points: list[str]


class MainView(View):
    """A run of equal pipes, which is how a main was laid and is replaced."""

    links: list[str]
    length_m: float
    diameter_mm: float
    material: str


class PathView(View):
    """The shortest way along pipes between two nodes: its links in order, and its length."""

    links: list[str]
    nodes: list[str]
    length_m: float


class Found(View):
    """An element whose id, customer, street or valve has the words that were looked for."""

    id: str
    what: str = Field(examples=["node", "link", "valve", "customer", "point"])
    label: str


class FoundView(View):
    """What was found, the best first."""

    found: list[Found]


class NetworkCheck(View):
    """What an uploaded network holds; nothing of the site is changed by looking at it."""

    nodes: int
    links: int
    headloss_formula: str
    duration_s: int
    solves: bool
    warnings: list[str]
    only_here: list[str] = Field(description="Elements that the running network has and the uploaded one lacks.")
    only_there: list[str] = Field(description="Elements that the uploaded network has and the running one lacks.")
    changed: list[str] = Field(description="Links whose ends, length, diameter or roughness differ.")
