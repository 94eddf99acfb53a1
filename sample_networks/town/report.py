"""What the town does hydraulically, solved with EPANET: the figures that its README quotes."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from epanet import toolkit as en

from sample_networks.town import supply
from sample_networks.town.assets import INNER_MM
from sample_networks.town.demands import FACTORY, FACTORY_GROWN_L_S
from sample_networks.town.plant import MINOR_LOSS
from sample_networks.town.streets import CASE_STREET

DAYS, WARM_UP_DAYS = 14, 3
COMPLAINT_H, PEAK_H = 7, 8
CONSEQUENTIAL_M, LARGE_MINOR_LOSS = 3.0, 1e6

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """A run: times (T,) [s], pressures at customers (T, C) [m], tank levels (T,) [m], pump flows (T,) [l/s]."""

    time: Floats
    pressure: Floats
    level: Floats
    pumped: Floats

    def clock(self, hour: int) -> Floats:
        """Return the pressures (C,) at an hour of the last day."""
        return np.asarray(self.pressure[np.flatnonzero(self.time % 86400 == hour * 3600)[-1]])


@dataclass(frozen=True, slots=True)
class Case:
    """What is changed on the case's street: base demand of the factory [l/s], minor loss, inner diameter [mm]."""

    name: str
    factory_l_s: float | None = None
    minor_loss: float = 0.0
    inner_mm: float | None = None


CASES = (
    Case("design demand"),
    Case("grown demand", FACTORY_GROWN_L_S),
    Case("design demand, valve blocked", None, MINOR_LOSS),
    Case("grown demand, valve blocked", FACTORY_GROWN_L_S, MINOR_LOSS),
    Case("grown demand, DN110, valve blocked", FACTORY_GROWN_L_S, MINOR_LOSS, INNER_MM["PE100 SDR11"][110]),
    Case("grown demand, DN110, valve free", FACTORY_GROWN_L_S, 0.0, INNER_MM["PE100 SDR11"][110]),
)


@dataclass(frozen=True, slots=True)
class _Town:
    """The site's files as far as the report needs them."""

    inp: Path
    nodes: tuple[str, ...]
    factory: str
    street: tuple[str, ...]


def report(folder: Path) -> str:
    """Return the figures of the site in ``folder`` as text."""
    town = _read(folder)
    factory = town.nodes.index(town.factory)
    healthy = _run(town, Case("healthy"), DAYS)
    last = healthy.time >= WARM_UP_DAYS * 86400
    lines = [
        f"customers' pressure at design demand: {healthy.pressure.min():.1f} to {healthy.pressure.max():.1f} m",
        f"tank level over {DAYS} days: {healthy.level.min():.2f} to {healthy.level.max():.2f} m"
        f" (after {WARM_UP_DAYS} days {healthy.level[last].min():.2f} to {healthy.level[last].max():.2f} m)",
        f"pumped: {healthy.pumped.min():.1f} to {healthy.pumped.max():.1f} l/s",
        f"pressure at the factory at {COMPLAINT_H:02d}:00, steady cycle:",
    ]
    for case in CASES:
        lines.append(f"  {case.name:<36} {_run(town, case, WARM_UP_DAYS).clock(COMPLAINT_H)[factory]:5.1f} m")
    felt, mains = _consequential(town)
    lines.append(
        f"mains whose blocking costs some customer {CONSEQUENTIAL_M:g} m at {PEAK_H:02d}:00: {felt} of {mains}"
    )
    return "\n".join(lines)


def _read(folder: Path) -> _Town:
    def rows(name: str) -> list[dict[str, str]]:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    customers = rows("customers.csv")
    return _Town(
        inp=folder / "network.inp",
        nodes=tuple(dict.fromkeys(row["node"] for row in customers)),
        factory=next(row["node"] for row in customers if row["customer_id"] == FACTORY),
        street=tuple(dict.fromkeys(row["link"] for row in rows("valves.csv") if row["street"] == CASE_STREET)),
    )


@contextmanager
def _opened(inp: Path) -> Iterator[Any]:
    with warnings.catch_warnings():
        # EPANET's warnings carry no text in this binding; the figures show what they would say.
        warnings.simplefilter("ignore")
        project = en.createproject()
        en.open(project, str(inp), os.devnull, "")
        try:
            yield project
        finally:
            en.close(project)
            en.deleteproject(project)


def _run(town: _Town, case: Case, days: int) -> Run:
    with _opened(town.inp) as project:
        _change(project, town, case)
        en.settimeparam(project, en.DURATION, days * 86400)
        customers = [en.getnodeindex(project, node) for node in town.nodes]
        tank = en.getnodeindex(project, supply.TANK)
        pump = en.getlinkindex(project, supply.DUTY)
        times, pressures, levels, pumped = [], [], [], []
        en.openH(project)
        en.initH(project, en.NOSAVE)
        step = 1
        while step > 0:
            times.append(en.runH(project))
            pressures.append([en.getnodevalue(project, node, en.PRESSURE) for node in customers])
            levels.append(en.getnodevalue(project, tank, en.PRESSURE))
            pumped.append(en.getlinkvalue(project, pump, en.FLOW))
            step = en.nextH(project)
        en.closeH(project)
    return Run(np.array(times, dtype=float), np.array(pressures), np.array(levels), np.array(pumped))


def _change(project: Any, town: _Town, case: Case) -> None:
    if case.factory_l_s is not None:
        en.setnodevalue(project, en.getnodeindex(project, town.factory), en.BASEDEMAND, case.factory_l_s)
    first, last = (en.getlinkindex(project, link) for link in (town.street[0], town.street[-1]))
    en.setlinkvalue(project, first, en.MINORLOSS, case.minor_loss)
    if case.inner_mm is not None:
        # The street's mains are numbered one after the other.
        for link in range(first, last + 1):
            en.setlinkvalue(project, link, en.DIAMETER, case.inner_mm)


def _consequential(town: _Town) -> tuple[int, int]:
    """Return how many mains, all but shut, cost some customer the limit at the peak; and of how many."""
    with _opened(town.inp) as project:
        en.settimeparam(project, en.DURATION, 0)
        en.settimeparam(project, en.PATTERNSTART, PEAK_H * 3600)
        customers = [en.getnodeindex(project, node) for node in town.nodes]
        mains = [
            link
            for link in range(1, en.getcount(project, en.LINKCOUNT) + 1)
            if en.getlinktype(project, link) == en.PIPE
        ]
        en.openH(project)
        well = _pressures(project, customers)
        felt = 0
        for link in mains:
            en.setlinkvalue(project, link, en.MINORLOSS, LARGE_MINOR_LOSS)
            felt += bool((well - np.maximum(_pressures(project, customers), 0.0)).max() >= CONSEQUENTIAL_M)
            en.setlinkvalue(project, link, en.MINORLOSS, 0.0)
        en.closeH(project)
    return felt, len(mains)


def _pressures(project: Any, nodes: Sequence[int]) -> Floats:
    en.initH(project, en.NOSAVE)
    en.runH(project)
    return np.array([en.getnodevalue(project, node, en.PRESSURE) for node in nodes])
