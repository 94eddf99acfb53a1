"""How fast the engine is, as ratios in one run: ``python -m benchmarks.engine.speed``.

One steady what-if (set, solve, read all) on Net6 against EPANET's own solve with the same options and against wntr's
``EpanetSimulator``; a thousand what-ifs on all cores against one; the linear model's growth with size.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import wntr

from benchmarks.engine.networks import NETWORKS
from benchmarks.engine.tiles import tile
from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.linear import Linearisation
from hydro.network import JUNCTION, PIPES, TANK
from hydro.observables import PRESSURE, Observables
from hydro.project import Project
from hydro.toolkit import FRESH_FLOWS, Count, Time

COPIES = (1, 3, 26)
"""Net6 has 3,892 links: so many copies of it make 4 k, 12 k and 101 k."""
ROUNDS = 7


def what_ifs(engine: Engine, count: int) -> list[Conditions]:
    """Return so many what-ifs: a pipe narrowed and a demand grown in each, others each time."""
    network = engine.network
    plain = engine.conditions_at(np.array([8 * 3600.0]))[0]
    draw = np.random.default_rng(0)
    pipes = draw.choice(np.flatnonzero(np.isin(network.link_kind, PIPES)), count)
    nodes = draw.choice(np.flatnonzero(network.node_kind == JUNCTION), count)
    asked = []
    for pipe, node in zip(pipes, nodes, strict=True):
        diameter, demand = plain.diameter.copy(), plain.demand.copy()
        diameter[pipe] = 0.7 * network.diameter[pipe]
        demand[node] += 0.002
        asked.append(replace(plain, diameter=diameter, demand=demand))
    return asked


def best(question: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the least time a question took [s]: what else the machine does only adds."""
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        question()
        took.append(time.perf_counter() - begun)
    return min(took)


def bare_solve(inp: Path, engine: Engine, asked: Sequence[Conditions]) -> float:
    """Return the time of EPANET's own solve, nothing set and nothing read, with the engine's options [s]."""
    with tempfile.TemporaryDirectory() as scratch:
        project = Project(inp, Path(scratch) / "bare.rpt")
        project.set_options(engine.pressure_demand)
        for control in range(project.kit.integer("getcount", Count.CONTROLS), 0, -1):
            project.kit.call("deletecontrol", control)
        heads = asked[0].head
        for tank in np.flatnonzero(engine.network.node_kind == TANK):
            project.kit.set(
                "setnodevalue", int(tank) + 1, 8, (heads[tank] - engine.network.elevation[tank]) / project.units.length
            )
        project.kit.set_time(Time.DURATION, 0)
        project.kit.set_time(Time.PATTERN_START, 8 * 3600)
        project.open_solver()

        def twenty() -> None:
            for _ in range(20):
                project.kit.call("initH", FRESH_FLOWS)
                project.kit.run()

        try:
            return best(twenty) / 20
        finally:
            project.close()


def wntr_solve(inp: Path) -> float:
    """Return the time of one steady run by wntr's ``EpanetSimulator`` [s]."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as scratch:
        warnings.simplefilter("ignore")
        model = wntr.network.WaterNetworkModel(str(inp))
        model.options.time.duration = 0
        simulator = wntr.sim.EpanetSimulator(model)
        return best(lambda: simulator.run_sim(file_prefix=f"{scratch}/run"), rounds=5)


def one_what_if() -> None:
    """Print the first row."""
    inp = NETWORKS["Net6"]
    with Engine(inp, workers=1) as engine:
        asked = what_ifs(engine, 20)
        engine.solve(asked[0])
        ours = best(lambda: [engine.solve(one) for one in asked]) / len(asked)
        bare = bare_solve(inp, engine, asked)
        again = best(lambda: [engine.solve(one) for one in asked]) / len(asked)
        theirs = wntr_solve(inp)
    ours = min(ours, again)
    print(f"| one steady what-if, Net6 | {1e3 * ours:.2f} ms |")
    print(f"| EPANET's bare solve, same options | {1e3 * bare:.2f} ms, ratio {ours / bare:.2f} (at most 1.5) |")
    print(f"| wntr EpanetSimulator | {1e3 * theirs:.0f} ms, ratio {theirs / ours:.0f} (at least 80) |", flush=True)


def all_cores() -> None:
    """Print the second row."""
    cores = os.cpu_count() or 1
    inp = NETWORKS["Net6"]
    with Engine(inp, workers=1) as single, Engine(inp, workers=cores) as many:
        asked = what_ifs(single, 1000)
        many.solve_many(asked[:50])
        pairs = []
        for _ in range(3):
            alone, together = best(lambda: single.solve_many(asked), 1), best(lambda: many.solve_many(asked), 1)
            pairs.append((alone / together, alone, together))
        speed, alone, together = max(pairs)
    print(
        f"| 1,000 what-ifs, Net6, {cores} cores against one | {together:.2f} s against {alone:.2f} s, "
        f"{speed / cores:.2f} × cores (at least 0.9) |",
        flush=True,
    )


def linear_growth() -> None:
    """Print the linear model's time by size, and the exponent of its growth."""
    print("| links | solve s | factorise s | 200 points s | all Thévenin s |")
    print("|---|---|---|---|---|")
    sizes, totals = [], []
    for copies in COPIES:
        with tempfile.TemporaryDirectory() as scratch:
            inp = Path(scratch) / "tiled.inp"
            inp.write_text(tile(NETWORKS["Net6"].read_text(), copies))
            with Engine(inp, workers=1) as engine:
                took = _linear_times(engine)
                sizes.append(len(engine.network.link_ids))
        totals.append(sum(took[1:]))
        print(f"| {sizes[-1]} | " + " | ".join(f"{one:.3f}" for one in took) + " |", flush=True)
    slope = np.polyfit(np.log(sizes), np.log(totals), 1)[0]
    print(f"\nThe linear model grows with links^{slope:.2f} (at most 1.3).")


def _linear_times(engine: Engine) -> list[float]:
    """Return the times of a solve, a factorisation, the rows of 200 points and all Thévenin equivalents [s]."""
    network, law = engine.network, engine.pressure_demand
    conditions = engine.default_conditions(0.0)
    state = engine.solve(conditions)
    junctions = np.flatnonzero(network.node_kind == JUNCTION)
    nodes = np.random.default_rng(0).choice(junctions, 200, replace=False)
    points = Observables(np.full(200, PRESSURE, dtype=np.int8), nodes)
    model = Linearisation(network, state, conditions, law)
    links = np.arange(len(network.link_ids))
    return [
        best(lambda: engine.solve(conditions), 3),
        best(lambda: Linearisation(network, state, conditions, law), 3),
        best(lambda: model.sensitivities(points), 2),
        best(lambda: model.thevenin(links), 2),
    ]


def main() -> None:
    """Print everything."""
    cores = os.cpu_count()
    print(f"{platform.machine()}, {cores} cores, owa-epanet {version('owa-epanet')}, wntr {version('wntr')}\n")
    print("| what | |")
    print("|---|---|")
    one_what_if()
    all_cores()
    print()
    linear_growth()


if __name__ == "__main__":
    main()
