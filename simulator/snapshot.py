"""What is true at the plant at one instant, in SI, and how a quantity of an element is read from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from models.quantity import Quantity

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Elements:
    """The network's nodes (N) and links (L) and where each stands in the arrays."""

    nodes: Mapping[str, int]
    links: Mapping[str, int]
    node_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    is_junction: npt.NDArray[np.bool_]
    """(N,); the others are reservoirs and tanks."""
    elevation: Floats
    """(N,) [m]; a tank's bottom."""
    start: npt.NDArray[np.int64]
    """(L,) index of each link's start node."""
    end: npt.NDArray[np.int64]
    """(L,) index of each link's end node."""
    is_pipe: npt.NDArray[np.bool_]
    """(L,)."""
    has_head_curve: npt.NDArray[np.bool_]
    """(L,); pumps but those of constant power, whose head EPANET does not let anybody change while it runs."""
    has_minor_loss: npt.NDArray[np.bool_]
    """(L,); EPANET knows none for pumps, throttle valves and valves with a curve."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The truth from ``time`` until the next step; hydraulics stand still in between, as they do in EPANET."""

    time: datetime
    head: Floats
    """(N,) [m]."""
    outflow: Floats
    """(N,) all water that leaves the network at a node, bursts too; at a tank or reservoir what flows in [m³/s]."""
    delivered: Floats
    """(N,) what the customers of a junction get [m³/s]."""
    flow: Floats
    """(L,) positive from start to end [m³/s]."""
    status: Floats
    """(L,) 1 open, 0 closed."""
    setting: Floats
    """(L,) pump speed, valve setting [m or m³/s] or roughness."""
    passed: Floats
    """(2, L) volume that has passed forwards and backwards since the network's time 0 [m³]."""
    given: Floats
    """(2, N) volume that a meter at the node has counted forwards and backwards since then [m³]."""


Reader = Callable[[Snapshot], float]
"""Reads one true value, in SI, of a snapshot."""


def node_flow(snapshot: Snapshot, elements: Elements) -> Floats:
    """Return what a meter at each node shows, (N,) [m³/s].

    Junctions: what is delivered to their customers. Reservoirs and tanks: positive into the network.
    """
    return np.where(elements.is_junction, snapshot.delivered, -snapshot.outflow)


def held_until(snapshot: Snapshot, elements: Elements, time: datetime) -> Snapshot:
    """Return the snapshot as it still is at ``time``: the same flows, and totalisers that have counted on."""
    seconds = (time - snapshot.time).total_seconds()
    if not seconds:
        return snapshot
    flow, given = snapshot.flow * seconds, node_flow(snapshot, elements) * seconds
    return replace(
        snapshot,
        time=time,
        passed=snapshot.passed + np.maximum(np.stack([flow, -flow]), 0.0),
        given=snapshot.given + np.maximum(np.stack([given, -given]), 0.0),
    )


def reader(elements: Elements, element: str, quantity: Quantity, backwards: bool = False) -> Reader:
    """Return how to read ``quantity`` at ``element``; ``backwards`` turns a flow, or counts what flows back.

    Raises
    ------
    ValueError
        There is no such element, or it has no such quantity.
    """
    sign, row = (-1.0, 1) if backwards else (1.0, 0)
    match quantity:
        case Quantity.STATUS | Quantity.SETTING:
            link = _index(elements.links, element, quantity, "link")
            if quantity is Quantity.STATUS:
                return lambda snapshot: float(snapshot.status[link])
            return lambda snapshot: float(snapshot.setting[link])
        case Quantity.FLOW if element in elements.links:
            link = elements.links[element]
            return lambda snapshot: sign * float(snapshot.flow[link])
        case Quantity.VOLUME if element in elements.links:
            link = elements.links[element]
            return lambda snapshot: float(snapshot.passed[row, link])
    node = _index(elements.nodes, element, quantity, "node")
    junction, elevation = bool(elements.is_junction[node]), float(elements.elevation[node])
    match quantity:
        case Quantity.DEMAND if not junction:
            raise ValueError(f"element {element}: has no demand, expected a junction")
        case Quantity.LEVEL if junction:
            raise ValueError(f"element {element}: has no level, expected a tank")
        case Quantity.VOLUME:
            return lambda snapshot: float(snapshot.given[row, node])
        case Quantity.FLOW | Quantity.DEMAND if junction:
            return lambda snapshot: sign * float(snapshot.delivered[node])
        case Quantity.FLOW:
            return lambda snapshot: -sign * float(snapshot.outflow[node])
        case Quantity.HEAD:
            return lambda snapshot: float(snapshot.head[node])
    return lambda snapshot: float(snapshot.head[node]) - elevation


def _index(where: Mapping[str, int], element: str, quantity: Quantity, kind: str) -> int:
    if element not in where:
        raise ValueError(f"element {element}: no such {kind}, expected one that has a {quantity}")
    return where[element]
