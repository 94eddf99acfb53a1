"""Screening: the likelihood of every candidate, severity and onset in the linear model, in a few products of matrices.

A candidate of amplitude a moves the observed values by a·d. Its log-likelihood ratio against no fault, with all that is
integrated out, is ``Σ a e − ½ (Σ a² d̃ᵀd̃ − |Σ a g̃|²)`` over the steps since the onset, where d̃ = W d is the same all
through a group of steps, e = d̃·(what is left unexplained) and g̃ = A^(−1/2) (W G)ᵀ d̃.

An amplitude that strays by s from step to step makes each step say less the larger it is: with v = 1 + s² d̃ᵀd̃ a step
gives ``(a e − ½ a² d̃ᵀd̃ + ½ s² e²) / v − ½ log v``. What departures explain as well is worked out at each candidate's
likeliest severity alone: the part of the power that it is hardly depends on it.
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
LEAST_LEFT = 1e-6
"""What departures leave of a move's power at least [-]."""
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
        ratio = _ratio(evidence, parts, onsets, kind.unrest)
        lowest = None
        if watched is not None:
            moves = plain if kind.hydraulic else {regime: np.zeros_like(one) for regime, one in plain.items()}
            lowest = _lowest(evidence, moves, amplitude, onsets, watched)
        yield Screened(kind, some, severities, onsets, ratio, lowest)


def _ratio(evidence: Evidence, parts: Sequence[_Part], onsets: NDArray[np.intp], unrest: float) -> Floats:
    """Return (J, C, G) log-likelihood ratios; the first of ``parts`` strays by ``unrest``."""
    unexplained, group = evidence.unexplained(), evidence.group
    alongs = [_along(group, part, unexplained) for part in parts]
    calm = _calm(group, parts[0], alongs[0], unrest)
    gain = np.zeros_like(parts[0].amplitude)
    power = np.zeros_like(gain)
    for place, (part, along) in enumerate(zip(parts, alongs, strict=True)):
        gain += part.amplitude * along * (calm.share if part is parts[0] else 1.0)
        for other in parts[: place + 1]:
            both = np.sum(part.direction * other.direction, axis=1)[group][:, :, None]
            if other is not part:
                both = 2.0 * both
            power += part.amplitude * other.amplitude * both * (calm.share if other is parts[0] else 1.0)
    gain, power, strayed = (_since(one, onsets) for one in (gain, power, calm.told))
    severity = np.argmax((_between(gain, power) + strayed).max(axis=0), axis=1)
    amplitudes = [np.take_along_axis(part.amplitude, severity[None, :, None], axis=2)[:, :, 0] for part in parts]
    amplitudes[0] = amplitudes[0] * np.take_along_axis(calm.share, severity[None, :, None], axis=2)[:, :, 0]
    there = np.take_along_axis(power, severity[None, :, None], axis=2)[:, :, 0]
    explained = _departed(evidence, parts, amplitudes, onsets) + _beside(evidence, parts, amplitudes, onsets)
    left = np.clip(1.0 - explained / np.maximum(there, 1e-12), LEAST_LEFT, 1.0)
    return _between(gain, power * left[:, :, None]) + strayed


@dataclass(frozen=True, slots=True)
class _Calm:
    """What straying takes from a step: ``share`` (T, C, G) of what it would say, ``told``: what it says for that."""

    share: Floats
    told: Floats


def _calm(group: NDArray[np.intp], part: _Part, along: Floats, unrest: float) -> _Calm:
    variance = (unrest * part.amplitude) ** 2
    share = 1.0 / (1.0 + variance * np.sum(part.direction**2, axis=1)[group][:, :, None])
    return _Calm(share, 0.5 * (variance * along**2 * share + np.log(share)))


def _along(group: NDArray[np.intp], part: _Part, white: Floats) -> Floats:
    """Return (T, C or 1, 1) products of a part's directions with whitened values (T, S)."""
    products = np.empty((len(group), part.direction.shape[2], 1))
    for place, direction in enumerate(part.direction):
        products[group == place, :, 0] = white[group == place] @ direction
    return products


def _departed(
    evidence: Evidence, parts: Sequence[_Part], amplitudes: Sequence[Floats], onsets: NDArray[np.intp]
) -> Floats:
    """Return (J, C) the part of a move's power that departures explain as well; ``amplitudes``: (T, C) of the parts."""
    count, rank = amplitudes[0].shape[1], len(evidence.factor)
    explained, moved = np.zeros((len(onsets), count)), np.zeros((rank, count))
    white = solve_triangular(evidence.factor, np.hstack(list(evidence.basis.transpose(0, 2, 1))), lower=True)
    projections = np.split(white, len(evidence.basis), axis=1)
    seen = [[one @ direction for one, direction in zip(projections, part.direction, strict=True)] for part in parts]
    much = [_by_onset_and_group(evidence.group, amplitude, onsets) for amplitude in amplitudes]
    # From the last onset to the first: an earlier one moves all that a later one does, and its own steps.
    for place in range(len(onsets) - 1, -1, -1):
        for directions, sizes in zip(seen, much, strict=True):
            for group, size in sizes[place].items():
                moved += directions[group] * size
        explained[place] = np.einsum("rc,rc->c", moved, moved)
    return explained


def _beside(
    evidence: Evidence, parts: Sequence[_Part], amplitudes: Sequence[Floats], onsets: NDArray[np.intp]
) -> Floats:
    """Return (J, C) the part of a move's power that what stands beside the departures explains as well."""
    columns = evidence.beside.columns
    known = np.zeros((columns.shape[2], len(onsets), amplitudes[0].shape[1]))
    for part, amplitude in zip(parts, amplitudes, strict=True):
        for column, row in enumerate(known):
            row += _since(amplitude * _along(evidence.group, part, columns[:, :, column])[:, :, 0], onsets)
    flat = solve_triangular(evidence.beside.factor, known.reshape(len(known), -1), lower=True)
    return np.asarray(np.sum(flat**2, axis=0).reshape(known.shape[1:]))


def _by_onset_and_group(group: NDArray[np.intp], values: Floats, onsets: NDArray[np.intp]) -> list[dict[int, Floats]]:
    """Return for each onset and group the sums of ``values`` (T, C) over the group's steps up to the next onset."""
    span = np.searchsorted(onsets, np.arange(len(group)), side="right") - 1
    sums: list[dict[int, Floats]] = [{} for _ in onsets]
    for step, value in enumerate(values):
        within, number = sums[span[step]], int(group[step])
        within[number] = within[number] + value if number in within else value
    return sums


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
