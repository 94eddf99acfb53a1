"""Which valves cut a place off: those met first on every way out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from models.register import RegisteredValve

LINK, NODE = "link", "node"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the network hangs together, by ids: the ends of each link and, where known, where each node lies.

    ``coordinates`` are in the site's coordinate system.
    """

    ends: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    coordinates: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def node_of(self, valve: RegisteredValve) -> str:
        """Return the node at whose side of its link a valve stands; empty where the link is not known."""
        ends = self.ends.get(valve.link)
        return "" if ends is None else ends[0 if valve.end == "start" else 1]

    def position(self, link: str, node: str) -> tuple[float, float] | None:
        """Return where a node lies, else the middle of a link; ``None`` where neither is known."""
        if node in self.coordinates:
            return self.coordinates[node]
        ends = [self.coordinates[end] for end in self.ends.get(link, ()) if end in self.coordinates]
        if len(ends) != 2:
            return None
        return (ends[0][0] + ends[1][0]) / 2.0, (ends[0][1] + ends[1][1]) / 2.0


def valves_to_close(
    layout: Layout,
    valves: Iterable[RegisteredValve],
    links: Collection[str] = (),
    nodes: Collection[str] = (),
    distrusted: AbstractSet[str] = frozenset(),
) -> tuple[RegisteredValve, ...]:
    """Return the valves that isolate ``links`` and ``nodes``, the nearest (by links passed) first.

    A valve among ``distrusted`` (ids) may not hold: the search goes on behind it.
    """
    standing: dict[tuple[str, str], RegisteredValve] = {}
    for valve in valves:
        if valve.valve_id not in distrusted:
            standing.setdefault((valve.link, layout.node_of(valve)), valve)
    at_node: dict[str, list[str]] = {}
    for link, ends in layout.ends.items():
        for node in ends:
            at_node.setdefault(node, []).append(link)
    # Links and nodes have ids of their own: a link and a node may both be called 12.
    to_visit = deque([*((LINK, link) for link in links), *((NODE, node) for node in nodes)])
    reached = set(to_visit)
    met: dict[str, RegisteredValve] = {}
    while to_visit:
        what, here = to_visit.popleft()
        if what == LINK:
            ways = [(here, node, (NODE, node)) for node in layout.ends.get(here, ())]
        else:
            ways = [(link, here, (LINK, link)) for link in at_node.get(here, ())]
        for link, node, there in ways:
            closing = standing.get((link, node))
            if closing is not None:
                met.setdefault(closing.valve_id, closing)
            elif there not in reached:
                reached.add(there)
                to_visit.append(there)
    return tuple(met.values())
