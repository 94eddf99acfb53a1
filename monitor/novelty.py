"""Novelty: whether the last hours say anything that the model, its baseline and its noise do not."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from hydro.evidence import Evidence

SPANS = (2, 4, 8, 16)
"""Numbers of latest steps looked at together: a burst shows at once, a slow growth in hours."""


def surprise(evidence: Evidence) -> float:
    """Return the smallest p-value, over spans of latest steps, that what is left unexplained is noise [-].

    Multiplied by the number of spans looked at, so that it may be held against a chance of false alarm.
    """
    left = evidence.unexplained()
    known = evidence.read
    values = []
    for span in SPANS:
        rows = slice(max(0, len(left) - span), None)
        freedom = int(known[rows].sum())
        if freedom:
            values.append(float(chi2.sf(float(np.sum(left[rows] ** 2)), freedom)))
    return min(1.0, len(values) * min(values, default=1.0))
