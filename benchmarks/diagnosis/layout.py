"""Where the points are, which zone a node is in, which links are near one another: the graph's share of a case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from benchmarks.diagnosis.elements import Elements, Floats, Places

JUNCTIONS_A_POINT, FEWEST_POINTS = 30, 8
JUNCTIONS_A_ZONE = 400
NEAR_LINKS = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """Pressure points (junction indices) and the zone of each node (N,)."""

    points: Places
    zone: NDArray[np.intp]


def lay_out(elements: Elements, rng: np.random.Generator) -> Layout:
    """Spread points by farthest point along the pipes, and cut the network into zones around such places."""
    graph = graph_of(elements)
    junctions = elements.junctions
    count = min(len(junctions), max(FEWEST_POINTS, len(junctions) // JUNCTIONS_A_POINT))
    points = spread(graph, junctions, count, rng)
    centres = spread(graph, junctions, max(1, round(len(junctions) / JUNCTIONS_A_ZONE)), rng)
    reach = dijkstra(graph, directed=False, indices=centres)
    return Layout(np.array(points, dtype=np.intp), np.argmin(np.nan_to_num(reach, posinf=1e12), axis=0))


def cells(elements: Elements, drawing: NDArray[np.bool_], zone: Floats, most: int) -> Places:
    """Return (N,) which of at most so many cells around spread places a node's demand is in, -1 where it draws none.

    A cell lies in one zone.
    """
    graph = graph_of(elements)
    customers = np.flatnonzero(drawing)
    found = np.full(len(elements.node_ids), -1)
    for one in np.unique(zone[customers]):
        mine = customers[zone[customers] == one]
        count = max(1, round(most * len(mine) / len(customers)))
        centres = spread(graph, mine, min(count, len(mine)), np.random.default_rng(0))
        reach = np.nan_to_num(dijkstra(graph, directed=False, indices=centres), posinf=1e12)[:, mine]
        found[mine] = found.max() + 1 + np.unique(np.argmin(reach, axis=0), return_inverse=True)[1]
    return found


def near(elements: Elements, links: tuple[int, ...]) -> dict[str, int]:
    """Return the links within three links of these: neighbours share a node and are one link away."""
    found = {elements.link_ids[link]: 0 for link in links}
    reached = set(elements.start[list(links)].tolist()) | set(elements.end[list(links)].tolist())
    for distance in range(1, NEAR_LINKS + 1):
        nodes = np.fromiter(reached, dtype=np.intp)
        beside = np.flatnonzero(np.isin(elements.start, nodes) | np.isin(elements.end, nodes))
        for link in beside.tolist():
            found.setdefault(elements.link_ids[link], distance)
        reached |= set(elements.start[beside].tolist()) | set(elements.end[beside].tolist())
    return found


def bridges_out(elements: Elements, link: int) -> bool:
    """Tell whether a link's closure cuts nodes off from every source."""
    keep = np.arange(len(elements.link_ids)) != link
    size = len(elements.node_ids)
    graph = coo_array((np.ones(keep.sum()), (elements.start[keep], elements.end[keep])), shape=(size, size))
    count, part = connected_components(graph, directed=False)
    fed = set(part[np.concatenate([elements.reservoirs, elements.tanks])].tolist())
    return len(fed) < count


def graph_of(elements: Elements) -> csr_array:
    """Return the (N, N) graph of the links' lengths [m]; of parallel links the shortest counts."""
    size = len(elements.node_ids)
    low, high = np.minimum(elements.start, elements.end), np.maximum(elements.start, elements.end)
    order = np.lexsort((elements.length, high, low))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    kept = order[first]
    return csr_array((elements.length[kept], (low[kept], high[kept])), shape=(size, size))


def spread(graph: csr_array, junctions: Places, count: int, rng: np.random.Generator) -> list[int]:
    """Return ``count`` of the junctions, each the farthest from those before it; the first is drawn."""
    places = [int(rng.choice(junctions))]
    reach = dijkstra(graph, directed=False, indices=[places[0]])[0]
    while len(places) < count:
        there = np.where(np.isfinite(reach[junctions]), reach[junctions], -1.0)
        places.append(int(junctions[int(np.argmax(there))]))
        reach = np.minimum(reach, dijkstra(graph, directed=False, indices=[places[-1]])[0])
    return places
