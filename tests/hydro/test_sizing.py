"""Sizing against the exhaustive exact evaluation of every pipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.engine.networks import JIAOZHOU, NETWORKS, SMALL
from cli.main import main as hydro
from hydro.assets import Assets
from hydro.catalogue import standard_catalogue
from hydro.engine import Engine
from hydro.network import PIPES
from hydro.sizing import Question, question, rank, size_mains
from hydro.whatif import peak_time

Out = pytest.CaptureFixture[str]


def asked_of(engine: Engine) -> Question:
    """Return the question at the peak, with a required pressure that one customer in seven falls short of."""
    conditions = engine.conditions_at(np.array([peak_time(engine)]))
    drawing = engine.network.base_demand > 0.0
    required = float(np.quantile(engine.solve(conditions[0]).pressure[drawing], 0.15))
    return question(engine, conditions, Assets.unknown(engine.network, required), standard_catalogue())


@pytest.fixture(params=[*SMALL, "C-TOWN"] if "C-TOWN" in NETWORKS else list(SMALL), scope="module")
def asked(request: pytest.FixtureRequest) -> Iterator[Question]:
    with Engine(NETWORKS[request.param]) as engine:
        yield asked_of(engine)


def gain_of(asked: Question, link: int) -> float:
    """Return the shortfall that a pipe's next size takes away, by EPANET."""
    network, condition = asked.engine.network, asked.conditions[0]
    size = asked.catalogue.next_size(asked.assets.link_material[link], float(network.diameter[link]))
    assert size is not None
    diameter, roughness = condition.diameter.copy(), condition.roughness.copy()
    diameter[link], roughness[link] = size.inner, size.roughness(network.headloss_formula)
    wider = asked.engine.solve(replace(condition, diameter=diameter, roughness=roughness))
    return asked.shortfall([asked.engine.solve(condition)]) - asked.shortfall([wider])


def test_the_first_ten_are_those_of_the_exhaustive_ranking(asked: Question) -> None:
    network = asked.engine.network
    pipes = [
        link
        for link in np.flatnonzero(np.isin(network.link_kind, PIPES)).tolist()
        if asked.catalogue.next_size("", float(network.diameter[link])) is not None
    ]
    gains = {link: gain_of(asked, link) for link in pipes}
    tenth = sorted(gains.values(), reverse=True)[min(9, len(gains) - 1)]
    found = rank(asked, 10)
    assert sum(gains[link] >= tenth - 1e-6 for link in found.links) >= 9
    assert found.gains == pytest.approx([gains[link] for link in found.links], abs=1e-4)


def test_what_a_main_can_still_carry_is_solved_exactly(asked: Question) -> None:
    """Where a main has flow to spare, that flow leaves everybody enough; a good deal more does not."""
    mains = [main for main in size_mains(_easy(asked), 10) if main.spare > 0.0]
    assert mains
    network, condition = asked.engine.network, asked.conditions[0]
    before = asked.engine.solve(condition)
    for main in mains:
        node = int((network.end if before.flow[main.link] >= 0.0 else network.start)[main.link])
        well = _easy(asked).lack(before) == 0.0
        well[node] = True
        lows = []
        for flow in (main.spare, 1.6 * main.spare):
            demand = condition.demand.copy()
            demand[node] += flow
            pressure = asked.engine.solve(replace(condition, demand=demand)).pressure
            counted = well & ((asked.customers > 0) | (np.arange(len(well)) == node))
            lows.append(float((pressure - _easy(asked).required)[counted].min()))
        assert lows[0] >= -1e-3
        assert lows[1] < 0.0


def _easy(asked: Question) -> Question:
    """Return the question with a required pressure that nobody falls short of."""
    drawing = asked.customers > 0
    lowest = float(asked.engine.solve(asked.conditions[0]).pressure[drawing].min())
    return replace(asked, required=np.full_like(asked.required, lowest - 3.0))


def test_growth_names_the_year_in_which_a_customer_falls() -> None:
    with Engine(NETWORKS["jiaozhou"]) as engine:
        asked = _easy(asked_of(engine))
        main = next(one for one in size_mains(asked, 5, growth=0.05) if one.years is not None)
        assert main.years is not None
        served = asked.customers > 0
        lacks = []
        for year in (main.years - 1, main.years):
            grown = replace(asked.conditions[0], demand=asked.conditions[0].demand * 1.05**year)
            lacks.append(bool((asked.lack(engine.solve(grown)) > 0.0)[served].any()))
        assert lacks[1]
        assert size_mains(asked, 5)[0].years is None


def test_the_command_answers_as_the_contract_says(capsys: Out) -> None:
    asked = ["--required-pressure-m", "34", "--top", "5", "--growth-percent-year", "2", "--json"]
    assert hydro(["sizing", str(JIAOZHOU), *asked]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["mains"]) == 5
    assert told["shortfall_m"] > 0.0
    gains = [row["shortfall_gain_m"] for row in told["mains"]]
    assert gains == sorted(gains, reverse=True)
    row = told["mains"][0]
    assert {
        "link", "diameter_mm", "material", "velocity_m_s", "headloss_m_km", "shortfall_gain_m", "customers",
        "spare_l_s", "year_limit", "next_size",
    } <= row.keys()  # fmt: skip
    assert row["customers"] > 0
    assert row["spare_l_s"] == 0.0
    assert row["next_size"]["inner_mm"] > 1.05 * row["diameter_mm"]
    assert row["next_size"]["regained_m"] > 0.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--top", "0"], "--top 0, expected 1 or more"),
        (["--growth-percent-year", "-3"], "--growth-percent-year -3, expected above 0 and at most 100"),
        (["--at", "7"], '--at "7", expected'),
        (["--catalogue", "/nowhere.csv"], "/nowhere.csv"),
    ],
)
def test_bad_input_is_told_in_one_clear_message(arguments: list[str], said: str, capsys: Out) -> None:
    assert hydro(["sizing", str(NETWORKS["Net1"]), *arguments]) == 3
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_network_that_nobody_draws_from_has_nothing_to_size(tmp_path: Path, capsys: Out) -> None:
    inp = tmp_path / "dry.inp"
    inp.write_text("[JUNCTIONS]\nJ 1 0\n[RESERVOIRS]\nR 50\n[PIPES]\nP R J 10 100 100\n[OPTIONS]\nUNITS LPS\n")
    assert hydro(["sizing", str(inp)]) == 3
    assert "no junction draws water and no customers are known, expected demands" in capsys.readouterr().err
