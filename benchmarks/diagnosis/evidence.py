"""The oracle's likelihood: readings given heads that EPANET solved, what is unknown as the generator draws it.

Unknown are the demands, by a factor a cell (persistent: zone and nodes together) and by noise a cell and hour, and the
levels of tanks, by their gauges' noise. All are integrated out around whatever state the readings are linearised at.
Axes: H hours, S signals, M unknowns (cells, then tanks), K onsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.diagnosis.elements import Floats

LN_SEVERITY_SPREAD = 1.0
"""How far the severity may be from where the readings are linearised, as a factor's logarithm."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of the unknowns: (M, M) covariance of what persists, (M,) variance of an hour's noise."""

    persistent: Floats
    hourly: Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """(K,) log-likelihoods of the onsets, and the step in ln severity that each would like best."""

    log_likelihood: Floats
    step: Floats


def onsets(hours: int, readings: int) -> Floats:
    """Return (K, H) the share of each hour's readings that an onset spoils: after each reading of each hour."""
    first = np.arange(hours * readings)
    since = first[:, np.newaxis] <= np.arange(hours * readings)[np.newaxis, :]
    return np.asarray(since.reshape(len(first), hours, readings).mean(axis=2))


@dataclass(frozen=True)
class Spread:
    """How far readings stray around a state: ``slope`` (H, S, M) per unit of an unknown, ``noise`` (H, S)."""

    slope: Floats
    noise: Floats
    prior: Prior

    @cached_property
    def _whitener(self) -> Floats:
        """(H, S, S): what makes an hour's noise, gauges' and demands', of unit variance."""
        slope = self.slope
        covariance = np.einsum("hsm,m,hrm->hsr", slope, self.prior.hourly, slope)
        covariance[:, np.arange(slope.shape[1]), np.arange(slope.shape[1])] += self.noise**2
        return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))

    @cached_property
    def _white_slope(self) -> Floats:
        return np.asarray(self._whitener @ self.slope)

    @cached_property
    def _gain(self) -> tuple[Floats, float]:
        """(M, M) posterior covariance of what persists, and the log determinant of all that strays."""
        precision = np.linalg.inv(self.prior.persistent)
        precision += np.einsum("hsm,hsn->mn", self._white_slope, self._white_slope)
        diagonal = np.diagonal(self._whitener, axis1=1, axis2=2)
        logdet = -2.0 * float(np.log(diagonal).sum())
        logdet += float(np.linalg.slogdet(precision)[1] + np.linalg.slogdet(self.prior.persistent)[1])
        return np.asarray(np.linalg.inv(precision)), logdet

    def fit(self, before: Floats, after: Floats, bend: Floats, share: Floats) -> Fit:
        """Hold residuals without and with the fault (H, S) against the readings, for onsets ``share`` (K, H).

        ``bend``: (H, S) what the signals change by per ln severity; the severity is integrated out along it.
        """
        gain, logdet = self._gain
        early, turn, bent = (self._white(one) for one in (before, after - before, bend))
        pull_early, pull_turn, pull_bent = (self._pull(one) for one in (early, turn, bent))
        pull = pull_early.sum(axis=0) + share @ pull_turn
        bow = share @ pull_bent
        square = _dot(early, early).sum() + 2.0 * share @ _dot(early, turn) + share**2 @ _dot(turn, turn)
        along = share @ _dot(early, bent) + share**2 @ _dot(turn, bent) - np.einsum("km,mn,kn->k", bow, gain, pull)
        stiff = share**2 @ _dot(bent, bent) - np.einsum("km,mn,kn->k", bow, gain, bow)
        stiff = np.maximum(stiff, 0.0) + 1.0 / LN_SEVERITY_SPREAD**2
        misfit = square - np.einsum("km,mn,kn->k", pull, gain, pull) - along**2 / stiff
        widths = np.log(stiff * LN_SEVERITY_SPREAD**2)
        return Fit(np.asarray(-0.5 * (misfit + logdet + widths)), np.asarray(along / stiff))

    def unknowns(self, residual: Floats) -> Floats:
        """Return (H, M) the likeliest values of the unknowns in each hour, given residuals (H, S)."""
        gain, _ = self._gain
        white = self._white(residual)
        persistent = gain @ self._pull(white).sum(axis=0)
        rest = white - self._white_slope @ persistent
        return np.asarray(persistent + self.prior.hourly * self._pull(rest))

    def _white(self, residual: Floats) -> Floats:
        return np.asarray(np.einsum("hsr,hr->hs", self._whitener, residual))

    def _pull(self, white: Floats) -> Floats:
        return np.asarray(np.einsum("hsm,hs->hm", self._white_slope, white))


def _dot(one: Floats, other: Floats) -> Floats:
    return np.asarray((one * other).sum(axis=1))
