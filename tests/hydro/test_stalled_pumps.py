"""A pump that runs against less than its shutoff head delivers: EPANET comes to rest elsewhere now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.engine.networks import NETWORKS
from hydro.conditions import Conditions
from hydro.engine import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(NETWORKS["ky10"], workers=1) as engine:
        yield engine


def conditions(engine: Engine, hour: float) -> Conditions:
    """Return the conditions that the file's own run reaches at an hour, with all pumps told to run."""
    usual = engine.conditions_at(np.array([900.0, 3600.0 * hour]))[1]
    status = usual.status.copy()
    status[list(engine.network.pumps)] = 1.0
    return replace(usual, status=status)


def delivered(engine: Engine, conditions: Conditions) -> dict[str, float]:
    """Return the flow of each pump [l/s]."""
    state = engine.solve(conditions)
    return {engine.network.link_ids[link]: 1e3 * float(state.flow[link]) for link in engine.network.pumps}


@pytest.mark.parametrize(("hour", "part"), [(0.75, 0.92), (1.75, 0.975), (1.75, 1.0)])
def test_a_pump_that_would_deliver_does(engine: Engine, hour: float, part: float) -> None:
    usual = conditions(engine, hour)
    flow = delivered(engine, replace(usual, demand=part * usual.demand))
    assert flow["~@Pump-11"] > 10.0


def test_what_was_solved_before_makes_no_difference(engine: Engine) -> None:
    usual = conditions(engine, 0.75)
    less = replace(usual, demand=0.92 * usual.demand)
    first = engine.solve(less)
    engine.solve(replace(usual, demand=1.4 * usual.demand))
    assert engine.solve(less).head == pytest.approx(first.head, abs=1e-6)
