"""The linear model against finite differences of EPANET; the tolerances are those of docs/validation.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array

from benchmarks.engine.finite_differences import deviations
from benchmarks.engine.networks import NETWORKS, SMALL
from hydro.engine import Engine
from hydro.linear import Linearisation
from hydro.observables import DEMAND, FLOW, INFLOW, Observables
from hydro.selected_inverse import resistances

CASES = sorted((Path(__file__).parents[1] / "cases/linear").glob("*.inp"))
ELEMENT_TOLERANCE = 2e-3
"""On a small network for each kind of element: the largest deviation, relative to the largest change."""
BREAKER_TOLERANCE = 5e-2
"""EPANET holds a breaker valve's headloss by a conductance of 1e8 that drowns the last digits of its own solution."""
NETWORK_MEDIAN, NETWORK_MOST = 2e-3, 2e-2
"""On a whole network: the median of each kind, and what 19 in 20 columns of all stay within."""
UNSETTLED = {"ky10": 0.15}
"""Where EPANET itself does not settle: pumps of constant power that hardly turn."""


@pytest.mark.parametrize("inp", CASES, ids=lambda path: path.stem)
def test_every_kind_of_element_responds_as_epanets_own(inp: Path) -> None:
    found = list(deviations(inp, [0.0]))
    assert {one.cause for one in found} >= {"demand", "outflow", "reservoir", "pipe"}
    worst = max(found, key=lambda one: one.size)
    assert worst.size < (BREAKER_TOLERANCE if inp.stem == "breaker_valve" else ELEMENT_TOLERANCE), worst


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one in SMALL else pytest.mark.slow) for one in NETWORKS]
)
def test_whole_networks_respond_as_epanet(name: str) -> None:
    sizes: dict[tuple[str, str], list[float]] = {}
    for one in deviations(NETWORKS[name], [2 * 3600.0, 15 * 3600.0], most=12):
        sizes.setdefault((one.cause, one.seen), []).append(one.size)
    for what, values in sizes.items():
        assert np.median(values) < NETWORK_MEDIAN, what
    assert np.quantile([size for values in sizes.values() for size in values], 0.95) < UNSETTLED.get(name, NETWORK_MOST)


@pytest.mark.parametrize("inp", CASES, ids=lambda path: path.stem)
def test_a_link_seen_from_its_ends_is_one_line_of_headloss_against_flow(inp: Path) -> None:
    """Two loads across a link's ends, by EPANET, give the slope of the rest of the network."""
    with Engine(inp, workers=1) as engine:
        conditions = engine.default_conditions(0.0)
        state = engine.solve(conditions)
        model = Linearisation(engine.network, state, conditions, engine.pressure_demand)
        links = np.flatnonzero(state.status & (np.abs(state.flow) > 1e-4))
        response = model.of_links(links)
        for column, link in enumerate(links):
            # Headloss φ added to a link lowers its flow by φ over the whole slope.
            rows = Observables(np.array([FLOW], dtype=np.int8), np.array([link]))
            by_flow = -float(model.sensitivities(rows).headloss[0, link])
            if by_flow > 1e-6:
                assert 1.0 / by_flow == pytest.approx(float(response.slope[column]), rel=1e-5)


@pytest.mark.parametrize("name", ["Net3", "jiaozhou", "ky4"])
def test_all_links_at_once_are_as_one_by_one(name: str) -> None:
    with Engine(NETWORKS[name], workers=1) as engine:
        conditions = engine.default_conditions(8 * 3600.0)
        state = engine.solve(conditions)
        model = Linearisation(engine.network, state, conditions, engine.pressure_demand)
        links = np.arange(len(engine.network.link_ids))
        together = 1.0 / model.thevenin(links)
        single = np.concatenate([1.0 / model.of_links(part).slope for part in np.array_split(links, 12)])
        assert np.allclose(together, single, rtol=1e-6, atol=1e-9 / model.own_slope(links).min())


def test_selected_entries_of_the_inverse_are_those_of_the_whole_inverse() -> None:
    draw = np.random.default_rng(3)
    size = 60
    start, end = draw.integers(0, size, 150), draw.integers(0, size, 150)
    start, end = start[start != end], end[start != end]
    weight = draw.uniform(0.01, 10.0, len(start))
    dense = np.diag(draw.uniform(0.001, 0.1, size))
    for one, other, size_ in zip(start, end, weight, strict=True):
        dense[[one, other], [one, other]] += size_
        dense[[one, other], [other, one]] -= size_
    inverse = np.linalg.inv(dense)
    wanted = inverse[start, start] + inverse[end, end] - 2.0 * inverse[start, end]
    assert resistances(csc_array(dense), start, end) == pytest.approx(wanted, rel=1e-9)
    earth = np.full(size, -1)
    assert resistances(csc_array(dense), np.arange(size), earth) == pytest.approx(np.diag(inverse), rel=1e-9)


def test_a_source_gives_what_customers_and_leaks_take() -> None:
    """Mass balance: a node's outflow comes from the sources, and from customers whose pressure it lowers."""
    for inp in CASES:
        with Engine(inp, workers=1) as engine:
            network = engine.network
            conditions = engine.default_conditions(0.0)
            state = engine.solve(conditions)
            drawing = np.flatnonzero((network.node_kind == 0) & (conditions.demand > 0.0))
            kind = np.concatenate([np.full(len(network.fixed), INFLOW), np.full(len(drawing), DEMAND)]).astype(np.int8)
            rows = Observables(kind, np.concatenate([network.fixed, drawing]))
            model = Linearisation(network, state, conditions, engine.pressure_demand).sensitivities(rows)
            taken = model.withdrawal[kind == INFLOW].sum(axis=0) - model.withdrawal[kind == DEMAND].sum(axis=0)
            leaks = np.any(state.leak != 0.0)
            junction = network.node_kind == 0
            assert np.allclose(taken[junction], 1.0, atol=1e-4) or leaks
