"""Remarks: what is odd about the readings themselves, said beside whatever they were taken to mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hydro.diagnosis import Diagnosis
from hydro.engine import Engine
from hydro.network import TANK
from hydro.observables import PRESSURE
from hydro.readings import Floats
from hydro.window import Window, unwatched

FACTORS = {
    "psi given as m": 1.4223,
    "kPa given as m": 9.80665,
    "bar given as m": 0.0980665,
    "m given as psi": 0.70307,
    "m given as kPa": 0.101972,
    "m given as bar": 10.1972,
}
"""How much too large a pressure reads whose unit is mistaken [-]."""
LIKE, MOST = 0.06, 0.8
"""How near a factor the readings must come [-], and at what part of the points."""
LEAST_PRESSURE = 2.0
"""Below this modelled pressure a ratio says nothing [m]."""
LEAST_POINTS, LEAST_STEPS = 3, 2
"""With fewer points, or fewer steps, nothing can be said of a network."""


class Oddity(StrEnum):
    """What is odd."""

    UNIT = "unit"
    FEW = "few"
    FROZEN = "frozen"
    UNREAD = "unread"


DECISIVE = frozenset({Oddity.UNIT, Oddity.FEW})
"""With these no answer is one."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd about some points or elements, in a sentence."""

    kind: Oddity
    elements: tuple[str, ...]
    text: str

    def as_json(self) -> dict[str, object]:
        """Return the remark on the wire."""
        return {"kind": str(self.kind), "elements": list(self.elements), "text": self.text}


def remarks_on(engine: Engine, window: Window, diagnosis: Diagnosis, frozen: Mapping[str, float]) -> list[Remark]:
    """Return what is odd about the readings of a window; ``frozen``: for how long [s] each such point stood still."""
    modelled = np.stack([one.value for one in diagnosis.found.healthy.snapshots])
    found = [
        Remark(Oddity.FROZEN, (point,), f"{point}: the same value for {seconds / 3600:.0f} h, left out as frozen")
        for point, seconds in frozen.items()
    ]
    return [*_unit(diagnosis.found.case.window, modelled), *_few(window), *found, *_unread(engine, window)]


def _unit(window: Window, modelled: Floats) -> Iterable[Remark]:
    """Yield a remark where most pressures read a unit's factor too high or too low; ``modelled``: (T, S)."""
    ratios = {}
    for row, point in enumerate(window.points):
        known = np.isfinite(window.value[row]) & (modelled[:, row] > LEAST_PRESSURE)
        if window.observables.kind[row] == PRESSURE and known.any():
            ratios[point] = float(np.median(window.value[row, known] / modelled[known, row]))
    for words, factor in FACTORS.items():
        alike = tuple(point for point, ratio in ratios.items() if abs(ratio / factor - 1.0) < LIKE)
        if len(alike) >= max(LEAST_POINTS, MOST * len(ratios)):
            yield Remark(
                Oddity.UNIT,
                alike,
                f"{len(alike)} of {len(ratios)} pressures read about {factor:.3g} times what the model has, "
                f"as {words} would: look at their unit",
            )


def _few(window: Window) -> Iterable[Remark]:
    read = np.isfinite(window.value)
    points = tuple(point for row, point in enumerate(window.points) if read[row].any())
    steps = int(read.any(axis=0).sum())
    if len(points) < LEAST_POINTS or steps < LEAST_STEPS:
        yield Remark(
            Oddity.FEW,
            points,
            f"readings of {len(points)} points in {steps} steps, expected {LEAST_POINTS} points in {LEAST_STEPS} steps "
            "at least: too few to say anything",
        )


def _unread(engine: Engine, window: Window) -> Iterable[Remark]:
    network = engine.network
    tanks = np.flatnonzero((network.node_kind == TANK) & np.isnan(window.head).all(axis=0))
    if len(tanks):
        names = tuple(network.node_ids[tank] for tank in tanks)
        yield Remark(Oddity.UNREAD, names, f"nobody read the level of {', '.join(names)}: taken from the network file")
    links = tuple(network.link_ids[link] for link in unwatched(engine, window))
    if links:
        yield Remark(
            Oddity.UNREAD,
            links,
            f"nobody read the status of {', '.join(links)}: taken from the controls in the network file; "
            "times about which they switch are left out",
        )
