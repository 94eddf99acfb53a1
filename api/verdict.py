"""What a trial brings, in figures: the nodes, links and customers that matter."""

from __future__ import annotations

import numpy as np

from api.geometry import unit_headloss
from api.schemas.whatif import ChangeView, WhatIfCustomer, WhatIfLink, WhatIfNode, WhatIfView
from api.trial import Bench, Trial
from hydro.network import JUNCTION, Network
from hydro.readings import Floats
from models.scenario import ChangeKind
from models.site import Site

TOLD = 20
"""How many nodes and links of each list are told."""
LEAST_M = 0.05
"""A difference below this is not told as gained or lost [m]."""
LEAST_M_S = 0.01


def verdict(trial: Trial, bench: Bench, site: Site, measured: bool) -> WhatIfView:
    """Return the figures of a trial."""
    network = bench.engine.network
    before, after = trial.state_before, trial.state_after
    junctions = np.flatnonzero(network.node_kind == JUNCTION)
    moved = (after.pressure - before.pressure)[junctions]
    customers = _customers(trial, network, site)
    laid, cost = _laid(trial, bench)
    order = np.argsort(moved)
    return WhatIfView(
        id=trial.id,
        at=trial.basis.time,
        network_time_s=trial.basis.network_time_s,
        basis="measured" if measured else "patterns",
        changes=[ChangeView.model_validate(change) for change in trial.changes],
        worst=[_node(trial, network, int(one)) for one in junctions[np.argsort(after.pressure[junctions])][:TOLD]],
        gained=[_node(trial, network, int(junctions[one])) for one in order[::-1][:TOLD] if moved[one] >= LEAST_M],
        lost=[_node(trial, network, int(junctions[one])) for one in order[:TOLD] if moved[one] <= -LEAST_M],
        links=_links(trial, network),
        customers=customers,
        below_before=sum(one.pressure_before_m < one.required_pressure_m for one in customers),
        below_after=sum(one.pressure_after_m < one.required_pressure_m for one in customers),
        laid_m=laid,
        cost=cost,
        warnings=sorted({*before.warnings, *after.warnings}),
        elapsed_ms=0.0,
    )


def _node(trial: Trial, network: Network, place: int) -> WhatIfNode:
    before, after = trial.state_before, trial.state_after
    return WhatIfNode(
        node=network.node_ids[place],
        pressure_before_m=float(before.pressure[place]),
        pressure_after_m=float(after.pressure[place]),
        difference_m=float(after.pressure[place] - before.pressure[place]),
        demand_before_l_s=1e3 * float(before.demand[place]),
        demand_after_l_s=1e3 * float(after.demand[place]),
    )


def _links(trial: Trial, network: Network) -> list[WhatIfLink]:
    """Return the links that were changed, then those whose velocity changes most."""
    before, after = trial.state_before, trial.state_after
    changed = [network.link_index[one.element] for one in trial.changes if one.kind is not ChangeKind.DEMAND]
    moved = np.abs(after.velocity - before.velocity)
    most = [int(one) for one in np.argsort(-moved)[:TOLD] if moved[one] >= LEAST_M_S]
    loss_before, loss_after = unit_headloss(network, before), unit_headloss(network, after)
    return [
        WhatIfLink(
            link=network.link_ids[link],
            flow_before_l_s=1e3 * float(before.flow[link]),
            flow_after_l_s=1e3 * float(after.flow[link]),
            velocity_before_m_s=float(before.velocity[link]),
            velocity_after_m_s=float(after.velocity[link]),
            headloss_before_m_km=float(loss_before[link]),
            headloss_after_m_km=float(loss_after[link]),
        )
        for link in dict.fromkeys([*changed, *most])
    ]


def _customers(trial: Trial, network: Network, site: Site) -> list[WhatIfCustomer]:
    """Return the customers below their required pressure before or after, the worst after first."""
    before, after = trial.state_before.pressure, trial.state_after.pressure
    found = []
    for customer in site.customers:
        place = network.node_index.get(customer.node)
        if place is None:
            continue
        required = customer.required_pressure_m or site.monitor.required_pressure_m
        if min(before[place], after[place]) < required:
            found.append(
                WhatIfCustomer(
                    customer_id=customer.customer_id,
                    node=customer.node,
                    required_pressure_m=required,
                    pressure_before_m=float(before[place]),
                    pressure_after_m=float(after[place]),
                )
            )
    return sorted(found, key=lambda one: one.pressure_after_m - one.required_pressure_m)


def _laid(trial: Trial, bench: Bench) -> tuple[float, float | None]:
    """Return the metres of main that are laid anew, and what they cost; None where a size has no cost."""
    network = bench.engine.network
    laid: dict[str, str] = {one.element: one.size for one in trial.changes if one.kind is ChangeKind.REPLACE}
    lengths: Floats = np.array([network.length[network.link_index[link]] for link in laid])
    costs = [bench.catalogue.named(size).cost for size in laid.values()]
    known = [cost for cost in costs if cost is not None]
    cost = float(np.dot(lengths, known)) if laid and len(known) == len(costs) else None
    return float(lengths.sum()), cost
