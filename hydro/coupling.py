"""Which valves uncouple heads: at work, they hold a head or a flow, and pass on what balances the node they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.network import FCV, JUNCTION, PRV, PSV, Network
from hydro.state import State

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Holder:
    """A valve at work: the node it holds (``NOBODY``: it holds a flow), and whether its flow leads there."""

    link: int
    node: int
    into: bool


@dataclass(frozen=True, slots=True)
class Coupling:
    """How heads hang together around valves at work.

    ``holders``: the valves at work; ``free``: (F,) nodes whose head may change; ``place``: (N,) of a node among them;
    ``receiver``: (N,) the place of the free node that has to balance what is drawn at a node, ``NOBODY`` where a source
    does. A pressure reducing valve lets pass what the node below it needs, so the node above it feels that demand.
    """

    holders: tuple[Holder, ...]
    free: NDArray[np.intp]
    place: NDArray[np.intp]
    receiver: NDArray[np.intp]


def coupling(network: Network, state: State) -> Coupling:
    """Return the coupling of a solved state."""
    holders = []
    passes_to = np.arange(len(network.node_ids))
    held = network.node_kind != JUNCTION
    passes_to[held] = NOBODY
    for link in np.flatnonzero(np.isin(network.link_kind, [PRV, PSV, FCV]) & state.active).tolist():
        start, end = int(network.start[link]), int(network.end[link])
        kind = network.link_kind[link]
        node, other = (end, start) if kind == PRV else (start, end)
        if kind == FCV or held[node]:
            holders.append(Holder(link, NOBODY, False))
            continue
        held[node] = True
        passes_to[node] = other
        holders.append(Holder(link, node, kind == PRV))
    free = np.flatnonzero(~held)
    place = np.full(len(network.node_ids), NOBODY)
    place[free] = np.arange(len(free))
    for _ in range(len(holders)):
        passes_to = np.where(passes_to >= 0, passes_to[passes_to], NOBODY)
    # Valves that hold one another's nodes in a ring leave nobody to balance them.
    receiver = np.where(passes_to >= 0, place[passes_to], NOBODY)
    return Coupling(tuple(holders), free, place, receiver)
