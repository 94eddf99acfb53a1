"""Doubt: what else could be behind a complaint, that no gauge would show.

A cause that explains the readings may have company: a blockage on the way to the customer of which only the complaint
speaks. Each is too unlikely to be named; together they decide where a gauge is worth hanging.
"""

from __future__ import annotations

import numpy as np

from hydro.diagnosis import Diagnosis
from hydro.faults.blocked_link import CLOSED, blockage_for
from hydro.hypothesis import Fault, Hypothesis

FELT = 0.3
"""A link matters to the customer when a metre lost in it costs him at least this much [m]."""
LOST = 5.0
"""What a doubted blockage would cost the customer [m]."""
MOST = 40


def doubted(diagnosis: Diagnosis, step: int) -> list[tuple[Hypothesis, float]]:
    """Return the leading hypothesis with one more blockage each, and the shares of doubt, which add up to 1."""
    complaint, leading = diagnosis.complaint, diagnosis.leading
    if complaint is None:
        return []
    snapshot = leading.evidence.snapshots[step]
    felt = np.abs(snapshot.headloss.row(complaint.row))
    keys = {fault.key for fault in leading.hypothesis}
    found: list[tuple[Hypothesis, float]] = []
    for key, (candidate, prior) in diagnosis.found.asked.believed.items():
        if candidate.kind != "blocked_link" or key in keys or felt[candidate.indices[0]] < FELT:
            continue
        link = candidate.indices[0]
        severity = min(blockage_for(snapshot, link, LOST / float(felt[link])), CLOSED)
        found.append(((*leading.hypothesis, Fault(candidate, severity, step)), prior))
    likeliest = sorted(found, key=lambda one: -one[1])[:MOST]
    total = sum(prior for _, prior in likeliest)
    return [(hypothesis, prior / total) for hypothesis, prior in likeliest]
