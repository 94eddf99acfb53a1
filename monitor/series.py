"""From samples to series: what the hydraulics may believe, in SI, and what was left out with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from hydro.network import Network
from hydro.readings import Series
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from monitor.quantities import model_value

MODELLED = frozenset(Quantity) - {Quantity.VOLUME}
"""Quantities that the model has a counterpart for; a totaliser only counts what a flow already says."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Series that are believed, how many samples they hold, and how many were rejected for which reason."""

    series: tuple[Series, ...]
    samples: int
    rejected: Mapping[str, int] = field(default_factory=dict)


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
        if sample.quality is not Quality.GOOD or not np.isfinite(sample.value):
            rejected[sample.reason or str(sample.quality)] += 1
            continue
        times[sample.point].append(sample.time.timestamp())
        values[sample.point].append(model_value(point, sample.value, elevation_of(point, network)))
        kept += 1
    series = []
    for name, point in known.items():
        order = np.argsort(np.array(times[name]), kind="stable")
        if len(order):
            time, value = np.array(times[name])[order], np.array(values[name])[order]
            series.append(Series(name, point.element, str(point.quantity), time, value))
    return Sorted(tuple(series), kept, dict(rejected))


def elevation_of(point: Point, network: Network) -> float:
    """Return the elevation of the point's node [m], 0 at links."""
    node = network.node_index.get(point.element)
    return 0.0 if node is None else float(network.elevation[node])


def _element_is(point: Point, network: Network) -> bool:
    return point.element in network.node_index or point.element in network.link_index
