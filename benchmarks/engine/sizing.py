"""Sizing's first ten against the exhaustive exact evaluation of every pipe: ``python -m benchmarks.engine.sizing``."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.engine.networks import NETWORKS
from hydro.assets import Assets
from hydro.catalogue import standard_catalogue
from hydro.engine import Engine
from hydro.network import PIPES
from hydro.sizing import Question, question, rank
from hydro.whatif import peak_time

TOP = 10
LACKING = 0.15
"""The required pressure is one that this part of the drawing nodes falls short of at the peak [-]."""


def exhaustive(asked: Question) -> dict[int, float]:
    """Return what the next size of every pipe takes away of the shortfall, each solved by EPANET."""
    network, condition = asked.engine.network, asked.conditions[0]
    now = asked.shortfall([asked.engine.solve(condition)])
    gains = {}
    for link in np.flatnonzero(np.isin(network.link_kind, PIPES)).tolist():
        size = asked.catalogue.next_size(asked.assets.link_material[link], float(network.diameter[link]))
        if size is None:
            continue
        diameter, roughness = condition.diameter.copy(), condition.roughness.copy()
        diameter[link], roughness[link] = size.inner, size.roughness(network.headloss_formula)
        wider = replace(condition, diameter=diameter, roughness=roughness)
        gains[link] = now - asked.shortfall([asked.engine.solve(wider)])
    return gains


def main() -> None:
    """Print a row for each network."""
    print("| network | pipes | in common | exhaustive s | ranked and verified ms | ratio |")
    print("|---|---|---|---|---|---|")
    for name, inp in NETWORKS.items():
        with Engine(inp, workers=1) as engine:
            conditions = engine.conditions_at(np.array([peak_time(engine)]))
            drawing = engine.network.base_demand > 0.0
            required = float(np.quantile(engine.solve(conditions[0]).pressure[drawing], LACKING))
            asked = question(engine, conditions, Assets.unknown(engine.network, required), standard_catalogue())
            took = []
            for _ in range(5):
                begun = time.perf_counter()
                found = rank(asked, TOP)
                took.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            gains = exhaustive(asked)
            all_of_them = time.perf_counter() - begun
        first = set(sorted(gains, key=lambda link: -gains[link])[:TOP])
        common = len(first & set(found.links))
        print(
            f"| {name} | {len(gains)} | {common} of {len(first)} | {all_of_them:.2f} | {1e3 * min(took):.1f} | "
            f"{all_of_them / min(took):.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
