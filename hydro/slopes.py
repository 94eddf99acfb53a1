"""Slopes: what each of many causes does to the observed values, kept where it does anything at all.

A point feels what happens in its own part of a city and next to nothing of the rest: of a hundred thousand columns few
have an entry in its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, diags_array

from hydro.readings import Floats

FAINT = 1e-6
"""A response that is this part of the greatest one of the same observed value, or less, is none [-]."""
DENSE = 0.06
"""A matrix with fewer entries than this is multiplied entry by entry [-]."""
SMALL = 200_000
"""A matrix of so many places is multiplied as a full one: to look for its entries takes longer."""
FEW = 16
"""So many columns are quicker read one by one than all at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Change of S observed values per unit of each of n causes: ``matrix`` (S, n)."""

    matrix: csc_array

    @classmethod
    def of(cls, full: Floats) -> Slopes:
        """Return the slopes of ``full`` (S, n) without its faint entries."""
        size = np.abs(full)
        kept = size > FAINT * size.max(axis=1, initial=0.0)[:, None]
        places = np.flatnonzero(kept)
        ends = np.append(0, np.cumsum(kept.sum(axis=1)))
        by_row = csr_array((full.ravel()[places], places % max(full.shape[1], 1), ends), shape=full.shape)
        return cls(csc_array(by_row))

    def columns(self, places: Sequence[int] | NDArray[np.intp]) -> Floats:
        """Return (S, k) the changes per unit of k causes."""
        matrix = self.matrix
        if len(places) > FEW:
            return np.asarray(matrix[:, np.asarray(places)].toarray())
        chosen = np.zeros((matrix.shape[0], len(places)))
        for column, place in enumerate(places):
            entries = slice(matrix.indptr[place], matrix.indptr[place + 1])
            chosen[matrix.indices[entries], column] = matrix.data[entries]
        return chosen

    def row(self, place: int) -> Floats:
        """Return (n,) the changes of one observed value."""
        return np.asarray(self.matrix[[place]].toarray()[0])

    def scaled(self, sizes: Floats) -> csc_array:
        """Return (S, n) the changes for causes of ``sizes`` (n,)."""
        return csc_array(self.matrix @ diags_array(sizes))

    def summed(self, sizes: Floats) -> Floats:
        """Return (S, k) the changes for all causes at once, in k ways: of ``sizes`` (n, k)."""
        return np.asarray(self.matrix @ sizes)


def without_faint(matrix: csr_array, least: float) -> csr_array:
    """Return a matrix without the entries smaller than ``least``."""
    kept = matrix.copy()
    kept.data[np.abs(kept.data) < least] = 0.0
    kept.eliminate_zeros()
    return kept


def gram(matrix: csc_array | csr_array) -> Floats:
    """Return (S, S) a sparse matrix (S, n) times its own transpose."""
    if matrix.shape[0] * matrix.shape[1] < SMALL:
        full = matrix.toarray()
        return np.asarray(full @ full.T)
    if matrix.nnz < DENSE * matrix.shape[0] * matrix.shape[1]:
        return np.asarray((matrix @ matrix.T).toarray())
    full = csc_array(matrix)[:, np.flatnonzero(matrix.count_nonzero(axis=0))].toarray()
    return np.asarray(full @ full.T)
