"""From samples to series: what the hydraulics may believe, in SI, and what was left out with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hydro.network import Network
from hydro.readings import Floats, Series
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from monitor.quantities import model_value

VACUUM = -10.33
"""No gauge reads less than a vacuum [m]."""
FROZEN_S, FROZEN_COUNT = 6 * 3600.0, 12
"""A pressure that is the same to the last digit for so long, in so many readings, is a gauge that stands still."""
MODELLED = frozenset(Quantity) - {Quantity.VOLUME}
"""Quantities that the model has a counterpart for; a totaliser only counts what a flow already says."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Series that are believed, how many samples they hold, and how many were rejected for which reason.

    ``frozen``: for how long [s] each gauge that stood still did so.
    """

    series: tuple[Series, ...]
    samples: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    frozen: Mapping[str, float] = field(default_factory=dict)


def series_of(points: Iterable[Point], network: Network, samples: Iterable[Sample]) -> Sorted:
    """Return the series of the points that the network knows, from samples in any order."""
    known = {point.name: point for point in points if point.quantity in MODELLED and _element_is(point, network)}
    times: dict[str, list[float]] = {name: [] for name in known}
    values: dict[str, list[float]] = {name: [] for name in known}
    rejected: Counter[str] = Counter()
    kept = 0
    for sample in samples:
        point = known.get(sample.point)
        if point is None:
            continue
        value = model_value(point, sample.value, elevation_of(point, network))
        why = _why_not(point, sample, value)
        if why:
            rejected[why] += 1
            continue
        times[sample.point].append(sample.time.timestamp())
        values[sample.point].append(value)
        kept += 1
    series, frozen = [], {}
    for name, point in known.items():
        order = np.argsort(np.array(times[name]), kind="stable")
        time, value_of = np.array(times[name])[order], np.array(values[name])[order]
        if point.quantity is Quantity.PRESSURE:
            still = _still(time, value_of)
            if still.any():
                frozen[name] = float(np.ptp(time[still]))
                rejected["frozen"] += int(still.sum())
                kept -= int(still.sum())
                time, value_of = time[~still], value_of[~still]
        if len(time):
            series.append(Series(name, point.element, str(point.quantity), time, value_of))
    return Sorted(tuple(series), kept, dict(rejected), frozen)


def _why_not(point: Point, sample: Sample, value: float) -> str:
    """Return why a sample is not believed, nothing where it is."""
    if sample.quality is not Quality.GOOD:
        return sample.reason or str(sample.quality)
    if not np.isfinite(value):
        return "no number"
    return "below a vacuum" if point.quantity is Quantity.PRESSURE and value < VACUUM else ""


def _still(time: Floats, value: Floats) -> NDArray[np.bool_]:
    """Return which readings (K,) belong to a stretch over which a gauge stood still."""
    result = np.zeros(len(value), dtype=bool)
    borders = np.flatnonzero(np.diff(value) != 0.0) + 1
    for stretch in np.split(np.arange(len(value)), borders):
        if len(stretch) >= FROZEN_COUNT and time[stretch[-1]] - time[stretch[0]] >= FROZEN_S:
            result[stretch] = True
    return result


def elevation_of(point: Point, network: Network) -> float:
    """Return the elevation of the point's node [m], 0 at links."""
    node = network.node_index.get(point.element)
    return 0.0 if node is None else float(network.elevation[node])


def _element_is(point: Point, network: Network) -> bool:
    return point.element in network.node_index or point.element in network.link_index
