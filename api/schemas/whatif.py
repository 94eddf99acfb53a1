"""What-ifs: changes to the network, solved at once; and scenarios, which are what-ifs with a name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from api.schemas.view import Asked, Moment, Name, Row, Said, Version, View, Words
from models.scenario import VALUED, ChangeKind

Number = Annotated[float, Field(ge=0.0, le=1e9, allow_inf_nan=False)]


class ChangeAsked(Asked):
    """One change: ``size`` for ``replace``; ``value`` for ``diameter`` [mm], ``roughness`` [the formula's own unit],
    ``minor_loss`` [-] and ``demand`` [l/s]; nothing more for ``open`` and ``close``.
    """

    kind: ChangeKind
    element: Name = Field(examples=["P-144"])
    size: str = Field(default="", max_length=100, examples=["PE100 SDR17 DN110"])
    value: Number | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def _complete(self) -> ChangeAsked:
        if self.kind in VALUED and self.value is None:
            raise ValueError(f"{self.kind} {self.element}: no value given")
        if self.kind is ChangeKind.REPLACE and not self.size.strip():
            raise ValueError(f"replace {self.element}: no size given, expected a name of the catalogue")
        return self


class WhatIfAsked(Asked):
    """Changes and the instant at which they are tried.

    ``at`` is ``now`` (the state that the readings show), ``peak`` (the greatest demand of the file's patterns), a time,
    or ``diagnosis``: the conditions that ``from_diagnosis`` solved its cures at, whose figures are then found again.
    ``from_diagnosis`` puts that diagnosis' believed causes into both sides, so that ``before`` is the trouble. ``cure``
    then takes the changes of one of its cures, by place, before ``changes``.
    """

    changes: list[ChangeAsked] = Field(default_factory=list, max_length=500)
    at: Literal["now", "peak", "diagnosis"] | Moment = Field(default="peak", examples=["peak"])
    from_diagnosis: Row | None = Field(default=None, examples=[None])
    cure: int | None = Field(default=None, ge=0, le=1000, examples=[None])


class WhatIfNode(View):
    """A node before and after."""

    node: str
    pressure_before_m: float
    pressure_after_m: float
    difference_m: float
    demand_before_l_s: float
    demand_after_l_s: float


class WhatIfLink(View):
    """A link before and after."""

    link: str
    flow_before_l_s: float
    flow_after_l_s: float
    velocity_before_m_s: float
    velocity_after_m_s: float
    headloss_before_m_km: float
    headloss_after_m_km: float


class WhatIfCustomer(View):
    """A customer below the required pressure before or after."""

    customer_id: str
    node: str
    required_pressure_m: float
    pressure_before_m: float
    pressure_after_m: float


class ChangeView(View):
    """One change, as it was tried."""

    kind: ChangeKind
    element: str
    size: str
    value: float | None


class WhatIfView(View):
    """What changes bring. ``id`` names changes and instant: its arrays and exports stay until others push them out.

    ``worst`` are the nodes with the least pressure after, ``gained`` and ``lost`` those that the changes move most.
    ``cost`` is null where the catalogue has no costs.
    """

    id: str
    at: datetime | None = Field(description="Null when the instant is one of the file's patterns, not of a day.")
    network_time_s: float
    basis: Literal["measured", "patterns"]
    changes: list[ChangeView]
    worst: list[WhatIfNode]
    gained: list[WhatIfNode]
    lost: list[WhatIfNode]
    links: list[WhatIfLink]
    customers: list[WhatIfCustomer]
    below_before: int
    below_after: int
    laid_m: float
    cost: float | None
    warnings: list[str]
    elapsed_ms: float


class ScenarioView(View):
    """A named set of changes."""

    id: int
    version: int
    name: str
    note: str
    by: str
    created: datetime
    changed: datetime
    changes: list[ChangeView]


class NewScenario(Asked):
    """Changes to be kept under a name."""

    name: Said = Field(examples=["DN110 in Guihua Road"])
    note: Words = ""
    changes: list[ChangeAsked] = Field(min_length=1, max_length=500)


class ScenarioChange(NewScenario):
    """What a scenario becomes; ``version`` is the one that the person saw."""

    version: Version
