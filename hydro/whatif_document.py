"""A what-if as a document: before, after and difference per node and link, with units in the names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hydro.network import JUNCTION, Network
from hydro.readings import Floats
from hydro.scenario import Scenario
from hydro.state import State
from hydro.whatif import WhatIf, pressures


@dataclass(frozen=True, slots=True)
class Served:
    """A customer, or a node that draws water where no customers are known: pressure wanted [m] at a node (index)."""

    customer_id: str
    node: int
    required: float


def served_nodes(network: Network, required: float) -> list[Served]:
    """Return a customer for every junction whose model draws water, where no register names any."""
    drawing = np.flatnonzero((network.node_kind == JUNCTION) & (network.base_demand > 0.0))
    return [Served(network.node_ids[node], int(node), required) for node in drawing]


def document(answer: WhatIf, customers: Sequence[Served], required: float) -> dict[str, Any]:
    """Return what a what-if says; one instant has a number for each quantity, several have a list.

    ``required`` is the pressure [m] wanted at nodes without customers of their own. A node cut off from every source
    has no pressure and no head (None), and its customers are below what they require.
    """
    network = answer.network
    wanted = np.full(len(network.node_ids), required)
    for one in customers:
        wanted[one.node] = max(one.required, wanted[one.node]) if np.isfinite(one.required) else wanted[one.node]
    node, instant = answer.worst(wanted)
    before, after = pressures(network, answer.before), pressures(network, answer.after)
    return {
        "network": network.name,
        "scenario": answer.scenario.name,
        "changes": changes(answer.scenario, network),
        "times": [{"time_s": float(time), "clock": clock(network, float(time))} for time in answer.times_s],
        "nodes": _table("node", network.node_ids, _node_columns(answer)),
        "links": _with_status(_table("link", network.link_ids, _link_columns(answer)), answer),
        "worst_node": {
            "node": network.node_ids[node],
            "required_pressure_m": float(wanted[node]),
            "clock": clock(network, float(answer.times_s[instant])),
            "pressure_m": _compared(before[instant, node], after[instant, node]),
        },
        "customers_below": below(answer, customers),
        "cut_off": {"before": _cut_off(network, before), "after": _cut_off(network, after)},
        "warnings": {"before": _warnings(answer.before), "after": _warnings(answer.after)},
    }


def below(answer: WhatIf, customers: Sequence[Served]) -> dict[str, Any]:
    """Return the customers below their required pressure before or after, at their worst instant."""
    before, after = (_lowest(pressures(answer.network, states)) for states in (answer.before, answer.after))
    rows = [
        {
            "customer_id": one.customer_id,
            "node": answer.network.node_ids[one.node],
            "required_pressure_m": one.required,
            "pressure_m": _compared(before[one.node], after[one.node]),
        }
        for one in customers
        if not (before[one.node] >= one.required and after[one.node] >= one.required)
    ]
    return {
        "before": sum(not before[one.node] >= one.required for one in customers),
        "after": sum(not after[one.node] >= one.required for one in customers),
        "customers": rows,
    }


def changes(scenario: Scenario, network: Network) -> list[dict[str, Any]]:
    """Return the changes of a scenario, one a row."""
    height = 1e3 if network.headloss_formula == "D-W" else 1.0
    rows: list[dict[str, Any]] = []
    for link, size in scenario.pipes.items():
        new = size.roughness(network.headloss_formula) * height
        rows.append(
            {
                "change": "pipe",
                "link": link,
                "size": size.name,
                "inner_mm": round(1e3 * size.inner, 3),
                "roughness": new,
            }
        )
    rows += [
        {"change": "diameter", "link": one, "diameter_mm": 1e3 * value} for one, value in scenario.diameter.items()
    ]
    rows += [{"change": "roughness", "link": one, "roughness": v * height} for one, v in scenario.roughness.items()]
    rows += [{"change": "minor_loss", "link": one, "minor_loss": value} for one, value in scenario.minor_loss.items()]
    rows += [{"change": "open" if opened else "close", "link": one} for one, opened in scenario.open.items()]
    rows += [{"change": "demand", "node": one, "demand_l_s": 1e3 * v} for one, v in scenario.base_demand.items()]
    return rows


def clock(network: Network, time_s: float) -> str:
    """Return what the network's clock shows at a network time."""
    seconds = int(time_s + network.start_clocktime_s) % 86400
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


def _node_columns(answer: WhatIf) -> dict[str, tuple[Floats, Floats]]:
    """Return (T, N) before and after of each quantity of nodes."""
    before, after = (pressures(answer.network, states) for states in (answer.before, answer.after))
    return {
        "pressure_m": (before, after),
        "head_m": (before + answer.network.elevation, after + answer.network.elevation),
        "demand_l_s": _both(answer, lambda state: 1e3 * state.demand),
    }


def _link_columns(answer: WhatIf) -> dict[str, tuple[Floats, Floats]]:
    """Return (T, L) before and after of each quantity of links."""
    return {
        "flow_l_s": _both(answer, lambda state: 1e3 * state.flow),
        "velocity_m_s": _both(answer, lambda state: state.velocity),
        "headloss_m": _both(answer, lambda state: np.where(state.status, state.headloss, 0.0)),
    }


def _both(answer: WhatIf, of: Callable[[State], Floats]) -> tuple[Floats, Floats]:
    return np.stack([of(one) for one in answer.before]), np.stack([of(one) for one in answer.after])


def _table(element: str, ids: Sequence[str], columns: dict[str, tuple[Floats, Floats]]) -> list[dict[str, Any]]:
    """Return a row for each element: a number for one instant, a list for several."""
    cells = {
        word: {"before": _rows(before), "after": _rows(after), "difference": _rows(after - before)}
        for word, (before, after) in columns.items()
    }
    return [
        {element: name, **{word: {when: cell[when][place] for when in cell} for word, cell in cells.items()}}
        for place, name in enumerate(ids)
    ]


def _rows(values: Floats) -> list[Any]:
    """Return (T, R) values as R lists, or as R numbers where there is one instant; None where there is no number."""
    rounded = np.round(values.T, 6) + 0.0
    cells = rounded.astype(object)
    cells[np.isnan(rounded)] = None
    return list(cells[:, 0].tolist() if values.shape[0] == 1 else cells.tolist())


def _lowest(pressure: Floats) -> Floats:
    """Return (N,) lowest of (T, N) pressures, NaN where there is none at some instant."""
    return np.asarray(np.min(pressure, axis=0))


def _cut_off(network: Network, pressure: Floats) -> list[str]:
    return [network.node_ids[node] for node in np.flatnonzero(np.isnan(pressure).any(axis=0))]


def _compared(before: float, after: float) -> dict[str, float | None]:
    return {"before": _number(before), "after": _number(after), "difference": _number(after - before)}


def _with_status(rows: list[dict[str, Any]], answer: WhatIf) -> list[dict[str, Any]]:
    """Return the rows of links with whether each is open."""
    one_instant = len(answer.times_s) == 1
    words = {
        when: [["open" if state.status[link] else "closed" for state in states] for link in range(len(rows))]
        for when, states in (("before", answer.before), ("after", answer.after))
    }
    return [
        {**row, "status": {when: column[link][0] if one_instant else column[link] for when, column in words.items()}}
        for link, row in enumerate(rows)
    ]


def _warnings(states: Sequence[State]) -> list[str]:
    return list(dict.fromkeys(warning for state in states for warning in state.warnings))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
