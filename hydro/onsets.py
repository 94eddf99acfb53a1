"""Onsets: what the readings say of a fault that begins at each step of a window, all of them at once.

What a fault explains is a sum over the steps before it begins and those since, so that sums along the window judge all
onsets together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from hydro.evidence import Evidence, quadratic
from hydro.readings import Floats


@dataclass(frozen=True, slots=True)
class ByOnset:
    """A fault that begins at each of T steps: (T,) log-likelihoods; (T, r) and (T, K) means of what is integrated out.

    ``departures``: of u with all that is beside at rest; ``beside``: in standard deviations.
    """

    log_likelihood: Floats
    departures: Floats
    beside: Floats


class Onsets:
    """Judges a fault by the step in which it begins; ``off``: (T, S) moves of the observed values without it."""

    def __init__(self, base: Evidence, off: Floats) -> None:
        self._base = base
        self._before = [np.cumsum(one, axis=0) - one for one in _say(base, off, np.zeros_like(off))]
        self._now = quadratic(base, base.residual)

    def judge(self, on: Floats, strayed: Floats) -> ByOnset:
        """Return what the fault explains that moves the observed values by ``on`` (T, S).

        ``strayed``: (T, S) a standard deviation of what moves them from step to step beyond that.
        """
        base = self._base
        since = [np.cumsum(one[::-1], axis=0)[::-1] for one in _say(base, on, strayed)]
        total, projected, told = (before + after for before, after in zip(self._before, since, strict=True))
        along = solve_triangular(base.factor, projected.T, lower=True)
        across = solve_triangular(base.beside.factor, told.T, lower=True)
        explained = -0.5 * (total - np.sum(along**2, axis=0) - np.sum(across**2, axis=0))
        return ByOnset(
            log_likelihood=base.log_likelihood + explained - self._now,
            departures=solve_triangular(base.factor.T, along, lower=False).T,
            beside=solve_triangular(base.beside.factor.T, across, lower=False).T,
        )


def _say(base: Evidence, moved: Floats, strayed: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what each step says where the observed values move by (T, S): (T,) square, (T, r) of u, (T, K) beside."""
    white = base.residual - base.whitened(moved)
    along = base.whitened(strayed)
    size = 1.0 + np.sum(along**2, axis=1)
    told = white - along * (np.sum(along * white, axis=1) / size)[:, None]
    squares = np.sum(told * white, axis=1) + np.log(size)
    projected = np.empty((len(white), base.basis.shape[2]))
    for group, basis in enumerate(base.basis):
        steps = base.group == group
        projected[steps] = told[steps] @ basis
    return squares, projected, np.matmul(told[:, None, :], base.beside.columns)[:, 0, :]
