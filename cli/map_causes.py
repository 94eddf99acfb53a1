"""What a diagnosis puts on the map: its causes, where each one lies, and how it is said in a language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from hydro.network import Network
from models.problem import BadInput
from models.site import Site

PROBABLE = 0.3
"""A cause less probable than this is not drawn."""
MOST = 5
Document = Mapping[str, Any]

WORDS = {
    "en": {
        "blocked_link": "Blocked valve or main",
        "closed_link": "Closed valve",
        "open_boundary": "Open boundary valve",
        "demand_growth": "Grown demand",
        "leak": "Leak",
        "source_head_loss": "Source lost head",
        "roughness_growth": "Rough mains",
        "point_fault": "Gauge at fault",
        "undersized_main": "Main too thin",
        "valve": "valve {0}",
        "main": "main {0}",
        "mains": "mains {0} to {1}",
        "node": "at {0}",
        "zone": "{0} nodes",
        "drawn": "{0:+.1f} l/s",
        "size": "{0} would do",
        "sure": "{0} % sure",
        "lost": "{0:.1f} m lost at {1}",
        "interval": "alone {0:.1f} m (90 %: {1:.1f} to {2:.1f} m)",
        "measure": "Measure next",
        "measured": "pressure at {0}: tells {1:.1f} bits",
        "cure": "Cure",
        "cured": "{0} gives {1} m back",
        "complaint": "complaint",
        "station": "Pump station",
        "tank": "Tank",
        "source": "Source",
        "gauge": "pressure gauge",
        "meter": "customer's meter",
        "affected": "customer without pressure",
        "facts": "{0} junctions, {1:.0f} km of mains, {2} points",
        "healthy": "Nothing is wrong, says the diagnosis: {0:.0f} %",
    },
    "zh": {
        "blocked_link": "阀门或管道堵塞",
        "closed_link": "阀门关闭",
        "open_boundary": "边界阀未关",
        "demand_growth": "用水量增长",
        "leak": "漏损",
        "source_head_loss": "水源水头下降",
        "roughness_growth": "管道结垢",
        "point_fault": "测点故障",
        "undersized_main": "管径偏小",
        "valve": "阀门 {0}",
        "main": "管道 {0}",
        "mains": "管道 {0} 至 {1}",
        "node": "节点 {0}",
        "zone": "{0} 个节点",
        "drawn": "{0:+.1f} l/s",
        "size": "{0} 即可",
        "sure": "把握 {0} %",
        "lost": "{1}损失 {0:.1f} m",
        "interval": "单独损失 {0:.1f} m (90 %: {1:.1f} 至 {2:.1f} m)",
        "measure": "下一步测量",
        "measured": "{0} 处压力, 信息量 {1:.1f} bit",
        "cure": "修复方案",
        "cured": "{0} 恢复 {1} m",
        "complaint": "报修",
        "station": "泵站",
        "tank": "水池",
        "source": "水源",
        "gauge": "压力测点",
        "meter": "用户流量计",
        "affected": "缺压用户",
        "facts": "{0} 个节点, {1:.0f} km 管道, {2} 个测点",
        "healthy": "诊断认为一切正常: {0:.0f} %",
    },
}
"""The words of the picture; placeholders as in ``str.format``."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A cause on the map: the links and nodes it lies on, its badge's place in the network's coordinates."""

    kind: str
    links: tuple[str, ...]
    nodes: tuple[str, ...]
    place: tuple[float, float]
    head_m: float | None
    said: tuple[str, ...]
    valve: str = ""

    @property
    def placed(self) -> bool:
        """Whether the network's file says where it lies."""
        return all(isfinite(value) for value in self.place)


def check_document(document: object, file: str) -> Document:
    """Return the document if it is one of a diagnosis; raises ``BadInput`` where it is not."""
    missing = [key for key in ("causes", "attribution", "next_measurements", "cures") if not _has(document, key)]
    if missing:
        raise BadInput.of(f"is no document of a diagnosis, expected the keys {', '.join(missing)}", file)
    assert isinstance(document, Mapping)
    return document


def _has(document: object, key: str) -> bool:
    return isinstance(document, Mapping) and isinstance(document.get(key), list)


def marked_causes(document: Document, site: Site, network: Network, language: str) -> list[Marked]:
    """Return the causes to be drawn, the costliest first.

    They are the terms of the attribution, which add up to what was lost, and whatever else is probable.

    Raises
    ------
    BadInput
        The document names an element that the network does not have.
    """
    told = {(cause["kind"], tuple(cause["elements"])): cause for cause in document["causes"]}
    terms = {(term["term"], tuple(term["elements"])): term for term in document["attribution"]}
    names = list(terms)
    names += [name for name, cause in told.items() if cause["probability"] >= PROBABLE and name not in terms]
    found = [_marked(name, told.get(name, {}), terms.get(name, {}), site, network, language) for name in names[:MOST]]
    return sorted(found, key=lambda one: -(one.head_m or 0.0))


def _marked(
    name: tuple[str, tuple[str, ...]],
    cause: Document,
    term: Document,
    site: Site,
    network: Network,
    language: str,
) -> Marked:
    kind, elements = name
    words = WORDS[language]
    on = tuple(_element_of(one, site) for one in elements)
    unknown = [one for one in on if one not in network.link_index and one not in network.node_index]
    if unknown:
        raise BadInput.of(f"{kind} {unknown[0]}: not in the network {site.network.name}")
    links = tuple(one for one in on if one in network.link_index)
    nodes = tuple(one for one in on if one in network.node_index and one not in links)
    severity = cause.get("severity", {})
    where = [_where(kind, links, nodes, cause, words)]
    where += [words["sure"].format(_percent(cause["probability"]))] if cause else []
    known = []
    if "demand_l_s" in severity:
        known.append(words["drawn"].format(severity["demand_l_s"]))
    if term.get("size"):
        known.append(words["size"].format(term["size"]))
    if severity.get("interval90") and kind != "point_fault":
        known.append(words["interval"].format(severity["head_lost_m"], *severity["interval90"]))
    lost = term.get("head_m", severity.get("head_lost_m"))
    place, valve = _place(links, nodes, cause, site, network), next(iter(cause.get("valve_ids", ())), "")
    return Marked(kind, links, nodes, place, lost, (" · ".join(where), " · ".join(known)), valve)


def _percent(probability: float) -> str:
    """Return a probability in per cent; nothing that was diagnosed is certain."""
    return ">99" if probability > 0.99 else "<1" if probability < 0.01 else f"{100.0 * probability:.0f}"


def _element_of(name: str, site: Site) -> str:
    """Return the element that a point sits on, or the name itself where it is an element's."""
    return next((point.element for point in site.points if point.name == name), name)


def _where(kind: str, links: Sequence[str], nodes: Sequence[str], cause: Document, words: Mapping[str, str]) -> str:
    if kind == "point_fault":
        return str(cause["elements"][0])
    parts = [words["valve"].format(one) for one in cause.get("valve_ids", ())[:1]]
    if links:
        parts.append(words["main"].format(links[0]) if len(links) == 1 else words["mains"].format(links[0], links[-1]))
    if nodes:
        parts.append(words["node"].format(nodes[0]) if len(nodes) == 1 else words["zone"].format(len(nodes)))
    return ", ".join(parts)


def _place(
    links: Sequence[str], nodes: Sequence[str], cause: Document, site: Site, network: Network
) -> tuple[float, float]:
    """Return where the badge goes: at the valve, in the middle of the main, at the node or the middle of the zone."""
    valves = {valve.valve_id: valve for valve in site.valves}
    for name in cause.get("valve_ids", ()):
        valve = valves.get(name)
        if valve is not None and valve.x is not None and valve.y is not None:
            return valve.x, valve.y
    if links:
        place = network.link_index[links[len(links) // 2]]
        start, end = network.start[place], network.end[place]
        return float(network.x[start] + network.x[end]) / 2, float(network.y[start] + network.y[end]) / 2
    on = [network.node_index[one] for one in nodes]
    return float(network.x[on].mean()), float(network.y[on].mean())
