"""None of these: something moved the readings that no known fault would move this way."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from hydro.evidence import Evidence
from hydro.observables import HEAD, PRESSURE
from hydro.readings import Floats
from hydro.window import Window

PRESSURE_SCALE = 2.0
"""How far, as a standard deviation [m], an unknown trouble moves a gauge."""
FLOW_SCALE = 0.25
"""The same for a meter, as a fraction of what it usually shows [-]."""


def unexplained_ratio(evidence: Evidence, window: Window, onsets: int = 8) -> float:
    """Return the log-likelihood ratio, against no fault, of an unknown offset at every point since an unknown step.

    The offsets are Gaussian and independent, so they integrate out like the departures do.
    """
    gauge = np.isin(window.observables.kind, [PRESSURE, HEAD])
    usual = np.abs(np.stack([one.value for one in evidence.snapshots])).mean(axis=0)
    scale = np.where(gauge, PRESSURE_SCALE, np.maximum(FLOW_SCALE * usual, 1e-4))
    steps = np.unique(np.linspace(0, window.steps - 1, min(onsets, window.steps)).astype(int))
    ratios = [_ratio(evidence, scale, int(step)) for step in steps]
    return float(logsumexp(ratios) - np.log(len(steps)))


def _ratio(evidence: Evidence, scale: Floats, onset: int) -> float:
    """Return the log-likelihood ratio for offsets (S,) of standard deviation ``scale`` since ``onset``."""
    since = np.arange(len(evidence.group)) >= onset
    columns = evidence.whitener[evidence.group] * scale * since[:, None, None]
    residual = evidence.unexplained()
    # Offsets beside departures: integrate the departures out first (Schur complement of their block).
    shared = np.linalg.solve(evidence.factor, evidence.projected(columns))
    precision = np.eye(len(scale)) + np.tensordot(columns, columns, axes=([0, 1], [0, 1])) - shared.T @ shared
    gain = np.tensordot(columns, residual, axes=([0, 1], [0, 1]))
    sign, log_determinant = np.linalg.slogdet(precision)
    assert sign > 0
    return 0.5 * float(gain @ np.linalg.solve(precision, gain)) - 0.5 * float(log_determinant)
