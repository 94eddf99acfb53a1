"""Screening: every fault, severity and onset at once, in the linear model.

For a candidate with direction d_t (S,) and amplitude a_t, the log-likelihood ratio against no fault, with the
departures integrated out, is ``Σ a e − ½ (Σ a² d̃ᵀd̃ − |Σ a g̃|²)`` over the steps since the onset, where d̃ = W d,
e = d̃·(what the departures leave unexplained) and g̃ = A^(−1/2) (W G)ᵀ d̃.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from hydro.evidence import Evidence
from hydro.faults import Candidate, FaultKind
from hydro.network import PressureDemand
from hydro.observables import DEMAND, PRESSURE, Observables
from hydro.readings import Floats
from hydro.snapshot import Snapshot

BETWEEN = 1.6
"""How far an amplitude may lie from the nearest one on the grid, as a factor."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What the linear model says of one kind.

    ``ratio``: (J, C, G) log-likelihood ratio by onset, candidate and severity; ``onsets``: (J,) first steps.
    """

    kind: FaultKind
    candidates: list[Candidate]
    severities: Floats
    onsets: NDArray[np.intp]
    ratio: Floats


def onset_steps(steps: int, most: int = 24) -> NDArray[np.intp]:
    """Return the steps at which a fault may have begun: the window's first and evenly chosen others."""
    return np.unique(np.linspace(0, steps - 1, min(steps, most)).astype(np.intp))


@dataclass(frozen=True, slots=True)
class Tap:
    """A metered customer: rows of the delivered demand and of the pressure there, and the node."""

    demand_row: int
    pressure_row: int
    node: int


def taps_of(observables: Observables) -> list[Tap]:
    """Return the metered customers at whose node a pressure is worked out too."""
    pressures = {int(observables.index[row]): int(row) for row in np.flatnonzero(observables.kind == PRESSURE)}
    return [
        Tap(int(row), pressures[int(observables.index[row])], int(observables.index[row]))
        for row in np.flatnonzero(observables.kind == DEMAND)
        if int(observables.index[row]) in pressures
    ]


def screen(
    evidence: Evidence,
    kind: FaultKind,
    candidates: list[Candidate],
    severities: Floats,
    onsets: NDArray[np.intp],
    taps: Sequence[Tap] = (),
    law: PressureDemand | None = None,
) -> Screened:
    """Return the log-likelihood ratios of all candidates of a kind.

    Where a pressure falls far, a customer's demand falls by ``law`` and not by its slope in the present state, which
    is none at all while the pressure suffices: for metered customers, ``taps``, that part is added by hand.
    """
    count, grid = len(candidates), len(severities)
    gain, power = np.zeros((count, grid)), np.zeros((count, grid))
    shared = np.zeros((evidence.basis.shape[2], count, grid))
    ratio = np.empty((len(onsets), count, grid))
    unexplained = evidence.unexplained()
    wanted = {int(step): place for place, step in enumerate(onsets)}
    for step in range(len(evidence.snapshots) - 1, -1, -1):
        snapshot, whitener = evidence.snapshots[step], evidence.whitener[step]
        plain = kind.directions(snapshot, candidates)
        amplitude = kind.amplitudes(snapshot, candidates, severities)
        parts = [(whitener @ plain, amplitude)]
        if kind.hydraulic and law is not None:
            parts += [_tapped(snapshot, tap, law, plain, amplitude, whitener) for tap in taps]
        for place, (direction, size) in enumerate(parts):
            along = solve_triangular(evidence.factor, evidence.basis[step].T @ direction, lower=True)
            gain += size * (direction.T @ unexplained[step])[:, None]
            shared += along[:, :, None] * size[None, :, :]
            for other, beside in parts[: place + 1]:
                twice = 1.0 if other is direction else 2.0
                power += twice * size * beside * np.sum(direction * other, axis=0)[:, None]
        if step in wanted:
            ratio[wanted[step]] = _between(gain, power - np.sum(shared**2, axis=0))
    return Screened(kind, candidates, severities, onsets, ratio)


def _between(gain: Floats, power: Floats) -> Floats:
    """Return the best log-likelihood ratio for amplitudes around those of the grid.

    A fault that shows plainly fixes its amplitude to a per cent, and no grid is so fine: scaled by α the ratio is
    ``α gain − ½ α² power``, whose peak is looked for as far as the neighbours on the grid.
    """
    scale = np.clip(gain / np.maximum(power, 1e-12), 1.0 / BETWEEN, BETWEEN)
    return np.asarray(scale * gain - 0.5 * scale**2 * power)


def _tapped(
    snapshot: Snapshot, tap: Tap, law: PressureDemand, plain: Floats, amplitude: Floats, whitener: Floats
) -> tuple[Floats, Floats]:
    """Return the direction (S, 1) and amplitude (C, G) of what a metered demand falls beyond its slope [m³/s]."""
    before = snapshot.value[tap.pressure_row]
    after = before + plain[tap.pressure_row][:, None] * amplitude
    full = snapshot.conditions.demand[tap.node]
    exact = full * (law.fraction(after) - law.fraction(np.asarray(before)))
    by_slope = full * law.slope(np.asarray(before)) * (after - before)
    return whitener[:, [tap.demand_row]], exact - by_slope
