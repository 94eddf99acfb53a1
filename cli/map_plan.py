"""The plan of a town: mains as wide as they are, streets, sources, gauges, at any scale and in any window."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cli.map_causes import Marked
from cli.svg import Picture, Place
from hydro.network import JUNCTION, PIPES, RESERVOIR, TANK, Network
from models.quantity import Quantity
from models.site import Site

THINNEST_M, WIDEST_M = 0.05, 0.6
"""Diameters between which a main's line grows."""
LABEL_APART_PX = 64.0
SHORTEST_STREET_PX = 90.0
FEW = 12
"""A cause on more nodes or mains than this covers a part of the town and is not looked at from near."""


@dataclass(frozen=True, slots=True)
class View:
    """A window on the town: what of it shows where, and how wide lines are drawn."""

    left: float
    top: float
    width: float
    height: float
    west: float
    north: float
    scale: float
    """Pixels a metre."""
    stroke: float = 1.0

    def at(self, x: float, y: float) -> Place:
        """Return the pixel of a place in the network's coordinates, north up."""
        return self.left + (x - self.west) * self.scale, self.top + (self.north - y) * self.scale

    def shows(self, place: Place, margin: float = 0.0) -> bool:
        """Return whether a pixel lies in the window, at least ``margin`` px from its edge."""
        inside = self.left + margin <= place[0] <= self.left + self.width - margin
        return inside and self.top + margin <= place[1] <= self.top + self.height - margin


def view_of(
    bounds: tuple[float, float, float, float], left: float, top: float, width: float, height: float, stroke: float = 1.0
) -> View:
    """Return the largest view that shows ``bounds`` (west, south, east, north) in the middle of a window."""
    west, south, east, north = bounds
    scale = min(width / max(east - west, 1.0), height / max(north - south, 1.0))
    spare_x, spare_y = width / scale - (east - west), height / scale - (north - south)
    return View(left, top, width, height, west - spare_x / 2, north + spare_y / 2, scale, stroke)


def bounds_of(places: Iterable[tuple[float, float]], margin: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north around places, wider by a share of their extent on each side."""
    x, y = np.array(list(places)).T
    spare = margin * max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    return float(x.min()) - spare, float(y.min()) - spare, float(x.max()) + spare, float(y.max()) + spare


class Plan:
    """A town that can be drawn into views."""

    def __init__(self, site: Site, network: Network) -> None:
        self._site = site
        self._network = network

    def node(self, node: str) -> tuple[float, float]:
        """Return where a node lies."""
        place = self._network.node_index[node]
        return float(self._network.x[place]), float(self._network.y[place])

    def ends(self, link: str) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return where a link begins and ends."""
        place = self._network.link_index[link]
        ids = self._network.node_ids
        return self.node(ids[self._network.start[place]]), self.node(ids[self._network.end[place]])

    def mains(self, picture: Picture, view: View) -> None:
        """Draw every link, the thin ones first."""
        network = self._network
        order = np.argsort(network.diameter, kind="stable")
        for place in order.tolist():
            if not _placed(*self.ends(network.link_ids[place])):
                continue
            start, end = (view.at(*one) for one in self.ends(network.link_ids[place]))
            if network.link_kind[place] in PIPES:
                width = view.stroke * _width(float(network.diameter[place]))
                picture.path("main", [start, end], stroke_width=width)
            else:
                picture.path("device", [start, end], stroke_width=view.stroke * 1.6)

    def streets(self, picture: Picture, view: View, without: frozenset[str] = frozenset()) -> None:
        """Write street names along their mains, the longest streets first, where there is room."""
        by_street: dict[str, list[str]] = defaultdict(list)
        for valve in self._site.valves:
            named = valve.street and valve.street not in without and valve.link in self._network.link_index
            if named and _placed(*self.ends(valve.link)):
                by_street[valve.street].append(valve.link)
        taken: list[Place] = []
        lanes = {name: [self.ends(link) for link in links] for name, links in by_street.items()}
        extent = {
            name: max(math.dist(a, b) for e in ends for f in ends for a in e for b in f) for name, ends in lanes.items()
        }
        for name in sorted(lanes, key=lambda one: -extent[one]):
            if extent[name] * view.scale < SHORTEST_STREET_PX:
                continue
            for start, end in sorted(lanes[name], key=lambda one: -math.dist(*one)):
                place = view.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
                if view.shows(place, 40.0) and all(math.dist(place, one) > LABEL_APART_PX for one in taken):
                    taken.append(place)
                    picture.text("street", place, name, _upright(view.at(*start), view.at(*end)), dy=-4)
                    break

    def sources(self, picture: Picture, view: View, words: dict[str, str]) -> None:
        """Draw reservoirs and tanks with their names."""
        network = self._network
        for place in np.flatnonzero(network.node_kind != JUNCTION).tolist():
            if not _placed(self.node(network.node_ids[place])):
                continue
            x, y = view.at(*self.node(network.node_ids[place]))
            pumped = any(
                network.link_kind[link] not in PIPES and place in (network.start[link], network.end[link])
                for link in range(len(network.link_ids))
            )
            kind = "tank" if network.node_kind[place] == TANK else ("station" if pumped else "source")
            picture.rect("source", (x - 9, y - 9), 18, 18, 4)
            if network.node_kind[place] == RESERVOIR:
                picture.path("glyph", [(x - 5, y + 1), (x - 2, y - 3), (x + 1, y + 1), (x + 4, y - 3)])
            else:
                picture.path("glyph", [(x - 5, y - 4), (x - 5, y + 4), (x + 5, y + 4), (x + 5, y - 4)])
            picture.text("place", (x, y + 23), words[kind])

    def gauges(self, picture: Picture, view: View) -> None:
        """Draw the pressure gauges and the customers' own meters."""
        for point in self._site.points:
            place = self._network.node_index.get(point.element)
            if place is None or self._network.node_kind[place] != JUNCTION:
                continue
            where = view.at(*self.node(point.element))
            if not view.shows(where):
                continue
            if point.quantity in (Quantity.PRESSURE, Quantity.HEAD):
                gauge(picture, where)
            elif point.quantity is Quantity.DEMAND:
                meter(picture, where)

    def valves(self, picture: Picture, view: View, guilty: dict[str, str]) -> None:
        """Draw the registered valves in a window, across their mains; those to blame in their cause's colour."""
        for valve in self._site.valves:
            known = valve.x is not None and valve.y is not None and valve.link in self._network.link_index
            if not known or not _placed(*self.ends(valve.link)):
                continue
            assert valve.x is not None
            assert valve.y is not None
            x, y = view.at(valve.x, valve.y)
            if not view.shows((x, y)):
                continue
            start, end = (view.at(*one) for one in self.ends(valve.link))
            angle = math.atan2(end[1] - start[1], end[0] - start[0])
            kind = guilty.get(valve.valve_id)
            size = 5.0 if kind is None else 8.0
            corners = [(-size, -size * 0.7), (size, size * 0.7), (size, -size * 0.7), (-size, size * 0.7)]
            turn = math.cos(angle), math.sin(angle)
            bow = [(x + a * turn[0] - b * turn[1], y + a * turn[1] + b * turn[0]) for a, b in corners]
            picture.path("valve" if kind is None else f"guilty {kind}", bow, closed=True)

    def affected(self, picture: Picture, view: View, nodes: Iterable[str], radius: float) -> None:
        """Mark nodes whose customers have lost pressure."""
        for node in nodes:
            if _placed(self.node(node)):
                picture.circle("affected", view.at(*self.node(node)), radius)

    def cause(self, picture: Picture, view: View, marked: Marked, width: float) -> None:
        """Lay a cause over its mains and nodes."""
        for link in marked.links:
            if _placed(*self.ends(link)):
                picture.path(f"over {marked.kind}", [view.at(*one) for one in self.ends(link)], stroke_width=width)
        for node in filter(lambda one: _placed(self.node(one)), marked.nodes):
            radius = 2.0 * width if len(marked.nodes) <= FEW else 4.0
            picture.circle(f"halo {marked.kind}", view.at(*self.node(node)), radius)


def gauge(picture: Picture, place: Place) -> None:
    """Draw a pressure gauge: a small triangle."""
    x, y = place
    picture.path("gauge", [(x, y - 5.5), (x + 5, y + 3.5), (x - 5, y + 3.5)], closed=True)


def meter(picture: Picture, place: Place) -> None:
    """Draw a customer's meter: a small diamond."""
    x, y = place
    picture.path("meter", [(x, y - 5), (x + 5, y), (x, y + 5), (x - 5, y)], closed=True)


def _placed(*places: tuple[float, float]) -> bool:
    """Return whether all places are known: the network's file may lack coordinates of some nodes."""
    return all(math.isfinite(value) for place in places for value in place)


def _width(diameter_m: float) -> float:
    share = (math.log(max(diameter_m, THINNEST_M)) - math.log(THINNEST_M)) / math.log(WIDEST_M / THINNEST_M)
    return 0.7 + 4.3 * min(share, 1.0) ** 2


def _upright(start: Place, end: Place) -> float:
    """Return the angle of a line [degrees], such that words along it are not upside down."""
    angle = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
    return angle - 180.0 if angle > 90.0 else angle + 180.0 if angle <= -90.0 else angle
