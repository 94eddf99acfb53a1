"""The entries of a sparse inverse that lie where the matrix has entries, without the dense inverse.

With ``S = L D Lᵀ`` the inverse Z obeys ``Z = Lᵀ⁻¹ D⁻¹ + Z (I − L)``: read from the last column to the first, each
column's entries where L has some follow from entries of later columns that are known already. Columns at one depth of
the elimination tree are worked out together. Source: K. Takahashi, J. Fagan, M.-S. Chin, "Formation of a sparse bus
impedance matrix and its application to short circuit study", PICA 1973.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from hydro.readings import Floats

Indices = NDArray[np.intp]


def resistances(matrix: csc_array, start: Indices, end: Indices) -> Floats:
    """Return (L,) ``Z[s,s] + Z[e,e] − 2 Z[s,e]`` of the inverse Z of a symmetric positive definite matrix (F, F).

    ``start``, ``end``: (L,) places in the matrix, −1 for earth; where neither is earth the matrix has an entry (s, e).
    """
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0)
    assert np.array_equal(factor.perm_r, factor.perm_c), "a positive definite matrix needs no other pivots"
    lower = csc_array(factor.L)
    lower.sort_indices()
    tree = _tree(lower)
    inverse = _fill(tree, lower.data, factor.U.diagonal())
    place = np.append(factor.perm_c, -1)
    return tree.between(inverse, place[start], place[end])


@dataclass(frozen=True, slots=True)
class _Tree:
    """Columns of L as fronts: each column's own place and the later ones it has entries at.

    ``pointer``: (F+1,) and ``rows``: the columns of L; ``size``: (F,) of each front; ``offset``: (F,) of its square
    block in the inverse; ``parent``: (F,), −1 for a root; ``depth``: (F,); ``inside``: for each entry of L its place
    among the rows of the parent's front.
    """

    pointer: Indices
    rows: Indices
    size: Indices
    offset: Indices
    parent: Indices
    depth: Indices
    inside: Indices

    def between(self, inverse: Floats, start: Indices, end: Indices) -> Floats:
        """Return (L,) the inverse's entries between places of the factor, −1 for earth."""
        diagonal = np.append(inverse[self.offset], 0.0)
        first, last = np.minimum(start, end), np.maximum(start, end)
        both = first >= 0
        across = np.zeros(len(start))
        key = first[both] * np.intp(len(self.size)) + last[both]
        found = np.searchsorted(self._keys(), key)
        across[both] = inverse[self.offset[first[both]] + found - self.pointer[first[both]]]
        return np.asarray(diagonal[start] + diagonal[end] - 2.0 * across)

    def _keys(self) -> Indices:
        return np.repeat(np.arange(len(self.size)), self.size) * np.intp(len(self.size)) + self.rows


def _tree(lower: csc_array) -> _Tree:
    count = lower.shape[0]
    pointer, rows = lower.indptr.astype(np.intp), lower.indices.astype(np.intp)
    size = np.diff(pointer)
    column = np.repeat(np.arange(count), size)
    parent = np.full(count, -1)
    has_parent = size > 1
    parent[has_parent] = rows[pointer[:-1][has_parent] + 1]
    depth = [0] * count
    for one in range(count - 1, -1, -1):
        above = parent[one]
        depth[one] = depth[above] + 1 if above >= 0 else 0
    # Where an entry's row stands in the parent's front: found among all (column, row) pairs at once.
    inside = np.zeros(len(rows), dtype=np.intp)
    below = rows > column
    above = parent[column[below]]
    wanted = above * np.intp(count) + rows[below]
    keys = column * np.intp(count) + rows
    found = np.searchsorted(keys, wanted)
    assert np.array_equal(keys[np.minimum(found, len(keys) - 1)], wanted), "a column's rows are rows of its parent"
    inside[below] = found - pointer[above]
    offset = np.concatenate([[0], np.cumsum(size**2)])[:-1]
    return _Tree(pointer, rows, size, offset, parent, np.array(depth), inside)


def _fill(tree: _Tree, values: Floats, pivots: Floats) -> Floats:
    """Return the blocks of the inverse on every front, one after the other."""
    inverse = np.empty(int(np.sum(tree.size**2)))
    order = np.lexsort((tree.size, tree.depth))
    cuts = np.flatnonzero(np.diff(tree.depth[order]) | np.diff(tree.size[order])) + 1
    for group in np.split(order, cuts):
        size = int(tree.size[group[0]])
        block = np.empty((len(group), size, size))
        if size == 1:
            block[:, 0, 0] = 1.0 / pivots[group]
        else:
            entries = tree.pointer[group][:, None] + np.arange(1, size)
            weights, inside = values[entries], tree.inside[entries]
            parent = tree.parent[group]
            wide = tree.size[parent][:, None, None]
            later = inverse[tree.offset[parent][:, None, None] + inside[:, :, None] * wide + inside[:, None, :]]
            column = -np.matmul(later, weights[:, :, None])[:, :, 0]
            block[:, 1:, 1:] = later
            block[:, 1:, 0] = block[:, 0, 1:] = column
            block[:, 0, 0] = 1.0 / pivots[group] - np.sum(column * weights, axis=1)
        inverse[tree.offset[group][:, None] + np.arange(size * size)] = block.reshape(len(group), -1)
    return inverse
