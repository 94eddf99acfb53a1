"""Sight: what the readings can see of the departures, regime by regime, and how they stir by themselves.

What the readings of K regimes can see of P departures is a Gaussian of K·S values; its root turns them into as many
unknowns u as there is something to see, standard normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf
from scipy.sparse import csr_array, diags_array, vstack

from hydro.assets import Assets
from hydro.departures import Departures, Swing, sensitivity, zone_response
from hydro.readings import Floats
from hydro.slopes import gram, without_faint
from hydro.snapshot import Regime
from hydro.window import Window

NEVER = 1e3
"""Deviation that stands for a point nobody read [SI]."""
FAINT = 1e-3
"""A direction whose spread is this part of the noise or less is not worth a column [-]."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the readings of K regimes can see of the departures, and how they stir by themselves.

    By regime: ``seen`` (S, P) the change of each observed value per unit of x, ``noise`` (S, S) the covariance of what
    demand does in time, ``root`` (S, r) the observed values per unit of u; ``axes``: (K, S, r), with which u follows
    from what the readings see of x.
    """

    seen: Mapping[Regime, csr_array]
    noise: Mapping[Regime, Floats]
    root: Mapping[Regime, Floats]
    axes: Floats


def look(
    regimes: Sequence[Regime],
    window: Window,
    departures: Departures,
    assets: Assets,
    swing: Swing,
    before: Sight | None,
) -> Sight:
    """Return what the readings of some regimes can see; what was seen ``before`` is not looked for again."""
    if before is not None and list(before.seen) == list(regimes):
        return before
    seen, noise = dict[Regime, csr_array](), dict[Regime, Floats]()
    for one in regimes:
        if before is not None and one in before.seen:
            seen[one], noise[one] = before.seen[one], before.noise[one]
        else:
            seen[one] = csr_array(sensitivity(one, assets) @ diags_array(departures.deviation))
            noise[one] = _noise(one, assets, swing, window)
    axes, root = _roots(departures, seen, noise, window)
    return Sight(seen, noise, root, axes)


def _noise(regime: Regime, assets: Assets, swing: Swing, window: Window) -> Floats:
    """Return (S, S) covariance of what demand does in time, and of the noise in the levels that drive the model."""
    by_node = regime.demand.scaled(regime.conditions.demand * swing.node)
    by_zone = zone_response(regime, assets) * swing.zone
    by_level = regime.source.scaled(window.head_deviation)
    return np.asarray(gram(by_node) + by_zone @ by_zone.T + gram(by_level))


def _roots(
    departures: Departures, seen: Mapping[Regime, csr_array], noise: Mapping[Regime, Floats], window: Window
) -> tuple[Floats, dict[Regime, Floats]]:
    """Return axes (K, S, r) and for each regime (S, r) the observed values per unit of u.

    A Cholesky factor with pivots: u are the values that say most, each less what those before it say already.
    """
    size = len(window.points)
    read = np.isfinite(window.value)
    usual = np.sqrt(np.where(read, window.deviation**2, 0.0).sum(axis=1) / np.maximum(read.sum(axis=1), 1))
    usual = np.where(read.any(axis=1), usual, NEVER)
    weight = 1.0 / np.sqrt(np.concatenate([np.diag(one) + usual**2 for one in noise.values()]))
    every = csr_array(diags_array(weight) @ vstack(list(seen.values()), format="csr"))
    # All that is left out of a row together is much fainter than a direction that is not worth a column.
    shared = departures.shared(without_faint(every, 0.1 * FAINT / np.sqrt(every.shape[1])))
    lower, pivots, rank, _ = dpstrf(shared, tol=FAINT**2, lower=1)
    order = pivots - 1
    lower = np.tril(lower)[:, :rank]
    root, turned = np.empty_like(lower), np.zeros_like(lower)
    root[order] = lower
    turned[order[:rank]] = solve_triangular(lower[:rank], np.eye(rank), lower=True).T
    root, turned = root / weight[:, None], turned * weight[:, None]
    by_regime = {regime: root[size * place : size * (place + 1)] for place, regime in enumerate(seen)}
    return turned.reshape(len(seen), size, -1), by_regime
