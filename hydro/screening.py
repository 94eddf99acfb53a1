"""Screening: the likelihood of every candidate, severity and onset in the linear model, in a few products of matrices.

A candidate of amplitude a moves the observed values by a·d. Its log-likelihood ratio against no fault, with all that is
integrated out, is ``Σ a e − ½ (Σ a² d̃ᵀd̃ − |Σ a g̃|²)`` over the steps since the onset, where d̃ = W d is the same all
through a group of steps, e = d̃·(what is left unexplained) and g̃ = A^(−1/2) (W G)ᵀ d̃.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from hydro.evidence import Evidence
from hydro.faults import Candidate, FaultKind
from hydro.network import PressureDemand
from hydro.observables import DEMAND, PRESSURE, Observables
from hydro.readings import Floats
from hydro.snapshot import Regime, Snapshot

BETWEEN = 1.6
"""How far an amplitude may lie from the nearest one on the grid, as a factor."""
LEAST_FALL = 1e-6
"""A metered demand that falls less than this shows nothing [m³/s]."""
AT_ONCE = 1024
"""Candidates looked at together."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What the linear model says of some candidates of one kind.

    ``ratio``: (J, C, G) log-likelihood ratio by onset, candidate and severity; ``onsets``: (J,) first steps;
    ``lowest``: (J, C, G) [m] pressure at a watched row in its worst watched step, when one was asked for.
    """

    kind: FaultKind
    candidates: list[Candidate]
    severities: Floats
    onsets: NDArray[np.intp]
    ratio: Floats
    lowest: Floats | None


@dataclass(frozen=True, slots=True)
class Tap:
    """A metered customer: rows of the delivered demand and of the pressure there, and the node."""

    demand_row: int
    pressure_row: int
    node: int


@dataclass(frozen=True, slots=True)
class Watched:
    """An observed pressure that somebody complained of: its row, and the steps (k,) complained of."""

    row: int
    steps: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Part:
    """What candidates move: ``direction`` (Q, S, C or 1) whitened, by ``amplitude`` (T, C, G)."""

    direction: Floats
    amplitude: Floats


def onset_steps(steps: int, most: int = 24) -> NDArray[np.intp]:
    """Return the steps at which a fault may have begun: the window's first and evenly chosen others."""
    return np.unique(np.linspace(0, steps - 1, min(steps, most)).astype(np.intp))


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
    watched: Watched | None = None,
) -> Iterator[Screened]:
    """Yield the log-likelihood ratios of all candidates of a kind, some at a time.

    Where a pressure falls far, a customer's demand falls by ``law`` and not by its slope in the present state, which
    is none at all while the pressure suffices: for metered customers, ``taps``, that part is added by hand.
    """
    for first in range(0, len(candidates), AT_ONCE):
        some = candidates[first : first + AT_ONCE]
        plain = {one.regime: kind.directions(one, some) for one in _one_each(evidence)}
        amplitude = np.stack([kind.amplitudes(one, some, severities) for one in evidence.snapshots])
        parts = [_Part(_by_group(evidence, plain), amplitude)]
        if kind.hydraulic and law is not None:
            tapped = [_tapped(evidence, tap, law, plain, amplitude) for tap in taps]
            parts += [part for part in tapped if np.any(np.abs(part.amplitude) > LEAST_FALL)]
        ratio = _ratio(evidence, parts, onsets)
        lowest = None
        if watched is not None:
            moves = plain if kind.hydraulic else {regime: np.zeros_like(one) for regime, one in plain.items()}
            lowest = _lowest(evidence, moves, amplitude, onsets, watched)
        yield Screened(kind, some, severities, onsets, ratio, lowest)


def _ratio(evidence: Evidence, parts: Sequence[_Part], onsets: NDArray[np.intp]) -> Floats:
    """Return (J, C, G) log-likelihood ratios."""
    unexplained, group = evidence.unexplained(), evidence.group
    columns = evidence.beside.columns
    shape = parts[0].amplitude.shape[1:]
    gain, power = np.zeros((len(group), *shape)), np.zeros((len(group), *shape))
    known = np.zeros((columns.shape[2], len(onsets), *shape))
    for place, part in enumerate(parts):
        gain += part.amplitude * _along(group, part, unexplained)
        for column in range(len(known)):
            known[column] += _since(part.amplitude * _along(group, part, columns[:, :, column]), onsets)
        for other in parts[: place + 1]:
            twice = 1.0 if other is part else 2.0
            both = np.sum(part.direction * other.direction, axis=1)[group]
            power += twice * part.amplitude * other.amplitude * both[:, :, None]
    total = _since(power, onsets) - _departed(evidence, parts, onsets)
    if len(known):
        flat = solve_triangular(evidence.beside.factor, known.reshape(len(known), -1), lower=True)
        total -= np.sum(flat**2, axis=0).reshape(total.shape)
    return _between(_since(gain, onsets), total)


def _along(group: NDArray[np.intp], part: _Part, white: Floats) -> Floats:
    """Return (T, C or 1, 1) products of a part's directions with whitened values (T, S)."""
    products = np.empty((len(group), part.direction.shape[2], 1))
    for place, direction in enumerate(part.direction):
        products[group == place, :, 0] = white[group == place] @ direction
    return products


def _departed(evidence: Evidence, parts: Sequence[_Part], onsets: NDArray[np.intp]) -> Floats:
    """Return (J, C, G) the part of a move's power that departures explain as well."""
    shape = (len(onsets), *parts[0].amplitude.shape[1:])
    along: list[Floats] = []
    amount: list[Floats] = []
    for part in parts:
        for group, basis in enumerate(evidence.basis):
            seen = solve_triangular(evidence.factor, basis.T @ part.direction[group], lower=True)
            along.append(np.broadcast_to(seen, (len(seen), shape[1])))
        amount.append(_by_onset_and_group(evidence.group, part.amplitude, onsets))
    # For each candidate: how alike its parts look to the departures, times how much of each there is.
    stacked = np.stack(along)
    alike = np.einsum("prc,qrc->cpq", stacked, stacked, optimize=True)
    much = np.concatenate(amount, axis=1).transpose(2, 0, 3, 1).reshape(shape[1], -1, len(along))
    total = np.sum((much @ alike) * much, axis=2)
    return np.asarray(total.reshape(shape[1], shape[0], shape[2]).transpose(1, 0, 2))


def _by_onset_and_group(group: NDArray[np.intp], values: Floats, onsets: NDArray[np.intp]) -> Floats:
    """Return (J, Q, …) sums of (T, …) over the steps of each group since each onset."""
    span = np.searchsorted(onsets, np.arange(len(group)), side="right") - 1
    result = np.zeros((len(onsets), int(group.max()) + 1, *values.shape[1:]))
    for step, value in enumerate(values):
        result[span[step], group[step]] += value
    return np.asarray(result[::-1].cumsum(axis=0)[::-1])


def _since(values: Floats, onsets: NDArray[np.intp]) -> Floats:
    """Return (J, …) sums of (T, …) over the steps since each onset."""
    return np.asarray(np.add.reduceat(values, onsets, axis=0)[::-1].cumsum(axis=0)[::-1])


def _between(gain: Floats, power: Floats) -> Floats:
    """Return the best log-likelihood ratio for amplitudes around those of the grid.

    A fault that shows plainly fixes its amplitude to a per cent, and no grid is so fine: scaled by α the ratio is
    ``α gain − ½ α² power``, whose peak is looked for as far as the neighbours on the grid.
    """
    scale = np.clip(gain / np.maximum(power, 1e-12), 1.0 / BETWEEN, BETWEEN)
    return np.asarray(scale * gain - 0.5 * scale**2 * power)


def _one_each(evidence: Evidence) -> list[Snapshot]:
    return list({one.regime: one for one in evidence.snapshots}.values())


def _by_group(evidence: Evidence, plain: dict[Regime, Floats]) -> Floats:
    """Return (Q, S, C) whitened directions."""
    regime = {int(group): one.regime for group, one in zip(evidence.group, evidence.snapshots, strict=True)}
    return np.stack([whitener @ plain[regime[group]] for group, whitener in enumerate(evidence.whitener)])


def _tapped(evidence: Evidence, tap: Tap, law: PressureDemand, plain: dict[Regime, Floats], amplitude: Floats) -> _Part:
    """Return what a metered demand falls beyond its slope [m³/s]."""
    sizes = np.empty_like(amplitude)
    for step, snapshot in enumerate(evidence.snapshots):
        before = np.asarray(snapshot.value[tap.pressure_row])
        after = before + plain[snapshot.regime][tap.pressure_row][:, None] * amplitude[step]
        full = snapshot.conditions.demand[tap.node]
        exact = full * (law.fraction(after) - law.fraction(before))
        sizes[step] = exact - full * law.slope(before) * (after - before)
    return _Part(evidence.whitener[:, :, [tap.demand_row]], sizes)


def _lowest(
    evidence: Evidence, plain: dict[Regime, Floats], amplitude: Floats, onsets: NDArray[np.intp], watched: Watched
) -> Floats:
    """Return (J, C, G) the lowest pressure at the watched row in its steps [m]."""
    lowest = np.full((len(onsets), *amplitude.shape[1:]), np.inf)
    for step in watched.steps:
        snapshot = evidence.snapshots[step]
        before = snapshot.value[watched.row]
        changed = before + plain[snapshot.regime][watched.row][:, None] * amplitude[step]
        begun = (onsets <= step)[:, None, None]
        lowest = np.minimum(lowest, np.where(begun, changed[None], before))
    return lowest
