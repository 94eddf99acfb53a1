import csv
import io
import re
import tomllib
from datetime import datetime
from itertools import pairwise
from math import dist
from pathlib import Path
from statistics import fmean, stdev

import pytest

from models.site import Site
from models.site_file import load_site
from sample_networks.town.__main__ import main
from sample_networks.town.history import export
from sample_networks.town.points import gauge_places
from sample_networks.town.report import report
from sample_networks.town.site import SEED, generate, save
from sample_networks.town.streets import CASE_STREET, Plan
from simulator.episodes import load_episode
from simulator.history import history_of
from simulator.instruments import fit_out
from simulator.plant_files import load_plant
from simulator.project import Project

FOLDER = Path(__file__).parents[2] / "sample_networks" / "jiaozhou"
EPISODES = ("documented", "healthy", "valve", "demand", "burst", "drift", "pump")


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(FOLDER)


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _street_pipes() -> set[str]:
    """The links of the case's street: the run from the link of its first valve to that of its last."""
    links = [row["link"] for row in _rows("valves.csv") if row["street"] == CASE_STREET]
    first, last = (int(link.removeprefix("P-")) for link in (links[0], links[-1]))
    return {f"P-{number:03d}" for number in range(first, last + 1)}


def _sections() -> dict[str, list[list[str]]]:
    sections: dict[str, list[list[str]]] = {}
    name = ""
    for line in (FOLDER / "network.inp").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line.strip() and not line.startswith(";"):
            sections.setdefault(name, []).append(line.split())
    return sections


def _street_nodes() -> set[str]:
    pipes = _street_pipes()
    return {row[2] for row in _sections()["PIPES"] if row[0] in pipes}


def test_generator_reproduces_the_committed_files_byte_for_byte(tmp_path: Path) -> None:
    files = generate(SEED)
    save(files, tmp_path)
    for name in files:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
    committed = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and "data" not in path.relative_to(FOLDER).parts
    }
    assert committed == {*files, "README.md", "history.csv"}


def test_history_is_a_healthy_week_at_the_plant_before_any_episode() -> None:
    played = list(csv.DictReader(io.StringIO(export(FOLDER))))
    kept = _rows("history.csv")
    assert list(kept[0]) == ["time", "point", "value"]
    assert [(row["time"], row["point"]) for row in kept] == [(row["time"], row["point"]) for row in played]
    # Solved, not drawn: on another machine a value between two quanta of its gauge may fall to the other side.
    assert [float(row["value"]) for row in kept] == pytest.approx(
        [float(row["value"]) for row in played], rel=1e-3, abs=0.2
    )
    last = datetime.fromisoformat(kept[-1]["time"])
    assert all(load_episode(FOLDER, name).start >= last for name in EPISODES)


def test_report_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(generate(SEED), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr("sys.argv", ["town", "--report", str(tmp_path)])
    main()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("seed", [1, 2])
def test_healthy_week_at_the_plant_crosses_no_limit(seed: int, site: Site) -> None:
    points = {point.name: point for point in site.points}
    limited = {name for name, point in points.items() if point.low_limit is not None}
    assert len([name for name in limited if name.startswith("PT-")]) >= 10
    for time, samples in history_of(site, "healthy", seed):
        for sample in samples:
            point, said = points[sample.point], f"{sample.point} {sample.value} at {time.isoformat()}"
            for low, high in ((point.low_limit, point.high_limit), (point.valid_min, point.valid_max)):
                assert low is None or sample.value > low or sample.value == low == 0.0, said
                assert high is None or sample.value < high, said
            if sample.point == "PU-2-RUNS":
                assert sample.value == 0.0, said


def test_tank_neither_empties_nor_overflows_in_two_weeks() -> None:
    line = re.search(r"tank level over 14 days: ([\d.]+) to ([\d.]+) m", report(FOLDER))
    assert line and 1.0 < float(line[1]) < float(line[2]) < 4.9


def test_true_demands_scatter_as_the_readme_says(site: Site) -> None:
    factors = {row["node"]: float(row["factor"]) for row in _rows("plant/demands.csv")}
    street = _street_nodes()
    elsewhere = [factor for node, factor in factors.items() if node not in street]
    assert stdev(elsewhere) / fmean(elsewhere) == pytest.approx(0.15, abs=0.03)
    # The one exception, which the README declares.
    assert max(abs(factors[node] - 1.0) for node in street & factors.keys()) < 0.05
    assert "1.5 %, not by 15 %" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_seed_gives_another_town_that_loads(seed: int, tmp_path: Path) -> None:
    save(generate(seed), tmp_path)
    assert (tmp_path / "network.inp").read_bytes() != (FOLDER / "network.inp").read_bytes()
    town = load_site(tmp_path)
    assert 250 <= sum(1 for row in town.zones) <= 360
    assert "customers' pressure" in report(tmp_path)


def test_epanet_and_wntr_read_the_same_network_and_times() -> None:
    from epanet import toolkit as en

    project = en.createproject()
    en.open(project, str(FOLDER / "network.inp"), "", "")
    # wntr brings its own libepanet, which must come second.
    import wntr

    network = wntr.network.WaterNetworkModel(str(FOLDER / "network.inp"))
    times = network.options.time
    for code, seconds in (
        (en.DURATION, times.duration),
        (en.HYDSTEP, times.hydraulic_timestep),
        (en.PATTERNSTEP, times.pattern_timestep),
        (en.PATTERNSTART, times.pattern_start),
        (en.REPORTSTEP, times.report_timestep),
        (en.STARTTIME, times.start_clocktime),
    ):
        assert en.gettimeparam(project, code) == seconds
    assert en.getcount(project, en.NODECOUNT) == network.num_nodes
    assert en.getcount(project, en.LINKCOUNT) == network.num_links
    assert network.options.hydraulic.demand_model in ("PDA", "PDD")
    en.close(project)
    en.deleteproject(project)


def test_the_case_stands_as_the_readme_says() -> None:
    figures = report(FOLDER)
    at_seven = {
        match[1].strip(): float(match[2]) for match in re.finditer(r"^  (.+?) +(\d+\.\d) m$", figures, re.MULTILINE)
    }
    assert at_seven["design demand"] > 25
    assert 17 <= at_seven["grown demand"] <= 20
    assert 2 <= at_seven["grown demand, valve blocked"] <= 6
    assert at_seven["grown demand, DN110, valve free"] > 22
    pressures = re.search(r"design demand: ([\d.]+) to ([\d.]+) m", figures)
    assert pressures and float(pressures[1]) >= 20 and float(pressures[2]) <= 45
    felt = re.search(r"(\d+) of \d+$", figures)
    assert felt and int(felt[1]) >= 40
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for figure in (*at_seven.values(), float(pressures[1]), float(pressures[2])):
        assert f"{figure:.1f}" in readme


def test_the_street_is_dn75_with_a_valve_at_each_end(site: Site) -> None:
    pipes = _street_pipes()
    assert len(pipes) == 5
    assert {row["nominal_mm"] for row in _rows("pipes.csv") if row["link"] in pipes} == {"75"}
    assert {float(row[4]) for row in _sections()["PIPES"] if row[0] in pipes} == {61.4}
    valves = [valve for valve in site.valves if valve.link in pipes]
    assert [(valve.link, valve.end) for valve in valves] == [(min(pipes), "start"), (max(pipes), "end")]


def test_many_valves_are_as_old_as_the_guilty_one(site: Site) -> None:
    guilty = next(valve for valve in site.valves if valve.street == CASE_STREET)
    assert guilty.installed is not None
    old = [
        valve
        for valve in site.valves
        if valve is not guilty and valve.installed is not None and valve.installed <= guilty.installed
    ]
    assert len(old) >= 30
    assert len({valve.street for valve in old}) >= 6
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"{len(site.valves)} valves in the register, {len(old)} of them at least as old as the guilty one" in readme
    assert f"{guilty.valve_id}, a gate valve of {guilty.installed.year}" in readme


def test_guilty_valve_stands_at_the_corner_of_the_documented_streets(site: Site) -> None:
    guilty = next(valve for valve in site.valves if valve.street == CASE_STREET)
    place = {row[0]: (float(row[1]), float(row[2])) for row in _sections()["COORDINATES"]}
    corner = place[next(row[1] for row in _sections()["PIPES"] if row[0] == guilty.link)]
    along = [valve for valve in site.valves if valve.street == "Xiangjiang Road"]
    assert guilty.street == "Guihua Road"
    assert guilty.x is not None and guilty.y is not None
    assert dist((guilty.x, guilty.y), corner) < 5.0
    # The other street's valves lie in a line; the corner does too.
    assert {valve.y for valve in along} == {corner[1]}


def test_gauges_follow_the_number_of_junctions_and_none_is_on_the_street(site: Site) -> None:
    gauges = [point for point in site.points if point.quantity == "pressure" and point.element.startswith("J-")]
    assert len(gauges) == round(len(_sections()["JUNCTIONS"]) / 30)
    assert not {point.element for point in gauges} & _street_nodes()


def test_gauges_lie_farthest_from_the_station_and_from_each_other() -> None:
    plan = Plan()
    nodes = [plan.add_junction(100.0 * place, 0.0, "Street") for place in range(48)]
    for first, second in pairwise(nodes):
        plan.add_stretch(first, second, "Street")
    assert set(gauge_places(plan)) == {"J-048", "J-001"}


def test_design_demands_of_customers_add_up_to_the_model(site: Site) -> None:
    base = {row[0]: float(row[2]) for row in _sections()["JUNCTIONS"]}
    by_node: dict[str, float] = {}
    for customer in site.customers:
        by_node[customer.node] = by_node.get(customer.node, 0.0) + (customer.design_demand_l_s or 0.0)
    assert {node: round(demand, 3) for node, demand in by_node.items()} == {
        node: demand for node, demand in base.items() if demand
    }


def test_patterns_last_a_day_and_have_mean_one() -> None:
    patterns: dict[str, list[float]] = {}
    for name, *factors in _sections()["PATTERNS"]:
        patterns.setdefault(name, []).extend(map(float, factors))
    for day in patterns.values():
        assert len(day) == 24
        assert sum(day) == pytest.approx(24.0)


@pytest.mark.parametrize("name", EPISODES)
def test_episode_names_what_is_there(name: str, site: Site) -> None:
    episode = load_episode(FOLDER, name)
    known = {
        "node": set(site.zones),
        "link": {row["link"] for row in _rows("pipes.csv")} | {"PU-1"},
        "point": {point.name for point in site.points},
        "customer": {customer.customer_id for customer in site.customers},
    }
    for event in episode.events:
        for kind, names in known.items():
            assert getattr(event.change, kind, None) in {None, *names}


def test_plant_fits_the_site_and_shows_every_point(site: Site) -> None:
    plant = load_plant(FOLDER)
    project = Project(site.network)
    try:
        instruments, problems = fit_out(site.points, project.elements, plant, seed=1)
    finally:
        project.close()
    assert not problems
    assert len(instruments.points) == len(site.points)


def test_truth_lies_in_the_plant_folder_alone(site: Site) -> None:
    documented = tomllib.loads((FOLDER / "plant/episodes/documented.toml").read_text(encoding="utf-8"))
    growth, blockage, complaint = documented["events"]
    factory = site.customer(complaint["customer"])
    assert factory.design_demand_l_s != growth["demand_l_s"]
    assert all(float(row[6]) == 0.0 for row in _sections()["PIPES"])
    assert {row[7] for row in _sections()["PIPES"]} == {"OPEN"}
    for file in (
        "site.toml",
        "network.inp",
        "points.csv",
        "customers.csv",
        "valves.csv",
        "pipes.csv",
        "zones.csv",
        "history.csv",
    ):
        text = (FOLDER / file).read_text(encoding="utf-8")
        assert not re.search(r"block|debris|grown|plant/", text), file
    assert "demand" not in " ".join(_rows("customers.csv")[0]).replace("design_demand_l_s", "")
    assert blockage["link"] in _street_pipes()
