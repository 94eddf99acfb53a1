"""Placement: whether a point's element is in the network and may have the quantity that the point reads."""

from __future__ import annotations

from collections.abc import Iterable

from hydro.network import JUNCTION, RESERVOIR, TANK, Network
from models.fields import expected
from models.point import Point
from models.problem import Problem
from models.quantity import Quantity

_AT_NODE = {
    JUNCTION: ("junction", {Quantity.PRESSURE, Quantity.HEAD, Quantity.DEMAND, Quantity.VOLUME}),
    RESERVOIR: ("reservoir", {Quantity.PRESSURE, Quantity.HEAD, Quantity.FLOW, Quantity.VOLUME}),
    TANK: ("tank", {Quantity.PRESSURE, Quantity.HEAD, Quantity.LEVEL, Quantity.FLOW, Quantity.VOLUME}),
}
_AT_LINK = {Quantity.FLOW, Quantity.VOLUME, Quantity.STATUS, Quantity.SETTING}


def misplaced(points: Iterable[Point], network: Network, file: str) -> list[Problem]:
    """Return a problem, with its line in ``file``, for every point that the network has no place for."""
    told = ((point, misplacement(point.element, str(point.quantity), network)) for point in points)
    return [Problem(f"point {point.name}: {message}", file, point.line) for point, message in told if message]


def misplacement(element: str, word: str, network: Network) -> str:
    """Return why the network has no place for a quantity at an element, empty where it has one."""
    if not element:
        return ""
    node = network.node_index.get(element)
    at_link = element in network.link_index
    if node is None and not at_link:
        near = expected(element, [*network.node_ids, *network.link_ids])
        return f'element "{element}" is not in the network, expected {short(near, "node or link")}'
    if word not in set(Quantity):
        return ""
    kind, allowed = ("link", set(_AT_LINK)) if node is None else _AT_NODE[int(network.node_kind[node])]
    if at_link and node is not None:
        # One id may name a node and a link: what fits either is taken.
        kind, allowed = f"{kind} and link", allowed | _AT_LINK
    if Quantity(word) in allowed:
        return ""
    return f"{word} at {kind} {element}, expected {', '.join(sorted(allowed))}"


def unreadable(network: Network) -> str:
    """Return the first id that is no UTF-8, so that no file can name it; empty where all are."""
    return next((one for one in (*network.node_ids, *network.link_ids) if "\ufffd" in one), "")


def short(near: str, what: str) -> str:
    """Return the likely word, or only what kind of id is wanted where a list would be endless."""
    return near if near.endswith("?") or len(near) < 80 else f"the id of a {what}"
