"""Where the points are, which zone a node is in, which links are near one another: the graph's share of a case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from benchmarks.diagnosis.elements import Elements, Places

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
    graph = _graph(elements)
    junctions = elements.junctions
    count = min(len(junctions), max(FEWEST_POINTS, len(junctions) // JUNCTIONS_A_POINT))
    points = _spread(graph, junctions, count, rng)
    centres = _spread(graph, junctions, max(1, round(len(junctions) / JUNCTIONS_A_ZONE)), rng)
    reach = dijkstra(graph, directed=False, indices=centres)
    return Layout(np.array(points, dtype=np.intp), np.argmin(np.nan_to_num(reach, posinf=1e12), axis=0))


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


def _graph(elements: Elements) -> csr_array:
    size = len(elements.node_ids)
    order = np.argsort(elements.length)[::-1]
    graph = coo_array((elements.length[order], (elements.start[order], elements.end[order])), shape=(size, size))
    # Parallel links would add up; the shortest of them is what counts.
    dense: dict[tuple[int, int], float] = {}
    for start, end, length in zip(graph.row.tolist(), graph.col.tolist(), graph.data.tolist(), strict=True):
        dense[min(start, end), max(start, end)] = length
    pairs = np.array(list(dense))
    return csr_array((np.array(list(dense.values())), (pairs[:, 0], pairs[:, 1])), shape=(size, size))


def _spread(graph: csr_array, junctions: Places, count: int, rng: np.random.Generator) -> list[int]:
    """Return ``count`` junctions, each the farthest from those before it; the first is drawn."""
    places = [int(rng.choice(junctions))]
    reach = dijkstra(graph, directed=False, indices=[places[0]])[0]
    while len(places) < count:
        there = np.where(np.isfinite(reach[junctions]), reach[junctions], -1.0)
        places.append(int(junctions[int(np.argmax(there))]))
        reach = np.minimum(reach, dijkstra(graph, directed=False, indices=[places[-1]])[0])
    return places
