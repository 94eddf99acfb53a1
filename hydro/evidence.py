"""Evidence: how well a linearised network explains a window, whatever its departures are.

At step t the S readings differ from the model solved at a working point by ``r = G u + μ + e``: u are the departures
(standard normal, the same at every step), μ what a fault adds, e the noise of instruments and of demand in time, with
covariance Σ. With Σ = (WᵀW)⁻¹, integrating u out leaves for every μ a quadratic form that needs W r, W G and the
r×r matrix A = I + Σ_t GᵀWᵀW G alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from hydro.assets import Assets
from hydro.departures import Departures, Uncertainty, sensitivity, zone_response
from hydro.readings import Floats
from hydro.snapshot import Snapshot
from hydro.window import Window

STRANGE = 3.5
"""A reading this many standard deviations off what the departures allow has no say in where the network is solved."""


@dataclass(frozen=True, slots=True)
class Place:
    """The working point at which snapshots were solved: departures (r,) in their basis, zone factors (T, Z) in time."""

    departures: Floats
    zones: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What T steps of readings say, with the departures integrated out.

    ``whitener``: (T, S, S) with zero rows and columns where nothing was read; ``residual``: (T, S) whitened;
    ``basis``: (T, S, r) whitened; ``factor``: (r, r) lower Cholesky factor of A; ``mean``: (r,) posterior mean of u;
    ``log_likelihood``: of the readings without a fault beyond those in the snapshots.
    """

    snapshots: tuple[Snapshot, ...]
    place: Place
    whitener: Floats
    residual: Floats
    basis: Floats
    factor: Floats
    mean: Floats
    log_likelihood: float

    def unexplained(self) -> Floats:
        """Return (T, S) whitened residuals left when the departures sit at their posterior mean."""
        return np.asarray(self.residual - self.basis @ self.mean)

    def root(self) -> Floats:
        """Return (r, r) B with covariance of u = B Bᵀ."""
        return np.asarray(solve_triangular(self.factor, np.eye(len(self.factor)), lower=True).T)


def weigh(
    snapshots: Sequence[Snapshot],
    window: Window,
    departures: Departures,
    place: Place,
    assets: Assets,
    spread: Uncertainty,
    temper: float = 1.0,
) -> Evidence:
    """Return the evidence of a window at the snapshots, one for each of its steps.

    ``temper`` (0..1] discounts steps that repeat one another: the variance of the noise is divided by it.
    """
    rank = departures.rank
    precision = np.eye(rank)
    projected = np.zeros(rank)
    whiteners, residuals, bases = [], [], []
    log_determinant, total = 0.0, 0.0
    for step, snapshot in enumerate(snapshots):
        residual, basis, covariance = _linear(snapshot, window, step, departures, place, assets, spread)
        known = np.isfinite(residual)
        whitener, half = _whitener(covariance / temper, known)
        residual = whitener @ np.where(known, residual, 0.0)
        basis = whitener @ basis
        precision += basis.T @ basis
        projected += basis.T @ residual
        log_determinant += half
        total += float(residual @ residual)
        whiteners.append(whitener)
        residuals.append(residual)
        bases.append(basis)
    factor = np.linalg.cholesky(precision)
    scaled = solve_triangular(factor, projected, lower=True)
    mean = solve_triangular(factor.T, scaled, lower=False)
    log_likelihood = -0.5 * (total - float(scaled @ scaled)) - float(np.log(np.diag(factor)).sum()) + log_determinant
    return Evidence(
        snapshots=tuple(snapshots),
        place=place,
        whitener=np.stack(whiteners),
        residual=np.stack(residuals),
        basis=np.stack(bases),
        factor=np.asarray(factor, dtype=np.float64),
        mean=np.asarray(mean),
        log_likelihood=log_likelihood,
    )


def trusting(window: Window, evidence: Evidence, departures: Departures, assets: Assets, spread: Uncertainty) -> Window:
    """Return the window with readings that no departure explains made so doubtful that they pull at nothing.

    A working point is to be found by what is well; a fault must not bend the network it is looked for in.
    """
    deviation = window.deviation.copy()
    for step, snapshot in enumerate(evidence.snapshots):
        residual, basis, covariance = _linear(snapshot, window, step, departures, evidence.place, assets, spread)
        expected = np.sqrt(np.diag(covariance) + np.sum(basis**2, axis=1))
        strange = np.abs(np.nan_to_num(residual)) > STRANGE * expected
        deviation[strange, step] = np.maximum(deviation[strange, step], np.abs(residual[strange]) * 10.0)
    return replace(window, deviation=deviation)


def zones_now(evidence: Evidence, assets: Assets, spread: Uncertainty) -> Floats:
    """Return (T, Z) the most likely zone factors in time, given the evidence's departures."""
    left = evidence.unexplained()
    zones = []
    for step, snapshot in enumerate(evidence.snapshots):
        response = evidence.whitener[step] @ zone_response(snapshot, assets)
        # Σ already holds the zones' variance, so this is its posterior mean, not a least-squares fit.
        zones.append(spread.zone_noise_cv**2 * (response.T @ left[step]))
    return np.stack(zones)


def _linear(
    snapshot: Snapshot,
    window: Window,
    step: int,
    departures: Departures,
    place: Place,
    assets: Assets,
    spread: Uncertainty,
) -> tuple[Floats, Floats, Floats]:
    """Return residual (S,), basis (S, r) per unit of u, and noise covariance (S, S) of one step."""
    response = sensitivity(snapshot, assets) * departures.deviation
    seen = response @ departures.basis
    datum = departures.split(departures.theta(place.departures))[4]
    residual = window.value[:, step] - snapshot.value - datum - seen @ (departures.mean - place.departures)
    by_zone = zone_response(snapshot, assets)
    residual = residual + by_zone @ place.zones[step]
    unseen = response - seen @ departures.basis.T
    by_node = snapshot.demand * snapshot.conditions.demand * spread.demand_noise_cv
    by_node = by_node / np.sqrt(np.maximum(assets.customers, 1))
    covariance = (
        np.diag(window.deviation[:, step] ** 2)
        + by_node @ by_node.T
        + spread.zone_noise_cv**2 * by_zone @ by_zone.T
        + unseen @ unseen.T
    )
    return residual, seen @ departures.root, covariance


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
