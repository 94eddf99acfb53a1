"""A town of six junctions watched for twelve hours: small enough to check by brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hydro.assets import Assets
from hydro.conditions import Conditions
from hydro.departures import Uncertainty
from hydro.diagnosis import prepare
from hydro.engine import Engine
from hydro.network import JUNCTION, TANK
from hydro.readings import Noise, Series
from hydro.resolve import Case
from hydro.window import build_window

TOWN = Path(__file__).parents[1] / "simulator" / "town.inp"
HOURS = 12
STEP_S = 900.0
Change = Callable[[Conditions], Conditions]
CaseMaker = Callable[[Change | None], Case]


@pytest.fixture(scope="session")
def town() -> Iterator[Engine]:
    with Engine(TOWN, workers=1) as engine:
        yield engine


@pytest.fixture(scope="session")
def case_of(town: Engine) -> CaseMaker:
    """Return what makes the case of a morning, something changed at the plant from its sixth hour on."""
    network = town.network
    junctions = np.flatnonzero(network.node_kind == JUNCTION).tolist()
    tank = int(np.flatnonzero(network.node_kind == TANK)[0])
    pump = network.link_index["PU1"]
    times = np.arange(0.0, HOURS * 3600.0, STEP_S) + STEP_S / 2

    def make(change: Change | None = None) -> Case:
        chance = np.random.default_rng(5)
        conditions = town.conditions_at(times)
        if change is not None:
            conditions = [
                change(one) if time > 6 * 3600.0 else one for one, time in zip(conditions, times, strict=True)
            ]
        states = town.solve_many(conditions)

        def series(element: str, quantity: str, values: list[float], noise: float) -> Series:
            read = np.array(values) + noise * chance.standard_normal(len(values))
            return Series(f"{element}/{quantity}", element, quantity, times, read)

        read = [
            series(network.node_ids[node], "pressure", [float(one.pressure[node]) for one in states], 0.1)
            for node in junctions
        ]
        level = [float(one.head[tank] - network.elevation[tank]) for one in states]
        read.append(series("T1", "level", level, 0.001))
        read.append(series("PU1", "status", [float(one.status[pump]) for one in states], 0.0))
        edges = np.arange(0.0, HOURS * 3600.0 + 1.0, STEP_S)
        noise = Noise(0.1, 0.02)
        window = build_window(network, read, origin=0.0, start=0.0, end=float(edges[-1]), edges=edges, noise=noise)
        assets = replace(
            Assets.unknown(network, 14.0), zone=np.arange(len(network.node_ids)) % 2, zone_names=("a", "b")
        )
        return prepare(town, window, assets, Uncertainty(), None)

    return make
