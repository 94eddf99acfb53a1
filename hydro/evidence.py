"""Evidence: how well a linearised network explains a window, whatever its departures are.

In a step of regime k the S readings differ from the model solved at a working point by ``r = G_k u + μ + e``: u are the
departures as far as these readings can see them (standard normal, the same at every step), μ what a fault adds, e the
noise of instruments and of demand in time, with covariance Σ_k. With Σ = (WᵀW)⁻¹, integrating u out leaves for every μ
a quadratic form that needs W r, W G and the r×r matrix A = I + Σ_t GᵀWᵀW G alone.

What the readings of K regimes can see of P departures is a Gaussian of K·S values; its root gives G. Nothing is cut
off: departures that the readings see only while a fault is there are in the G of the network with that fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from hydro.assets import Assets
from hydro.departures import Departures, Swing, zone_response
from hydro.readings import Floats
from hydro.sight import Sight, look
from hydro.snapshot import Regime, Snapshot
from hydro.window import Window

STRANGE = 3.5
"""A reading this many standard deviations off what the departures allow has no say in where the network is solved."""
DRIFT_S = 6 * 3600.0
"""Time over which a zone's demand drifts [s]."""


@dataclass(frozen=True, slots=True)
class Place:
    """The working point at which snapshots were solved: departures x (P,), zone factors (T, Z) in time."""

    departures: Floats
    zones: Floats


@dataclass(frozen=True, slots=True)
class Beside:
    """K more Gaussian unknowns beside the departures: drift of the zones' demands, knot by knot, and after that how far
    the severities of faults known already may still move.

    ``columns``: (T, S, K) whitened change of the observed values per standard deviation, with the departures projected
    out; ``coupling``: (r, K) by which u gives way to them; ``factor``: (K, K) lower Cholesky factor of their precision;
    ``mean``: (K,) of their posterior, in standard deviations.
    """

    columns: Floats
    coupling: Floats
    factor: Floats
    mean: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What T steps of readings say, with the departures integrated out.

    Steps of one regime in which the same points were read form a group: ``group``: (T,), ``whitener``: (Q, S, S) with
    zero rows and columns where nothing was read, ``basis``: (Q, S, r) whitened. ``residual``: (T, S) whitened;
    ``factor``: (r, r) lower Cholesky factor of A; ``mean``: (r,) posterior mean of u; ``sight``: what u is;
    ``log_likelihood``: of the readings without a fault beyond those in the snapshots; ``beside``: what else was
    integrated out.
    """

    snapshots: tuple[Snapshot, ...]
    place: Place
    group: NDArray[np.intp]
    whitener: Floats
    basis: Floats
    residual: Floats
    factor: Floats
    mean: Floats
    sight: Sight
    log_likelihood: float
    beside: Beside

    @property
    def read(self) -> NDArray[np.bool_]:
        """Return (T, S) where something was read."""
        return np.asarray(np.any(self.whitener != 0.0, axis=2)[self.group])

    def unexplained(self) -> Floats:
        """Return (T, S) whitened residuals left when everything integrated out sits at its posterior mean."""
        left = self.residual - (self.basis @ self.mean)[self.group]
        return np.asarray(left - self.beside.columns @ self.beside.mean)

    def whitened(self, moved: Floats) -> Floats:
        """Return (T, S, …) whitened moves of the observed values (T, S, …)."""
        whitened = np.empty_like(moved)
        for group, whitener in enumerate(self.whitener):
            steps = self.group == group
            whitened[steps] = _each(whitener, moved[steps])
        return whitened

    def projected(self, white: Floats) -> Floats:
        """Return (r, …) what whitened moves (T, S, …) say of u."""
        return np.asarray(np.tensordot(self.basis, self.grouped(white), axes=([0, 1], [0, 1])))

    def grouped(self, values: Floats) -> Floats:
        """Return (Q, …) sums of (T, …) over the steps of each group."""
        within = np.equal.outer(np.arange(len(self.whitener)), self.group).astype(float)
        return np.asarray(np.tensordot(within, values, axes=1))

    def root(self) -> Floats:
        """Return (r, r) B with covariance of u = B Bᵀ."""
        return np.asarray(solve_triangular(self.factor, np.eye(len(self.factor)), lower=True).T)

    def shifted(self, moved: Floats) -> Evidence:
        """Return the evidence were the model's values moved by (T, S), all it responds to as it was."""
        snapshots = tuple(replace(one, value=one.value + by) for one, by in zip(self.snapshots, moved, strict=True))
        residual = self.residual - self.whitened(moved)
        mean = cho_solve((self.factor, True), self.projected(residual))
        told = _together(self.beside.columns, residual)
        beside = replace(self.beside, mean=np.asarray(cho_solve((self.beside.factor, True), told)))
        return replace(self, snapshots=snapshots, residual=residual, mean=mean, beside=beside)

    def with_beside(self, columns: Floats) -> Evidence:
        """Return the evidence with more Gaussian unknowns integrated out, after those that are beside already.

        ``columns``: (T, S, K) how they move the observed values per standard deviation.
        """
        known, white = self.beside, self.whitened(columns)
        shared = self.projected(white)
        coupling = cho_solve((self.factor, True), shared)
        reduced = white - (self.basis @ coupling)[self.group]
        precision = np.eye(white.shape[2]) + _together(white, white) - shared.T @ coupling
        factor = _bordered(known.factor, _together(known.columns, white), precision)
        columns = np.concatenate([known.columns, reduced], axis=2)
        told = _together(columns, self.residual)
        beside = Beside(
            columns=columns,
            coupling=np.hstack([known.coupling, coupling]),
            factor=factor,
            mean=np.asarray(cho_solve((factor, True), told)),
        )
        gained = _gained(beside, self.residual) - _gained(known, self.residual)
        return replace(self, log_likelihood=self.log_likelihood + gained, beside=beside)


def weigh(
    snapshots: Sequence[Snapshot],
    window: Window,
    departures: Departures,
    place: Place,
    assets: Assets,
    swing: Swing,
    temper: float = 1.0,
    before: Sight | None = None,
) -> Evidence:
    """Return the evidence of a window at the snapshots, one for each of its steps.

    ``temper`` (0..1] discounts steps that repeat one another: the variance of the noise is divided by it. ``before``:
    of the same departures, holds for the regimes that it knows.
    """
    sight = look(_regimes(snapshots), window, departures, assets, swing, before)
    by_zone = np.stack([zone_response(one, assets) for one in snapshots])
    residual = _residual(snapshots, window, departures, place, sight, by_zone)
    known = np.isfinite(residual)
    group, whiteners, halves = _whiteners(snapshots, window, known, sight.noise, temper)
    regime_of = _regime_of_groups(snapshots, group)
    basis = np.stack([whitener @ sight.root[regime] for whitener, regime in zip(whiteners, regime_of, strict=True)])
    white = np.matmul(whiteners[group], np.where(known, residual, 0.0)[:, :, None])[:, :, 0]
    factor, mean, told = _integrated(basis, white, group)
    still = Evidence(
        snapshots=tuple(snapshots),
        place=place,
        group=group,
        whitener=whiteners,
        basis=basis,
        residual=white,
        factor=factor,
        mean=mean,
        sight=sight,
        log_likelihood=told + float(halves[group].sum()),
        beside=_nothing(white.shape, basis.shape[2]),
    )
    return still.with_beside(_drift_columns(window, by_zone * swing.drift))


def quadratic(evidence: Evidence, residual: Floats) -> float:
    """Return what whitened residuals (T, S) make of the log-likelihood, all that is unknown integrated out."""
    along = solve_triangular(evidence.factor, evidence.projected(residual), lower=True)
    across = solve_triangular(evidence.beside.factor, _together(evidence.beside.columns, residual), lower=True)
    return -0.5 * float(np.sum(residual**2) - along @ along - across @ across)


def expected(evidence: Evidence) -> float:
    """Return the log-likelihood that the readings would have, were they off by no more than their noise."""
    departed = evidence.mean - evidence.beside.coupling @ evidence.beside.mean
    left = float(np.sum(evidence.unexplained() ** 2) + np.sum(departed**2) + np.sum(evidence.beside.mean**2))
    return evidence.log_likelihood + 0.5 * (left - float(evidence.read.sum()))


def trusting(window: Window, evidence: Evidence) -> Window:
    """Return the window with readings that no departure explains made so doubtful that they pull at nothing.

    A working point is to be found by what is well; a fault must not bend the network it is looked for in.
    """
    deviation = window.deviation.copy()
    for group, whitener in enumerate(evidence.whitener):
        steps, rows = np.flatnonzero(evidence.group == group), np.flatnonzero(np.any(whitener != 0.0, axis=1))
        coloured = np.linalg.inv(whitener[np.ix_(rows, rows)])
        residual = evidence.residual[np.ix_(steps, rows)] @ coloured.T
        spread = np.hstack([coloured, coloured @ evidence.basis[group][rows]])
        strayed = np.abs(residual) / np.sqrt(np.sum(spread**2, axis=1))
        doubtful = np.where(strayed > STRANGE, 10.0 * strayed, 1.0)
        deviation[np.ix_(rows, steps)] *= doubtful.T
    return replace(window, deviation=deviation)


def knots(window: Window) -> Floats:
    """Return (T, M) weights of the knots between which a zone's demand drifts, a quarter circle from each to the next.

    The squares of the weights add up to 1, so that the drift is as wide between knots as on them.
    """
    place = (window.time - window.time[0]) / DRIFT_S
    first = np.floor(place).astype(int)
    angle = (place - first) * np.pi / 2.0
    weights = np.zeros((len(place), int(first[-1]) + 2))
    weights[np.arange(len(place)), first] = np.cos(angle)
    weights[np.arange(len(place)), first + 1] = np.sin(angle)
    return weights


def _drift_columns(window: Window, by_zone: Floats) -> Floats:
    """Return (T, S, M·Z) how each zone's drift at each knot moves the values that ``by_zone`` (T, S, Z) moves."""
    columns = knots(window)[:, None, :, None] * by_zone[:, :, None, :]
    return columns.reshape(*by_zone.shape[:2], -1)


def drift_of(window: Window, assets: Assets, swing: Swing, beside: Floats) -> Floats:
    """Return (T, Z) drift of the zones' log demand factors for unknowns ``beside`` (K,)."""
    weights = knots(window)
    zones = len(assets.zone_names)
    return np.asarray(swing.drift * weights @ beside[: weights.shape[1] * zones].reshape(-1, zones))


def zones_now(evidence: Evidence, window: Window, assets: Assets, swing: Swing) -> Floats:
    """Return (T, Z) the most likely zone factors in time, given the evidence's departures."""
    return drift_of(window, assets, swing, evidence.beside.mean) + zones_beyond(evidence, window, assets, swing)


def zones_beyond(evidence: Evidence, window: Window, assets: Assets, swing: Swing) -> Floats:
    """Return (T, Z) the most likely zone factors from step to step, beyond their drift."""
    left = evidence.unexplained()
    zones = []
    for step, snapshot in enumerate(evidence.snapshots):
        response = evidence.whitener[evidence.group[step]] @ zone_response(snapshot, assets)
        # Σ already holds the zones' variance, so this is its posterior mean, not a least-squares fit.
        zones.append(swing.zone**2 / window.weight[step] * (response.T @ left[step]))
    return np.stack(zones)


def nodes_beyond(evidence: Evidence, window: Window, swing: Swing, step: int) -> Floats:
    """Return (N,) the most likely log factor of each node's demand in one step, beyond what its zone draws."""
    snapshot = evidence.snapshots[step]
    left = evidence.whitener[evidence.group[step]].T @ evidence.unexplained()[step]
    # Σ holds the nodes' variance, as it does the zones'.
    scale = swing.node**2 / window.weight[step]
    return np.asarray(scale * (snapshot.demand.scaled(snapshot.conditions.demand).T @ left))


def lifted(departures: Departures, evidence: Evidence, seen_as: Floats) -> Floats:
    """Return (P, …) the likeliest departures x, less their mean, that are seen as u = ``seen_as`` (r, …)."""
    sight = evidence.sight
    parts = (one.T @ (axes @ seen_as) for one, axes in zip(sight.seen.values(), sight.axes, strict=True))
    return departures.spread(sum(parts, np.zeros((len(departures.mean), *seen_as.shape[1:]))))


def seen_of(evidence: Evidence, moved: Floats) -> Floats:
    """Return (r, …) the u as which departures ``moved`` (P, …) from their mean are seen."""
    sight = evidence.sight
    parts = (axes.T @ (one @ moved) for one, axes in zip(sight.seen.values(), sight.axes, strict=True))
    return np.asarray(sum(parts, np.zeros((sight.axes.shape[2], *moved.shape[1:]))))


def likely_departures(departures: Departures, evidence: Evidence) -> Floats:
    """Return (P,) the departures x that the evidence makes likeliest."""
    seen_as = evidence.mean - evidence.beside.coupling @ evidence.beside.mean
    return np.asarray(departures.mean + lifted(departures, evidence, seen_as))


def _nothing(shape: tuple[int, ...], rank: int) -> Beside:
    nothing = np.zeros((*shape, 0))
    return Beside(nothing, np.zeros((rank, 0)), np.zeros((0, 0)), np.zeros(0))


def _each(matrix: Floats, values: Floats) -> Floats:
    """Return (T, i, …) a matrix (i, j) times each of (T, j, …)."""
    return np.asarray(values @ matrix.T if values.ndim == 2 else matrix @ values)


def _together(one: Floats, other: Floats) -> Floats:
    """Return (K, …) products of (T, S, K) with (T, S, …), summed over steps and points."""
    return np.asarray(np.tensordot(one, other, axes=([0, 1], [0, 1])))


def _bordered(factor: Floats, border: Floats, corner: Floats) -> Floats:
    """Return the lower Cholesky factor of a matrix with ``border`` (K, k) and ``corner`` (k, k) beside its first K."""
    across = solve_triangular(factor, border, lower=True)
    known, added = border.shape
    whole = np.zeros((known + added, known + added))
    whole[:known, :known] = factor
    whole[known:, :known] = across.T
    whole[known:, known:] = np.linalg.cholesky(corner - across.T @ across)
    return whole


def _gained(beside: Beside, residual: Floats) -> float:
    """Return by how much the log-likelihood is higher for what was integrated out beside the departures."""
    scaled = solve_triangular(beside.factor, _together(beside.columns, residual), lower=True)
    return 0.5 * float(scaled @ scaled) - float(np.log(np.diag(beside.factor)).sum())


def _integrated(basis: Floats, white: Floats, group: NDArray[np.intp]) -> tuple[Floats, Floats, float]:
    """Return the factor of A, the mean of u, and the log-likelihood but for the size of the noise."""
    count = np.bincount(group, minlength=len(basis)).astype(float)
    summed = np.zeros((len(basis), white.shape[1]))
    np.add.at(summed, group, white)
    stacked = (basis * np.sqrt(count)[:, None, None]).reshape(-1, basis.shape[2])
    factor = np.linalg.cholesky(np.eye(basis.shape[2]) + stacked.T @ stacked)
    scaled = solve_triangular(factor, np.tensordot(basis, summed, axes=([0, 1], [0, 1])), lower=True)
    mean = solve_triangular(factor.T, scaled, lower=False)
    quadratic = -0.5 * (float(np.sum(white**2)) - float(scaled @ scaled))
    return np.asarray(factor), np.asarray(mean), quadratic - float(np.log(np.diag(factor)).sum())


def _regimes(snapshots: Sequence[Snapshot]) -> list[Regime]:
    """Return the regimes in the order in which they appear."""
    return list(dict.fromkeys(one.regime for one in snapshots))


def _residual(
    snapshots: Sequence[Snapshot],
    window: Window,
    departures: Departures,
    place: Place,
    sight: Sight,
    by_zone: Floats,
) -> Floats:
    """Return (T, S) readings less the model at the departures' mean, NaN where nothing was read."""
    datum = departures.split(departures.theta(place.departures))[4]
    moved = {regime: one @ (departures.mean - place.departures) for regime, one in sight.seen.items()}
    return np.stack(
        [
            window.value[:, step] - one.value - datum - moved[one.regime] + by_zone[step] @ place.zones[step]
            for step, one in enumerate(snapshots)
        ]
    )


def _whiteners(
    snapshots: Sequence[Snapshot],
    window: Window,
    known: NDArray[np.bool_],
    noise: Mapping[Regime, Floats],
    temper: float,
) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Return (T,) groups, (Q, S, S) whiteners and (Q,) logs of their determinants."""
    variance = np.where(known, window.deviation.T**2, 1.0)
    # A meter's noise follows its value: within a factor of two readings of one regime share their mean.
    size = np.where(known, np.round(0.5 * np.log2(variance)), 99.0)
    size = np.column_stack([size, window.weight])
    members: dict[tuple[Regime, bytes], list[int]] = {}
    alike: dict[tuple[int, bytes], list[int]] = {}
    for step, one in enumerate(snapshots):
        members.setdefault((one.regime, size[step].tobytes()), []).append(step)
        alike.setdefault((one.regime.number, size[step].tobytes()), []).append(step)
    group = np.empty(len(snapshots), dtype=np.intp)
    whiteners, halves = [], []
    for place, ((regime, sized), steps) in enumerate(members.items()):
        group[steps] = place
        # The mean is that of the regime without a fault: no fault is to gain by how it divides the steps.
        spread = np.diag(variance[alike[regime.number, sized]].mean(axis=0))
        # What demand does from step to step is less in the mean of several.
        covariance = noise[regime] / window.weight[steps[0]] + spread
        whitener, half = _whitener(covariance / temper, known[steps[0]])
        whiteners.append(whitener)
        halves.append(half)
    return group, np.stack(whiteners), np.array(halves)


def _regime_of_groups(snapshots: Sequence[Snapshot], group: NDArray[np.intp]) -> list[Regime]:
    regime_of = {int(place): one.regime for place, one in zip(group, snapshots, strict=True)}
    return [regime_of[place] for place in range(len(regime_of))]


def _whitener(covariance: Floats, known: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[Floats, float]:
    """Return W with WᵀW the inverse of the known part (zero elsewhere) and the log of its determinant."""
    whitener = np.zeros_like(covariance)
    rows = np.flatnonzero(known)
    if len(rows) == 0:
        return whitener, 0.0
    # Flows and heads differ by orders of magnitude: factorise the correlations, not the covariances.
    size = np.sqrt(np.diag(covariance)[rows])
    correlation = covariance[np.ix_(rows, rows)] / np.outer(size, size)
    lower = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(rows)))
    inverse = solve_triangular(lower, np.diag(1.0 / size), lower=True)
    whitener[np.ix_(rows, rows)] = inverse
    return whitener, float(np.log(np.diag(inverse)).sum())
