"""The site: what it is, its registers and its catalogue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from api.schemas.view import View


class Screens(View):
    """What is shown as high on the map; screens of the eye, no standard."""

    velocity_m_s: float
    headloss_m_km: float


class SiteView(View):
    """A site. ``now`` is the site's present: the plant's time where its devices tell it."""

    name: str = Field(examples=["Jiaozhou, Shanghe demonstration zone"])
    time_zone: str = Field(examples=["Asia/Shanghai"])
    crs: str = Field(description="EPSG code, or `local`.")
    clock: Literal["wall", "device"]
    now: datetime
    required_pressure_m: float
    alarm_probability: float
    stale_s: float
    screens: Screens
    zones: list[str]
    points: int
    customers: int
    valves: int
    has_baseline: bool


class CustomerView(View):
    """One row of the customer register."""

    customer_id: str
    name: str
    kind: str
    address: str
    node: str
    contact: str
    required_pressure_m: float | None
    design_demand_l_s: float | None
    key_account: bool
    representative: str
    language: str


class ValveView(View):
    """One row of the valve register."""

    valve_id: str
    link: str
    end: str
    kind: str
    diameter_mm: float | None
    installed: date | None
    last_operated: date | None
    turns: float | None
    closes: Literal["cw", "ccw"]
    x: float | None
    y: float | None
    street: str


class PipeSizeView(View):
    """A size that can be laid: nominal and inner diameter; its cost a metre where the utility's own table says it."""

    name: str = Field(examples=["PE100 SDR17 DN110"])
    family: str
    nominal_mm: float
    inner_mm: float
    cost_per_m: float | None


class CatalogueView(View):
    """Every size that can be laid, each family in ascending order."""

    sizes: list[PipeSizeView]


class FileProblem(View):
    """One fact that is wrong in a site's files, and where it stands; line 0 is the file as a whole."""

    message: str
    file: str
    line: int


class ImportReport(View):
    """What is wrong with the site's files, as ``hydro check`` says it, and what the network holds."""

    network: str
    nodes: int
    links: int
    problems: list[FileProblem]
