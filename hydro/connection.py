"""Which nodes are connected to a source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hydro.network import JUNCTION, Network


def cut_off(network: Network, open_links: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (N,) whether no open link leads from a reservoir or tank to a node: its head then means nothing.

    ``open_links``: (L,).
    """
    nodes = len(network.node_ids)
    links = np.flatnonzero(open_links)
    joined = coo_array((np.ones(len(links)), (network.start[links], network.end[links])), shape=(nodes, nodes))
    _, part = connected_components(joined, directed=False)
    fed = np.zeros(nodes, dtype=bool)
    fed[part[network.node_kind != JUNCTION]] = True
    return np.asarray(~fed[part])
