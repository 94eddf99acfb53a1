"""What a cure should have brought, under the conditions that hold now: work is held against its promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from hydro.conditions import Conditions
from hydro.consequences import place_of
from hydro.errors import SolveError
from hydro.faults import Candidate
from hydro.hypothesis import Fault, Hypothesis
from hydro.network import Network
from hydro.resolve import conditions_under, evidence_at, recentred, settle
from models.sample import Sample
from monitor.diagnoser import Diagnoser

HUNG = timedelta(hours=1)
"""How long a gauge hangs to verify a cure: what one customer draws in ten minutes moves it more than forecasts err."""
DAY_S = 86400.0
STANDS = 0.5
"""Grown demand at least this probable is taken to be there still: no crew cures it."""


def forecast_pressure(cure: Mapping[str, Any], end: datetime) -> float:
    """Return the pressure [m] that a cure of a diagnosis promises for a gauge that hangs for ``HUNG`` until ``end``.

    It is the diagnosis' own, made before any work: a usual day's demand and tank levels at that time of day, with what
    the diagnosis believes has grown, the mean over the minutes that the gauge hangs.
    """
    middle = np.array([datetime.fromisoformat(one["time"]).timestamp() for one in cure["through_the_day"]])
    after = np.array([float(one["after_m"]) for one in cure["through_the_day"]])
    minutes = end.timestamp() - np.arange(0.0, HUNG.total_seconds(), 60.0) - 30.0
    apart = np.abs((minutes[:, None] - middle + DAY_S / 2) % DAY_S - DAY_S / 2)
    return float(after[np.argmin(apart, axis=1)].mean())


def expected_pressure(
    diagnoser: Diagnoser,
    samples: Sequence[Sample],
    at: datetime,
    node: str,
    document: Mapping[str, Any],
    cure: Mapping[str, Any],
) -> float:
    """Return the pressure [m] at a node that the model expects over ``HUNG`` until ``at`` with a cure carried out.

    ``samples`` of that time say how tanks, pumps and demand stand; the diagnosis ``document`` says what has
    grown, its ``cure`` what was laid.

    Raises
    ------
    SolveError
        Nothing was read in that time.
    """
    window = diagnoser.window(samples, (at - HUNG).timestamp(), at.timestamp())
    if window.steps == 0:
        raise SolveError(f"no good readings in the hour before {at.isoformat()}, nothing to expect from")
    case = diagnoser.case(window)
    network = diagnoser.engine.network
    case = replace(case, plain=tuple(_laid(condition, cure, network) for condition in case.plain))
    grown = _grown(document, network)
    evidence = recentred(case, grown, evidence_at(case, grown, settle(case), ()))
    place = place_of(case, evidence)
    # Steps in which a tank may be shut are no part of the case.
    steps = range(case.window.steps)
    states = diagnoser.engine.solve_many([conditions_under(case, place, grown, step) for step in steps])
    return float(np.mean([state.pressure[network.node_index[node]] for state in states]))


def _laid(condition: Conditions, cure: Mapping[str, Any], network: Network) -> Conditions:
    diameter, roughness = condition.diameter.copy(), condition.roughness.copy()
    for laid in cure["replace"]:
        links = [network.link_index[link] for link in laid["links"]]
        diameter[links], roughness[links] = laid["inner_mm"] / 1e3, laid["roughness"]
    return replace(condition, diameter=diameter, roughness=roughness)


def _grown(document: Mapping[str, Any], network: Network) -> Hypothesis:
    """Return the demand growth that the document believes in."""
    faults = []
    for cause in document["causes"]:
        demand = cause["severity"].get("demand_l_s")
        if cause["kind"] == "demand_growth" and demand is not None and cause["probability"] >= STANDS:
            nodes = tuple(network.node_index[node] for node in cause["elements"])
            faults.append(Fault(Candidate("demand_growth", tuple(cause["elements"]), nodes), demand / 1e3, 0))
    return tuple(faults)
