"""How severe a fault is: a scan that finds the peak of its likelihood and follows it down both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hydro.readings import Floats

FAINT = 8.0
"""A log-likelihood this far below the peak no longer matters to an interval."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Severities tried, in order, with their posterior weights (adding up to 1).

    ``departures``: (K, r) posterior mean of the departures beside each; ``peak``: log-likelihood of the ``best``;
    ``log_width``: log of the mean likelihood over the prior relative to the peak's.
    """

    severities: Floats
    weights: Floats
    departures: Floats
    best: float
    peak: float
    log_width: float


def scan_severities(grid: Floats, guess: float, judge: Callable[[float], tuple[float, Floats]], fine: int = 6) -> Scan:
    """Return the posterior over severities.

    ``grid``: (G,) equally likely ones; ``guess``: where to look first; ``judge``: gives a severity's log-likelihood and
    the departures' posterior mean (r,) beside it.
    """
    known: dict[float, float] = {}
    departures: dict[float, Floats] = {}

    def at(place: float) -> float:
        if place not in known:
            known[place], departures[place] = judge(_severity(grid, place))
        return known[place]

    last = len(grid) - 1
    first = float(np.argmin(np.abs(grid - guess)))
    for place in {first, 0.0, float(last // 3), float(2 * last // 3), float(last)}:
        at(place)
    _climb(at, known, last)
    _descend(at, known, last)
    for _ in range(fine):
        _refine(at, known)
    places = np.array(sorted(known))
    values = np.array([known[place] for place in places])
    widths = np.gradient(places) / len(grid) if len(places) > 1 else np.ones(1)
    mass = np.exp(values - values.max()) * widths
    return Scan(
        severities=np.array([_severity(grid, place) for place in places]),
        weights=mass / mass.sum(),
        departures=np.stack([departures[place] for place in places]),
        best=_severity(grid, float(places[np.argmax(values)])),
        peak=float(values.max()),
        log_width=float(np.log(mass.sum())),
    )


def _severity(grid: Floats, place: float) -> float:
    """Return the severity at a place on the grid's own scale, geometric where it has one sign."""
    low = int(np.floor(place))
    part = place - low
    if part == 0.0:
        return float(grid[low])
    if grid[low] * grid[low + 1] > 0:
        return float(grid[low] * (grid[low + 1] / grid[low]) ** part)
    return float(grid[low] + part * (grid[low + 1] - grid[low]))


def _climb(at: Callable[[float], float], known: dict[float, float], last: int) -> None:
    """Walk uphill over whole places from the best one known."""
    while True:
        peak = max(known, key=lambda place: known[place])
        around = [place for place in (peak - 1, peak + 1) if 0 <= place <= last and place not in known]
        if not around:
            return
        for place in around:
            at(place)


def _descend(at: Callable[[float], float], known: dict[float, float], last: int) -> None:
    """Walk down both sides of the peak until it no longer matters."""
    peak = max(known, key=lambda place: known[place])
    for direction in (-1.0, 1.0):
        place = peak + direction
        while 0 <= place <= last and at(place) > known[peak] - FAINT:
            place += direction


def _refine(at: Callable[[float], float], known: dict[float, float]) -> None:
    """Halve the gaps on both sides of the peak."""
    places = sorted(known)
    peak = places.index(max(known, key=lambda place: known[place]))
    for neighbour in (peak - 1, peak + 1):
        if 0 <= neighbour < len(places):
            at((places[peak] + places[neighbour]) / 2)
