"""Tanks at their limits: whether one is shut, its level does not say; the other readings do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.full_tanks import by_readings, decide
from hydro.network import JUNCTION
from hydro.observables import PRESSURE, Observables
from hydro.readings import Noise, Series
from hydro.regimes import regimes_of
from hydro.window import build_window


def morning(town: Engine, level_below: float, demand: float) -> Conditions:
    """Return the conditions of a pump running into a tank that is so far below full."""
    network = town.network
    tank = network.node_index["T1"]
    plain = town.default_conditions(3 * 3600.0)
    head = plain.head.copy()
    head[tank] = network.greatest_head[tank] - level_below
    status = plain.status.copy()
    status[network.link_index["PU1"]] = 1.0
    return replace(plain, head=head, status=status, demand=plain.demand * demand)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("demand", [0.85, 1.0, 1.2])
def test_the_other_readings_say_whether_a_tank_is_shut(town: Engine, full: bool, demand: float) -> None:
    network = town.network
    truth = town.solve(morning(town, 0.0 if full else 0.05, demand))
    nodes = np.flatnonzero(network.node_kind == JUNCTION).tolist()
    at = np.array([450.0])
    series = [
        Series(network.node_ids[node], network.node_ids[node], "pressure", at, truth.pressure[[node]]) for node in nodes
    ]
    tank = network.node_index["T1"]
    # The level reads a little low or a little high: as good as the other way round.
    level = network.greatest_head[tank] - network.elevation[tank] + (-0.06 if full else 0.02)
    series.append(Series("T1", "T1", "level", at, np.array([level])))
    series.append(Series("PU1", "PU1", "status", at, np.array([1.0])))
    edges = np.array([0.0, 900.0])
    window = build_window(network, series, origin=0.0, start=0.0, end=900.0, edges=edges, noise=Noise(0.1, 0.02))
    heads, doubt = decide(town, window, [morning(town, 0.05, 1.0)], by_readings(window, 0.02))
    assert doubt.max() > 0.0
    assert (heads[0][tank] == network.greatest_head[tank]) == full


def test_steps_with_other_tanks_shut_are_never_one_regime(town: Engine) -> None:
    network = town.network
    conditions = [morning(town, below, demand) for below in (0.0, 0.05) for demand in (0.3, 1.0, 1.8)]
    gauges = np.flatnonzero(network.node_kind == JUNCTION).astype(np.intp)
    observables = Observables(np.full(len(gauges), PRESSURE, dtype=np.int8), gauges)
    labels = regimes_of(network, conditions, town.solve_many(conditions), observables, 2)
    assert set(labels[:3].tolist()).isdisjoint(labels[3:].tolist())


def test_a_step_of_several_quarters_in_which_a_tank_shut_half_way_is_doubtful(town: Engine) -> None:
    network = town.network
    full, off = (town.solve(morning(town, below, 1.0)) for below in (0.0, 0.05))
    nodes = np.flatnonzero(network.node_kind == JUNCTION).tolist()
    at = np.array([450.0])
    half = 0.5 * (full.pressure + off.pressure)
    series = [Series(network.node_ids[node], network.node_ids[node], "pressure", at, half[[node]]) for node in nodes]
    tank = network.node_index["T1"]
    level = network.greatest_head[tank] - network.elevation[tank] - 0.02
    series.append(Series("T1", "T1", "level", at, np.array([level])))
    edges = np.array([0.0, 900.0])
    window = build_window(network, series, origin=0.0, start=0.0, end=900.0, edges=edges, noise=Noise(0.02, 0.02))
    merged = replace(window, parts=(np.full(4, window.time[0]),))
    apart = np.abs(full.pressure - off.pressure)[nodes].max()
    assert apart > 1.0

    def judge(_step: int, values: np.ndarray, _grown: np.ndarray) -> float:
        return float(0.5 * np.sum(((window.value[:, 0] - values) / 0.1) ** 2))

    conditions = [morning(town, 0.05, 1.0)]
    _, doubt = decide(town, merged, conditions, judge)
    assert doubt.max() == pytest.approx(0.5 * apart, rel=0.1)
    # One quarter of an hour does not hold both.
    _, alone = decide(town, window, conditions, judge)
    assert alone.max() < 0.1 * apart


def test_steps_in_which_a_large_customer_is_away_are_never_one_regime_with_those_in_which_he_draws(
    town: Engine,
) -> None:
    network = town.network
    node = network.node_index["J6"]
    conditions = []
    for drawn in (0.0, 1.0):
        for demand in (0.9, 1.0, 1.1):
            one = morning(town, 0.5, demand)
            own = one.demand.copy()
            own[node] = drawn * 0.05 * own.sum()
            conditions.append(replace(one, demand=own))
    gauges = np.flatnonzero(network.node_kind == JUNCTION).astype(np.intp)
    observables = Observables(np.full(len(gauges), PRESSURE, dtype=np.int8), gauges)
    labels = regimes_of(network, conditions, town.solve_many(conditions), observables, 2)
    assert set(labels[:3].tolist()).isdisjoint(labels[3:].tolist())
