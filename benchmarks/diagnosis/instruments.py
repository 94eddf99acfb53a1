"""Faults of the instruments: what a pressure point's series looks like since it went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.diagnosis.elements import Floats
from benchmarks.diagnosis.readings import Series

WAYS = ("offset", "drift", "freeze", "unit", "swap")
_UNITS = {"bar": 0.0980665, "psi": 1.42233, "kPa": 9.80665, "ft": 3.28084}
_LEAST_M, _MOST_M = 0.5, 8.0


@dataclass(frozen=True, slots=True)
class Tampered:
    """A point fault: its way, the points it spoils, by how much, and the noiseless series as they then are."""

    way: str
    points: tuple[str, ...]
    severity: float
    series: list[Series]
    moved: float


def tamper(series: Sequence[Series], times: Floats, onset: float, rng: np.random.Generator) -> Tampered:
    """Spoil one pressure point (two that are swapped) from ``onset`` on."""
    places = [place for place, one in enumerate(series) if one.device.quantity == "pressure"]
    way = str(rng.choice(WAYS))
    place, other = (int(one) for one in rng.choice(places, 2, replace=False))
    value = series[place].value
    since = times >= onset
    amount = float(np.exp(rng.uniform(np.log(_LEAST_M), np.log(_MOST_M))) * rng.choice([-1.0, 1.0]))
    spoilt = list(series)
    points: tuple[str, ...] = (series[place].name,)
    if way == "offset":
        new = value + amount * since
    elif way == "drift":
        new = value + amount * np.clip((times - onset) / (times[-1] - onset), 0.0, 1.0)
    elif way == "freeze":
        amount, new = 0.0, np.where(since, value[max(0, int(np.argmax(since)) - 1)], value)
    elif way == "unit":
        amount = _UNITS[str(rng.choice(list(_UNITS)))]
        new = np.where(since, value * amount, value)
    else:
        amount, new = 0.0, np.where(since, series[other].value, value)
        spoilt[other] = replace(series[other], value=np.where(since, value, series[other].value))
        points = (series[place].name, series[other].name)
    spoilt[place] = replace(series[place], value=new)
    return Tampered(way, points, amount, spoilt, float(np.max(np.abs(new - value))))
