"""Gauges that stray: they stand off, drift, are stuck, count in another unit, or were swapped with another one.

Since its onset a spoilt gauge reads ``offset + slope · time + (1 + gain) · value``. All three are integrated out, so
that a gauge which drifts is not mistaken for one that stands off, with something in the network beside it. A gauge that
is stuck, or counts in another unit, does not follow what customers draw as its neighbours do: it may also have a noise
of its own, and say nothing of the network. A meter's fault is an offset alone: whatever else it did would show in the
balance of flows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from hydro.evidence import Evidence
from hydro.hypothesis import Fault
from hydro.observables import HEAD, PRESSURE
from hydro.onsets import Onsets
from hydro.readings import Floats
from hydro.window import Window

OFFSET, SLOPE, GAIN = 10.0, 5.0, 1.0
"""How far a spoilt gauge stands off [m], drifts in half a day [m], and its gain [-], at one standard deviation."""
WAYS, HALF_A_DAY_S = 3, 43200.0
OWN_NOISE = np.append(0.0, np.geomspace(0.1, 30.0, 6))
"""What the noise of a gauge that says nothing of the network has beyond the usual one: standard deviations [m]."""
UNTRUE = 1e3
"""Deviation of a reading that says nothing [m]."""


@dataclass(frozen=True, slots=True)
class Strayed:
    """A gauge's fault at its likeliest onset: its log-likelihood there, and the log width of all onsets beside it."""

    fault: Fault
    peak: float
    log_width: float


def is_gauge(window: Window, fault: Fault) -> bool:
    """Return whether a fault is one of a gauge."""
    return not fault.kind.hydraulic and bool(window.observables.kind[fault.candidate.indices[0]] in (PRESSURE, HEAD))


def likeliest(window: Window, evidence: Evidence, fault: Fault) -> Strayed:
    """Return the fault of a gauge at the onset that explains most, in whatever ways it strays."""
    row = fault.candidate.indices[0]
    told, offsets = straying_by_onset(window, evidence, row)
    told = np.maximum(told, deaf_by_onset(evidence, row) + own_by_onset(window, evidence, row))
    onset = int(np.argmax(told))
    width = float(logsumexp(told - told[onset]) - np.log(len(told)))
    return Strayed(replace(fault, severity=float(offsets[onset]), onset=onset), float(told[onset]), width)


def straying_by_onset(window: Window, evidence: Evidence, row: int) -> tuple[Floats, Floats]:
    """Return (T,) log-likelihoods of a gauge that strays from each step on, and (T,) how far it stands off then [m].

    What ``straying`` says of each: its ways are sums over the steps since the onset of what a step knows of the gauge.
    """
    group, beside = evidence.group, evidence.beside
    white = evidence.whitener[:, :, row]
    along = solve_triangular(evidence.factor, np.einsum("qsr,qs->rq", evidence.basis, white), lower=True).T[group]
    known = np.matmul(white[group][:, None, :], beside.columns)[:, 0, :]
    across = solve_triangular(beside.factor, known.T, lower=True).T
    told = np.sum(white[group] * (evidence.residual - (evidence.basis @ evidence.mean)[group]), axis=1)
    told -= known @ beside.mean
    # The ways since the window's first step; those since another are the same, but for where the slope begins.
    value = np.array([one.value[row] for one in evidence.snapshots])
    ways = _columns(window.time, value, 0)
    square = _since(np.sum(white**2, axis=1)[group][:, None, None] * ways[:, :, None] * ways[:, None, :])
    seen, stood = (_since(one[:, :, None] * ways[:, None, :]) for one in (along, across))
    taken = sum(np.matmul(one.transpose(0, 2, 1), one) for one in (seen, stood))
    begun = _begun(ways)
    precision = np.eye(WAYS) + _turned(begun, square - taken)
    gain = np.matmul(begun.transpose(0, 2, 1), _since(told[:, None] * ways)[:, :, None])
    mean = np.linalg.solve(precision, gain)
    gained = 0.5 * np.sum(gain * mean, axis=(1, 2)) - 0.5 * np.linalg.slogdet(precision)[1]
    return np.asarray(evidence.log_likelihood + gained), np.asarray(OFFSET * mean[:, 0, 0])


def own_by_onset(window: Window, evidence: Evidence, row: int) -> Floats:
    """Return (T,) log-densities of what a gauge reads from each step on, when that says nothing of the network.

    It is never less noisy than one that does: a network in which less stirs than is believed makes no gauge a bad one.
    Beside that the gauge's readings are taken to be ``UNTRUE``: what that costs is given back.
    """
    value = np.array([one.value[row] for one in evidence.snapshots])
    read = np.isfinite(window.value[row])
    usual = np.array([_noise(whitener, row) for whitener in evidence.whitener])[evidence.group]
    off = np.where(read, window.value[row] - value, 0.0)
    ways = np.where(read[:, None], _columns(window.time, value, 0), 0.0)
    begun = _begun(ways)
    told = []
    for noise in OWN_NOISE:
        spread = np.where(read, np.hypot(usual, noise), 1.0)
        white, columns = off / spread, ways / spread[:, None]
        precision = np.eye(WAYS) + _turned(begun, _since(columns[:, :, None] * columns[:, None, :]))
        along = np.matmul(begun.transpose(0, 2, 1), _since(columns * white[:, None])[:, :, None])
        square = _since(white**2) - np.sum(along * np.linalg.solve(precision, along), axis=(1, 2))
        told.append(-0.5 * (square + np.linalg.slogdet(precision)[1]) - _since(np.log(spread)))
    density = logsumexp(told, axis=0) - np.log(len(told))
    return np.asarray(density + _since(read.astype(float)) * np.log(UNTRUE))


def _begun(ways: Floats) -> Floats:
    """Return (T, 3, 3) by which the ways since each step follow from those since the first: the slope begins later."""
    begun = np.tile(np.eye(WAYS), (len(ways), 1, 1))
    begun[:, 0, 1] = -ways[:, 1] / OFFSET
    return begun


def _turned(begun: Floats, square: Floats) -> Floats:
    return np.asarray(begun.transpose(0, 2, 1) @ square @ begun)


def _noise(whitener: Floats, row: int) -> float:
    """Return the standard deviation of one point's noise, all others unknown; 0 where it was not read."""
    rows = np.flatnonzero(np.any(whitener != 0.0, axis=1))
    if row not in rows:
        return 0.0
    coloured = solve_triangular(whitener[np.ix_(rows, rows)], np.eye(len(rows)), lower=True)
    return float(np.linalg.norm(coloured[np.flatnonzero(rows == row)[0]]))


def deaf_by_onset(evidence: Evidence, row: int) -> Floats:
    """Return (T,) log-likelihoods with one point's readings ``UNTRUE`` from each step on."""
    nothing = np.zeros_like(evidence.residual)
    untrue = nothing.copy()
    untrue[:, row] = UNTRUE
    return Onsets(evidence, nothing).judge(nothing, untrue).log_likelihood


def _since(values: Floats) -> Floats:
    """Return (T, …) sums of (T, …) over each step and all after it."""
    return np.asarray(values[::-1].cumsum(axis=0)[::-1])


def straying(window: Window, evidence: Evidence, fault: Fault) -> Evidence:
    """Return the evidence with all ways in which a gauge strays integrated out."""
    row = fault.candidate.indices[0]
    value = np.array([one.value[row] for one in evidence.snapshots])
    columns = np.zeros((*evidence.residual.shape, WAYS))
    columns[:, row, :] = _columns(window.time, value, fault.onset)
    return evidence.with_beside(columns)


def _columns(time: Floats, value: Floats, onset: int) -> Floats:
    """Return (T, 3) what a gauge strays per standard deviation of each way, with ``value`` (T,) there [m]."""
    since = time - time[onset]
    ways = np.column_stack([np.full_like(since, OFFSET), SLOPE * since / HALF_A_DAY_S, GAIN * value])
    return np.where(since[:, None] >= 0.0, ways, 0.0)
