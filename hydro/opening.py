"""What a minor loss says of a valve's opening: a range, for published tables differ up to fourfold.

Gate valve, loss coefficient by open fraction of the stem's travel; sources: Engineering ToolBox, etoolonline.com,
Mechanical Engineer's Data Handbook (three tables that disagree), Weisbach for one eighth open.
"""

from __future__ import annotations

import numpy as np

OPEN = np.array([1.0, 0.75, 0.5, 0.25, 0.125])
"""Open fraction of the stem's travel [-]."""
LOWEST = np.array([0.15, 0.26, 2.1, 17.0, 97.8])
HIGHEST = np.array([0.2, 1.15, 5.6, 24.0, 160.0])
"""Least and greatest loss coefficient found for each [-]."""


def opening_percent(minor_loss: float) -> tuple[float, float]:
    """Return the least and greatest opening [%] of a gate valve that fit a minor loss [-].

    Between and beyond the tables the logarithm of the opening follows that of the loss.
    """
    ends = [float(np.exp(_interpolate(np.log(minor_loss), np.log(table), np.log(OPEN)))) for table in (LOWEST, HIGHEST)]
    low, high = min(ends), max(ends)
    return 100.0 * min(low, 1.0), 100.0 * min(high, 1.0)


def _interpolate(at: float, known: np.ndarray, values: np.ndarray) -> float:
    """Return the value at a place, straight on beyond the last known one."""
    if at > known[-1]:
        slope = (values[-1] - values[-2]) / (known[-1] - known[-2])
        return float(values[-1] + slope * (at - known[-1]))
    return float(np.interp(at, known, values))
