"""The coming day: tanks move by what is believed to be drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydro.coming_day import coming_day
from hydro.evidence import Place
from hydro.faults import Candidate
from hydro.hypothesis import Fault
from hydro.network import TANK
from tests.hydro.conftest import CaseMaker

MINUTE, HOUR = 60.0, 3600.0


@pytest.mark.parametrize(("above", "grown"), [(1.25, 0.0), (1.0, 0.006), (0.8, 0.0)])
def test_tanks_of_the_coming_day_fill_and_empty_by_what_is_believed_to_be_drawn(
    case_of: CaseMaker, above: float, grown: float
) -> None:
    case = case_of(None)
    engine, network = case.engine, case.engine.network
    node = network.node_index["J2"]
    fault = Fault(Candidate("demand_growth", ("J2",), (node,)), grown, 0)
    place = Place(case.departures.mean, np.full((case.window.steps, len(case.assets.zone_names)), np.log(above)))

    told = coming_day(case, place, (fault,), ())

    # The plant, minute by minute: patterns as the file's, demand as believed.
    now = float(case.window.network_time()[-1])
    minutes = np.arange(now, now + 4.0 * HOUR, MINUTE)
    tanks = network.node_kind == TANK
    course = []
    for time in minutes:
        plain = engine.default_conditions(float(time))
        demand = above * plain.demand
        demand[node] *= 1.0 + grown / network.base_demand[node]
        course.append(replace(plain, demand=demand, head=np.where(tanks, np.nan, plain.head)))
    course[0] = replace(case.plain[-1], demand=course[0].demand)
    true = engine.extended(minutes, course)
    for hour in (12, 13, 14):
        there = int(np.argmin(np.abs(minutes - (hour + 0.5) * HOUR)))
        assert told[hour].head[tanks] == pytest.approx(true[there].head[tanks], abs=0.03)
        assert told[hour].pressure == pytest.approx(true[there].pressure, abs=0.1)
