"""Screening: every fault, severity and onset at once, in the linear model.

For a candidate with direction d_t (S,) and amplitude a_t, the log-likelihood ratio against no fault, with the
departures integrated out, is ``Σ a e − ½ (Σ a² d̃ᵀd̃ − |Σ a g̃|²)`` over the steps since the onset, where d̃ = W d,
e = d̃·(what the departures leave unexplained) and g̃ = A^(−1/2) (W G)ᵀ d̃.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from hydro.evidence import Evidence
from hydro.faults import Candidate, FaultKind
from hydro.readings import Floats


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


def screen(
    evidence: Evidence, kind: FaultKind, candidates: list[Candidate], severities: Floats, onsets: NDArray[np.intp]
) -> Screened:
    """Return the log-likelihood ratios of all candidates of a kind."""
    count, grid = len(candidates), len(severities)
    gain, power = np.zeros((count, grid)), np.zeros((count, grid))
    shared = np.zeros((evidence.basis.shape[2], count, grid))
    ratio = np.empty((len(onsets), count, grid))
    unexplained = evidence.unexplained()
    wanted = {int(step): place for place, step in enumerate(onsets)}
    for step in range(len(evidence.snapshots) - 1, -1, -1):
        snapshot = evidence.snapshots[step]
        direction = evidence.whitener[step] @ kind.directions(snapshot, candidates)
        amplitude = kind.amplitudes(snapshot, candidates, severities)
        along = solve_triangular(evidence.factor, evidence.basis[step].T @ direction, lower=True)
        gain += amplitude * (direction.T @ unexplained[step])[:, None]
        power += amplitude**2 * np.sum(direction**2, axis=0)[:, None]
        shared += along[:, :, None] * amplitude[None, :, :]
        if step in wanted:
            ratio[wanted[step]] = gain - 0.5 * (power - np.sum(shared**2, axis=0))
    return Screened(kind, candidates, severities, onsets, ratio)
