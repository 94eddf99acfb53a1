"""A complaint as evidence: somebody, somewhere, says that the pressure is low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from hydro.readings import Floats

OWN_TROUBLE = 0.003
"""Probability that a customer complains of, or reads, a low pressure that only his own pipes have."""
TOLERANCE = 2.0
"""How far from the required pressure people begin, or cease, to complain: a standard deviation [m]."""

NOTICED, NOTICING = 2.5, 0.7
"""A fall from the usual pressure that people notice: mean and standard deviation [m]."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Low pressure at a node: ``row`` is the node's pressure among the observed values, ``steps`` those it speaks of.

    ``reading`` is what the customer's own gauge showed [m], good to ``reading_deviation`` [m].
    """

    node: str
    row: int
    steps: NDArray[np.intp]
    required: float
    reading: float | None = None
    reading_deviation: float = 1.0

    def log_likelihood(self, pressure: Floats, usual: float) -> Floats:
        """Return the log-probability of the complaint for the lowest pressures (...) [m] predicted in its steps.

        ``usual`` is the pressure there without a fault [m]: people complain of what is too little for them, and of
        what is plainly less than they are used to.
        """
        if self.reading is not None:
            offset = (self.reading - np.maximum(pressure, 0.0)) / self.reading_deviation
            # The customer's own half-shut stop tap explains any reading, at the price of its rarity.
            told = -0.5 * offset**2 - np.log(self.reading_deviation * np.sqrt(2 * np.pi))
            return np.asarray(np.logaddexp(np.log1p(-OWN_TROUBLE) + told, np.log(OWN_TROUBLE / 50.0)))
        short, fallen = (self.required - pressure) / TOLERANCE, (usual - pressure - NOTICED) / NOTICING
        told = log_ndtr(np.maximum(short, fallen))
        return np.asarray(np.logaddexp(np.log1p(-OWN_TROUBLE) + told, np.log(OWN_TROUBLE)))
