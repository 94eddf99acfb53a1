"""What the model says of the whole network at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import numpy as np
from fastapi import Query, Request, Response

from api.access import Serving, Viewer
from api.belief import Belief
from api.context import Context
from api.problems import ProblemType, responses
from api.routes.binary import BINARY, packed_response
from api.routes.router import router
from api.schemas.state import CustomerShort, StateView
from api.schemas.view import Moment
from hydro.network import JUNCTION

ROUTER = router("state")
At = Annotated[
    Literal["now"] | Moment,
    Query(description="`now`, or a time with an offset; readings of the hour before it drive the model."),
]
MOST_CUSTOMERS = 200
Unsolved = responses(ProblemType.UNSOLVED)


@ROUTER.get("/state", responses=Unsolved)
def get_state(_person: Viewer, context: Serving, at: At = "now") -> StateView:
    """The state in figures."""
    belief = belief_at(context, at)
    network, state = context.bench.engine.network, belief.state
    junctions = np.flatnonzero(network.node_kind == JUNCTION)
    lowest = int(junctions[np.argmin(state.pressure[junctions])]) if len(junctions) else 0
    short, percent = _supplied(context, belief)
    inflow = sum(
        float(state.flow[network.start == node].sum() - state.flow[network.end == node].sum()) for node in network.fixed
    )
    return StateView(
        time=belief.time,
        basis=belief.basis,
        revision=context.bench.revision,
        qualified_percent=percent,
        demand_l_s=1e3 * float(state.demand[junctions].sum()),
        inflow_l_s=1e3 * inflow,
        lowest_node=network.node_ids[lowest],
        lowest_pressure_m=float(state.pressure[lowest]),
        customers_below=short[:MOST_CUSTOMERS],
        warnings=list(state.warnings),
    )


@ROUTER.get("/state/arrays", response_class=Response, responses={**BINARY, **Unsolved})
def get_state_arrays(_person: Viewer, request: Request, context: Serving, at: At = "now") -> Response:
    """Pressure and head of every node; flow, velocity, unit headloss and status of every link, as binary arrays."""
    return packed_response(request, belief_at(context, at).packed)


def belief_at(context: Context, at: Literal["now"] | datetime) -> Belief:
    """Return the state at an instant, without the points that are out of scan."""
    out = context.works.out_of_scan()
    return context.believer.now(context.now(), out) if at == "now" else context.believer.at(at, out)


def _supplied(context: Context, belief: Belief) -> tuple[list[CustomerShort], float]:
    """Return the customers below their required pressure, the worst first, and the share of those that have it [%]."""
    network, site = context.bench.engine.network, context.site
    pressure = belief.state.pressure
    if not site.customers:
        drawing = belief.conditions.demand > 0.0
        served = drawing & (pressure >= site.monitor.required_pressure_m)
        return [], 100.0 * float(served.sum() / drawing.sum()) if drawing.any() else 100.0
    known = [one for one in site.customers if one.node in network.node_index]
    short = []
    for customer in known:
        required = customer.required_pressure_m or site.monitor.required_pressure_m
        found = float(pressure[network.node_index[customer.node]])
        if found < required:
            short.append(
                CustomerShort(
                    customer_id=customer.customer_id,
                    node=customer.node,
                    pressure_m=found,
                    required_pressure_m=required,
                )
            )
    share = 100.0 * (1.0 - len(short) / len(known)) if known else 100.0
    return sorted(short, key=lambda one: one.pressure_m - one.required_pressure_m), share
