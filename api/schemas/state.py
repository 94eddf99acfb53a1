"""What the model says of the whole network at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from api.schemas.view import View


class CustomerShort(View):
    """A customer below the required pressure."""

    customer_id: str
    node: str
    pressure_m: float
    required_pressure_m: float


class StateView(View):
    """The model's state at ``time``; its arrays are at ``/state/arrays`` with the same ``at``.

    ``basis`` is ``measured`` when readings drive it, ``patterns`` when there are none and the network file's own
    patterns do. ``qualified_percent`` is the share of customers (of junctions with demand, where there are no
    customers) that have their required pressure. ``points`` lists how far each point is off.
    """

    time: datetime
    basis: Literal["measured", "patterns"]
    revision: str
    qualified_percent: float
    demand_l_s: float
    inflow_l_s: float
    lowest_node: str
    lowest_pressure_m: float
    customers_below: list[CustomerShort]
    warnings: list[str]
