"""How a network hangs together, by ids: what the service finds valves and streets with."""

from __future__ import annotations

from hydro.network import Network
from service.isolation import Layout


def layout_of(network: Network) -> Layout:
    """Return the ends of links and the coordinates of nodes that have any."""
    return Layout(
        ends={
            link: (network.node_ids[network.start[place]], network.node_ids[network.end[place]])
            for link, place in network.link_index.items()
        },
        coordinates={
            node: (float(network.x[place]), float(network.y[place]))
            for node, place in network.node_index.items()
            if network.x[place] == network.x[place]
        },
    )
