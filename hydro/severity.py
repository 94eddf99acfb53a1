"""How severe a fault is, and since when: a scan finds the peak of its likelihood and follows it down both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hydro.onsets import ByOnset
from hydro.readings import Floats

FAINT = 6.0
"""A log-likelihood this far below the peak no longer matters to an interval."""
COARSE, FINER = 4, (0.5, 0.25)
"""At a glance one in so many severities of a grid is solved, and around the best one steps of the grid are divided."""
NEAR = (0.05, 0.2, 0.5)
"""Beside a severity that stands already so much more and less is solved, in steps of the grid."""
NEEDED = 1.0
"""An onset whose log-likelihood is this much below the best explains the readings as well."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Severities tried, in order, with their posterior weights (adding up to 1), onsets summed out.

    ``departures``: (K, r), ``beside``: (K, k) posterior means of what is integrated out beside each; ``best``,
    ``onset``: the likeliest, and where the readings begin to need it; ``peak``: log-likelihood there; ``log_width``:
    log of the mean likelihood, over all severities and onsets believed possible, relative to the peak's.
    """

    severities: Floats
    weights: Floats
    departures: Floats
    beside: Floats
    best: float
    onset: int
    peak: float
    log_width: float

    @property
    def likeliest(self) -> int:
        """Return the place of the likeliest severity among those tried."""
        return int(np.argmin(np.abs(self.severities - self.best)))


Judge = Callable[[float, float, float], ByOnset]
"""Judges a severity; the other two are those of the grid around it."""


def scan_severities(grid: Floats, guess: float, judge: Judge, stands: bool = False, fine: int = 5) -> Scan:
    """Return the posterior over severities.

    ``grid``: (G,) those to try; ``guess``: where to look first; where it ``stands`` already, it is known to the digit.
    """
    judged: dict[float, ByOnset] = {}
    known: dict[float, float] = {}
    last = len(grid) - 1
    first = _place(grid, guess) if stands else float(np.argmin(np.abs(grid - guess)))
    solved = _solved(first, last) if stands else np.arange(len(grid), dtype=float)

    def solved_at(place: float) -> float:
        return guess if stands and place == first else _severity(grid, place)

    def at(place: float) -> float:
        if place not in known:
            upper = int(np.searchsorted(solved, place))
            lower = upper if solved[upper] == place else upper - 1
            severity = solved_at(place)
            judged[place] = judge(severity, solved_at(float(solved[lower])), solved_at(float(solved[upper])))
            told = judged[place].log_likelihood
            known[place] = float(logsumexp(told) - np.log(len(told)))
        return known[place]

    for place in {first, float(last)}:
        at(place)
    _climb(at, known, last)
    _descend(at, known, last, uphill=not stands)
    for _ in range(fine):
        _refine(at, known)
    return _summed(grid, known, judged)


def glance(grid: Floats, guess: float, judge: Judge) -> float:
    """Return the best log-likelihood over all severities, few of them solved.

    ``guess`` is one of those: what screening takes for a closed valve may be a half-open one.
    """
    last = len(grid) - 1
    own = int(np.argmin(np.abs(grid - guess)))
    solved = np.unique([0, own, last, *range(own % COARSE, last, COARSE)])

    def at(place: float) -> float:
        upper = int(np.searchsorted(solved, place))
        lower = upper if solved[upper] == place else upper - 1
        ends = float(grid[solved[lower]]), float(grid[solved[upper]])
        return float(judge(_severity(grid, place), *ends).log_likelihood.max())

    known = {float(place): at(place) for place in range(len(grid))}
    for step in FINER:
        peak = max(known, key=lambda place: known[place])
        known |= {place: at(place) for place in (peak - step, peak + step) if 0.0 <= place <= last}
    return max(known.values())


def _solved(first: float, last: int) -> Floats:
    """Return the places, in order, at which EPANET solves beside a severity that stands at one of them."""
    near = [first + side * apart for apart in NEAR for side in (-1.0, 1.0)]
    return np.unique([*range(last + 1), first, *(place for place in near if 0.0 <= place <= last)])


def _place(grid: Floats, severity: float) -> float:
    """Return the place of a severity on the grid, no further than its ends."""
    low = int(np.clip(np.searchsorted(grid, severity, side="right") - 1, 0, len(grid) - 2))
    here, there = grid[low], grid[low + 1]
    part = np.log(severity / here) / np.log(there / here) if here * there > 0.0 else (severity - here) / (there - here)
    return float(low + np.clip(part, 0.0, 1.0))


def _summed(grid: Floats, known: dict[float, float], judged: dict[float, ByOnset]) -> Scan:
    """Return the scan of the places known."""
    places = np.array(sorted(known))
    values = np.array([known[place] for place in places])
    # A place stands for what is near it, and never for more than a step of the grid.
    gaps = np.minimum(np.diff(places), 1.0)
    widths = np.mean([np.append(gaps[:1], gaps), np.append(gaps, gaps[-1:])], axis=0) / len(grid)
    mass = np.exp(values - values.max()) * widths
    best = judged[float(places[np.argmax(values)])]
    onset = _onset(best.log_likelihood)
    peak = float(best.log_likelihood[onset])
    return Scan(
        severities=np.array([_severity(grid, place) for place in places]),
        weights=mass / mass.sum(),
        departures=np.stack([judged[place].departures[onset] for place in places]),
        beside=np.stack([judged[place].beside[onset] for place in places]),
        best=_severity(grid, float(places[np.argmax(values)])),
        onset=onset,
        peak=peak,
        log_width=float(np.log(mass.sum()) + values.max() - peak),
    )


def _onset(told: Floats) -> int:
    """Return the latest of the onsets that explain the readings as well as the best.

    Before it shows a fault may have been there or not: it is said to begin where the readings begin to need it.
    """
    return int(np.flatnonzero(told > told.max() - NEEDED)[-1])


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


def _descend(at: Callable[[float], float], known: dict[float, float], last: int, uphill: bool) -> None:
    """Walk down both sides of the peak until it no longer matters; ``uphill``: across dips too.

    Beside a severity that stands the noise is that fault's own: far less severe ones, which would stir less, look
    better in it than they are, and what is beyond a dip is forgotten.
    """
    peak = max(known, key=lambda place: known[place])
    for direction in (-1.0, 1.0):
        before, place = peak, peak + direction
        while 0 <= place <= last and at(place) > known[peak] - FAINT and (uphill or known[place] <= known[before]):
            before, place = place, place + direction
        if not uphill and known.get(place, -np.inf) > known[before]:
            del known[place]


def _refine(at: Callable[[float], float], known: dict[float, float]) -> None:
    """Halve the gaps on both sides of the peak."""
    places = sorted(known)
    peak = places.index(max(known, key=lambda place: known[place]))
    for neighbour in (peak - 1, peak + 1):
        if 0 <= neighbour < len(places):
            at((places[peak] + places[neighbour]) / 2)
