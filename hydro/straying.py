"""Gauges that stray: they stand off, drift, are stuck, count in another unit, or were swapped with another one.

Since its onset a spoilt gauge reads ``offset + slope · time + (1 + gain) · value``. All three are integrated out, so
that a gauge which drifts is not mistaken for one that stands off, with something in the network beside it. A meter's
fault is an offset alone: whatever else it did would show in the balance of flows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from hydro.evidence import Evidence
from hydro.hypothesis import Fault
from hydro.observables import HEAD, PRESSURE
from hydro.readings import Floats
from hydro.window import Window

OFFSET, SLOPE, GAIN = 10.0, 5.0, 1.0
"""How far a spoilt gauge stands off [m], drifts in half a day [m], and its gain [-], at one standard deviation."""
WAYS, HALF_A_DAY_S = 3, 43200.0


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
    tried = [straying(window, evidence, replace(fault, onset=step)) for step in range(window.steps)]
    told = np.array([one.log_likelihood for one in tried])
    onset = int(np.argmax(told))
    offset = OFFSET * float(tried[onset].beside.mean[-WAYS])
    width = float(logsumexp(told - told[onset]) - np.log(len(told)))
    return Strayed(replace(fault, severity=offset, onset=onset), float(told[onset]), width)


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
