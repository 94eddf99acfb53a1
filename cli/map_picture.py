"""The picture of a site: its plan, and beside it, from a diagnosis, the causes: where they are and what each costs."""

from __future__ import annotations

import numpy as np

from cli.map_causes import WORDS, Document, Marked, marked_causes
from cli.map_plan import FEW, Plan, View, bounds_of, gauge, meter, view_of
from cli.svg import Picture, Place, columns, wrapped
from hydro.network import PIPES, Network
from models.site import Site

WIDTH, EDGE = 1240.0, 24.0
PANEL = 372.0
"""Width of the panel on the right."""
TITLE = 78.0
LEAST_HEIGHT, MOST_HEIGHT = 600.0, 900.0
LENS = 300.0
WORTH_BITS = 0.05
"""A reading that tells less is not advised."""
COLOURS = {
    "blocked_link": "#d6293a",
    "closed_link": "#d6293a",
    "open_boundary": "#c2255c",
    "leak": "#0b7285",
    "demand_growth": "#6741d9",
    "undersized_main": "#e8710a",
    "roughness_growth": "#a5680b",
    "source_head_loss": "#1864ab",
    "point_fault": "#5c6773",
}
STYLE = """
text{font-family:Inter,"Segoe UI","Helvetica Neue","Noto Sans","PingFang SC","Noto Sans CJK SC","Microsoft YaHei",
sans-serif;fill:#1c2b3a}
.page{fill:#eef2f6}.card{fill:#fff;stroke:#d9e1e9}.frame{fill:none;stroke:#8496a8}
.lens{fill:#fff;stroke:#8496a8;stroke-width:1.2}
.beam{stroke:#8496a8;stroke-width:.8;stroke-dasharray:2 4;fill:none}
.main{stroke:#9db4c8;stroke-linecap:round}.device{stroke:#51647a;stroke-linecap:round}
.source{fill:#1f4e79}.glyph{fill:none;stroke:#fff;stroke-width:1.8;stroke-linejoin:round}
.gauge{fill:#0f8a72;stroke:#fff;stroke-width:1}.meter{fill:#2f6fb0;stroke:#fff;stroke-width:1}
.valve{fill:#fff;stroke:#3b4d60;stroke-width:1.3;stroke-linejoin:round}.guilty{stroke-width:1.3;stroke:#fff}
.affected{fill:#ffd8d2;stroke:#d6293a;stroke-width:1.4}
.over{fill:none;stroke-linecap:round;stroke-opacity:.85}.halo{fill-opacity:.28;stroke-width:1.4}
.badge{stroke:#fff;stroke-width:2}.rod{stroke-width:1.4;fill:none}
.number{fill:#fff;font-weight:700;text-anchor:middle;font-size:13px}
.title{font-size:24px;font-weight:700}.sub{font-size:14px;fill:#51647a}
.street{font-size:9.5px;fill:#6d8197;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px}
.place{font-size:11px;text-anchor:middle;font-weight:600;paint-order:stroke;stroke:#fff;stroke-width:3px}
.name{font-size:10.5px;fill:#3b4d60;paint-order:stroke;stroke:#fff;stroke-width:3px}
.key{font-size:11px;fill:#51647a}.head{font-size:15px;font-weight:650}.small{font-size:12px;fill:#51647a}
.metres{font-size:17px;font-weight:700;text-anchor:end}.label{font-size:11px;font-weight:700;fill:#51647a;letter-spacing:.4px}
.corner{font-size:13px;font-weight:650;paint-order:stroke;stroke:#fff;stroke-width:5px}
.bar{stroke:#fff;stroke-width:1}.scale{stroke:#51647a;stroke-width:1.4;fill:none}
"""


def draw(site: Site, network: Network, document: Document | None, language: str) -> str:
    """Return the picture as SVG text.

    Raises
    ------
    BadInput
        The document names an element that the network does not have.
    """
    plan, words = Plan(site, network), WORDS[language]
    known = np.isfinite(network.x) & np.isfinite(network.y)
    bounds = bounds_of(zip(network.x[known].tolist(), network.y[known].tolist(), strict=True), 0.05)
    panel = PANEL if document is not None else -EDGE
    width = WIDTH - 3 * EDGE - panel
    high = width * (bounds[3] - bounds[1]) / (bounds[2] - bounds[0])
    height = min(max(high, LEAST_HEIGHT), MOST_HEIGHT)
    causes = [] if document is None else marked_causes(document, site, network, language)
    advice = [] if document is None else _advice(document, words)
    height = max(height, LENS + EDGE + 70.0 + 67.0 * len(causes) + 45.0 * len(advice)) if causes else height
    picture = Picture(WIDTH, TITLE + height + EDGE, STYLE + _colours(), site.name)
    picture.rect("page", (0.0, 0.0), WIDTH, TITLE + height + EDGE, 14)
    picture.text("title", (EDGE, 40.0), site.name)
    picture.text("sub", (EDGE, 62.0), _subtitle(site, network, document, language))
    view = view_of(bounds, EDGE + 12, TITLE + 12, width - 24, height - 54)
    picture.rect("card", (EDGE, TITLE), width, height, 10)
    plan.mains(picture, view)
    quiet = frozenset(valve.street for valve in site.valves if any(valve.link in one.links for one in causes))
    plan.streets(picture, view, quiet)
    for marked in _thin_below(causes):
        plan.cause(picture, view, marked, 5.0 if marked.kind == "undersized_main" else 3.0)
    if document is not None:
        plan.affected(picture, view, _without_water(document), 3.0)
    plan.gauges(picture, view)
    plan.sources(picture, view, words)
    _key(picture, (EDGE + 18, TITLE + height - 18), view, words, bool(causes))
    if document is not None:
        right = EDGE + width + EDGE
        top = TITLE
        if any(one.placed for one in causes):
            top = _lens(picture, plan, view, causes, document, site, right) + EDGE
        _panel(picture, (right, top), TITLE + height - top, causes, advice, words)
    return picture.told()


def _subtitle(site: Site, network: Network, document: Document | None, language: str) -> str:
    words = WORDS[language]
    if document is not None and document.get("attribution"):
        return words["lost"].format(document["attribution_total_m"], _customer_at(site, document))
    pipes = np.isin(network.link_kind, PIPES)
    facts = words["facts"].format(
        int((network.node_kind == 0).sum()), network.length[pipes].sum() / 1e3, len(site.points)
    )
    if document is not None:
        return words["healthy"].format(100.0 * document.get("healthy_probability", 0.0))
    return facts


def _customer_at(site: Site, document: Document) -> str:
    """Return whom the attribution speaks of: the complaining customer, or the node."""
    complaint = document.get("complaint") or {}
    names = [one.name for one in site.customers if one.customer_id == complaint.get("customer_id")]
    return names[0] if names else str(document["attribution_at"])


def _key(picture: Picture, place: Place, view: View, words: dict[str, str], affected: bool) -> None:
    """Draw the legend and a scale of metres."""
    x, y = place
    for draw_one, name in ((gauge, "gauge"), (meter, "meter")):
        draw_one(picture, (x, y - 4))
        picture.text("key", (x + 11, y), words[name])
        x += 30 + 6.2 * columns(words[name])
    if affected:
        picture.circle("affected", (x, y - 4), 4.5)
        picture.text("key", (x + 11, y), words["affected"])
    metres = 10.0 ** np.floor(np.log10(160.0 / view.scale))
    metres *= max(step for step in (1, 2, 5) if step * metres * view.scale <= 160.0)
    end = view.left + view.width - 6
    picture.path(
        "scale", [(end - metres * view.scale, y - 8), (end - metres * view.scale, y - 3), (end, y - 3), (end, y - 8)]
    )
    picture.text("key", (end - metres * view.scale - 6, y), f"{metres:g} m", text_anchor="end")


def _lens(
    picture: Picture, plan: Plan, view: View, causes: list[Marked], document: Document, site: Site, left: float
) -> float:
    """Draw the window that shows the causes from near; return where it ends."""
    near = [one for one in causes if one.placed]
    near = [one for one in near if len(one.links) + len(one.nodes) <= FEW] or near
    places = [one.place for one in near]
    places += [end for one in near for link in one.links for end in plan.ends(link)]
    places += [plan.node(node) for one in near for node in one.nodes]
    places = [place for place in places if np.isfinite(place).all()]
    shown = view_of(bounds_of(places, 0.22), left, TITLE, PANEL, LENS, stroke=2.4)
    corner = view.at(shown.west, shown.north)
    size = (shown.width / shown.scale * view.scale, shown.height / shown.scale * view.scale)
    if size[0] < 0.8 * view.width:
        picture.rect("frame", corner, *size, 4)
        picture.path("beam", [(corner[0] + size[0], corner[1]), (left, TITLE + 10)])
        picture.path("beam", [(corner[0] + size[0], corner[1] + size[1]), (left, TITLE + LENS - 10)])
    picture.window("lens", (left, TITLE), PANEL, LENS)
    picture.rect("lens", (left, TITLE), PANEL, LENS, 8)
    picture.open(clip_path="url(#lens)")
    plan.mains(picture, shown)
    for marked in _thin_below(causes):
        plan.cause(picture, shown, marked, 11.0 if marked.kind == "undersized_main" else 6.0)
    plan.affected(picture, shown, _without_water(document), 6.0)
    plan.valves(picture, shown, {one.valve: one.kind for one in causes})
    plan.gauges(picture, shown)
    _names(picture, plan, shown, causes, site)
    picture.close()
    for number, (marked, place) in enumerate(zip(causes, _apart(causes, shown), strict=True), 1):
        if not marked.placed:
            continue
        at = shown.at(*marked.place)
        picture.path(f"rod {marked.kind}", [at, place])
        _badge(picture, place, number, marked.kind)
    return TITLE + LENS


def _thin_below(causes: list[Marked]) -> list[Marked]:
    """Return the causes in the order of drawing: thin mains lie under what sits in them."""
    return sorted(causes, key=lambda one: one.kind != "undersized_main")


def _without_water(document: Document) -> list[str]:
    return [one["node"] for one in document.get("affected_customers", ())]


def _names(picture: Picture, plan: Plan, view: View, causes: list[Marked], site: Site) -> None:
    """Write ids of the causes' mains and nodes, and their street, into the lens."""
    links = {link for one in causes for link in one.links}
    for link in sorted(links):
        start, end = plan.ends(link)
        x, y = view.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        if view.shows((x, y), 20.0):
            picture.text("name", (x + 12, y + 4), link)
    streets = sorted({valve.street for valve in site.valves if valve.link in links and valve.street})
    if streets:
        picture.text("corner", (view.left + 14, view.top + 24), " · ".join(streets[:3]))


def _apart(causes: list[Marked], view: View) -> list[Place]:
    """Return places for badges beside their causes, no two over each other."""
    taken: list[Place] = []
    for marked in causes:
        x, y = view.at(*marked.place)
        side = -1.0 if x > view.left + view.width / 2 else 1.0
        tries = [(x + side * away, y + down) for away in (34.0, 62.0, 90.0) for down in (-22.0, 22.0, 0.0)]
        free = [one for one in tries if view.shows(one, 16.0) and all(_far(one, other) for other in taken)]
        taken.append(free[0] if free else tries[0])
    return taken


def _far(one: Place, other: Place) -> bool:
    return abs(one[0] - other[0]) > 30.0 or abs(one[1] - other[1]) > 30.0


def _badge(picture: Picture, place: Place, number: int, kind: str) -> None:
    picture.circle(f"badge {kind}", place, 12.0)
    picture.text("number", (place[0], place[1] + 4.5), str(number))


def _panel(
    picture: Picture,
    corner: Place,
    height: float,
    causes: list[Marked],
    advice: list[tuple[str, list[str]]],
    words: dict[str, str],
) -> None:
    """List the causes with what each costs, then what to measure and how to cure it."""
    left, top = corner
    picture.rect("card", corner, PANEL, height, 10)
    y = top + 34
    for number, marked in enumerate(causes, 1):
        _badge(picture, (left + 26, y + 2), number, marked.kind)
        picture.text("head", (left + 50, y), words[marked.kind])
        if marked.head_m is not None:
            picture.text("metres", (left + PANEL - 18, y + 2), f"{marked.head_m:.1f} m")
        for line in (one for said in marked.said if said for one in wrapped(said, 50)):
            y += 17
            picture.text("small", (left + 50, y), line)
        y += 33
    y = _bar(picture, (left + 18, y - 12), causes) + 30
    for name, lines in advice:
        picture.text("label", (left + 18, y), name)
        for line in lines:
            y += 17
            picture.text("small", (left + 18, y), line)
        y += 28


def _bar(picture: Picture, place: Place, causes: list[Marked]) -> float:
    """Draw the metres of every cause side by side; return where the bar ends."""
    heads = [(marked, marked.head_m) for marked in causes if marked.head_m is not None and marked.head_m > 0]
    total = sum(head for _, head in heads)
    x = place[0]
    for marked, head in heads:
        wide = (PANEL - 36) * head / total
        picture.rect(f"bar {marked.kind}", (x, place[1]), wide, 14, 2)
        x += wide
    return place[1] + (14 if heads else -14)


def _advice(document: Document, words: dict[str, str]) -> list[tuple[str, list[str]]]:
    told = []
    worth = [one for one in document["next_measurements"][:1] if one["bits"] >= WORTH_BITS]
    for one in worth:
        told.append((words["measure"], wrapped(words["measured"].format(one["node"], one["bits"]), 54)))
    for cure in document["cures"][:1]:
        sizes = [f"{laid['links'][0]}–{laid['links'][-1]} → {laid['size']}" for laid in cure["replace"]]
        change = "; ".join(sizes) or cure["change"]
        told.append((words["cure"], wrapped(words["cured"].format(change, f"{cure['regained_m']:.1f}"), 54)))
    return told


def _colours() -> str:
    return "".join(
        f".over.{kind}{{stroke:{colour}}}.halo.{kind}{{fill:{colour};stroke:{colour}}}.rod.{kind}{{stroke:{colour}}}"
        f".badge.{kind},.bar.{kind},.guilty.{kind}{{fill:{colour}}}"
        for kind, colour in COLOURS.items()
    )
