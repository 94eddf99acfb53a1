"""The network: the whole in arrays, an element at a time, the main that a pipe belongs to, a way between nodes."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
from fastapi import Path, Query, Request, Response
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from api.access import Engineer, Serving, Viewer
from api.context import Context
from api.geometry import bounds_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.binary import BINARY, packed_response
from api.routes.router import router
from api.schemas.network import (
    Found,
    FoundView,
    LinkKind,
    LinkView,
    MainView,
    NetworkCheck,
    NetworkView,
    NodeKind,
    NodeView,
    PathView,
)
from api.schemas.site import CustomerView, ValveView
from api.upload import check, unpacked
from hydro.mains import main_of
from hydro.network import JUNCTION, PIPES, PUMP, RESERVOIR, TANK, Network

ROUTER = router("network")
ElementId = Annotated[str, Path(max_length=200)]
NODE_KINDS, LINK_KINDS = list(NodeKind), list(LinkKind)
MOST_FOUND = 30
Missing = responses(ProblemType.MISSING)


@ROUTER.get("/network")
def get_network(_person: Viewer, context: Serving) -> NetworkView:
    """What the network is."""
    network = context.bench.engine.network
    kinds, links = network.node_kind, network.link_kind
    pipes = np.isin(links, PIPES)
    return NetworkView(
        name=network.name,
        revision=context.bench.revision,
        junctions=int((kinds == JUNCTION).sum()),
        reservoirs=int((kinds == RESERVOIR).sum()),
        tanks=int((kinds == TANK).sum()),
        pipes=int(pipes.sum()),
        pumps=int((links == PUMP).sum()),
        valves=int((~pipes & (links != PUMP)).sum()),
        length_km=float(network.length[pipes].sum() / 1e3),
        headloss_formula=network.headloss_formula,
        bounds=bounds_of(network),
        start_clocktime_s=network.start_clocktime_s,
        pattern_step_s=network.pattern_step_s,
        duration_s=network.duration_s,
    )


@ROUTER.get("/network/arrays", response_class=Response, responses=BINARY)
def get_network_arrays(_person: Viewer, request: Request, context: Serving) -> Response:
    """Places, ends, kinds, lengths and diameters of the whole network as binary arrays."""
    return packed_response(request, context.geometry)


@ROUTER.get("/network/inp", response_class=PlainTextResponse, responses={200: {"content": {"text/plain": {}}}})
def get_network_inp(_person: Engineer, context: Serving) -> Response:
    """The EPANET file, as the utility keeps it."""
    headers = {"Content-Disposition": 'attachment; filename="network.inp"'}
    return Response(context.site.network.read_bytes(), media_type="text/plain; charset=utf-8", headers=headers)


_INP_BODY = {
    "requestBody": {
        "required": True,
        "description": "An EPANET file, as it is or in gzip or zip.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@ROUTER.post("/network-checks", openapi_extra=_INP_BODY)
async def check_network(_person: Engineer, request: Request, context: Serving) -> NetworkCheck:
    """Look at a network file: what it holds and where it differs from the running one. Nothing of the site changes."""
    content = await request.body()
    return await run_in_threadpool(lambda: check(unpacked(content), context.site.network))


@ROUTER.get("/network/nodes/{node}", responses=Missing)
def get_node(_person: Viewer, context: Serving, node: ElementId) -> NodeView:
    """A node and what the registers know of it."""
    network, site = context.bench.engine.network, context.site
    place = _node(network, node)
    touching = np.flatnonzero((network.start == place) | (network.end == place))
    known = bool(np.isfinite(network.x[place]))
    return NodeView(
        id=node,
        index=place,
        kind=NODE_KINDS[network.node_kind[place]],
        elevation_m=float(network.elevation[place]),
        x=float(network.x[place]) if known else None,
        y=float(network.y[place]) if known else None,
        base_demand_l_s=1e3 * float(network.base_demand[place]),
        zone=site.zones.get(node),
        links=[network.link_ids[link] for link in touching],
        points=[point.name for point in site.points if point.element == node],
        customers=[CustomerView.model_validate(one) for one in site.customers if one.node == node],
    )


@ROUTER.get("/network/links/{link}", responses=Missing)
def get_link(_person: Viewer, context: Serving, link: ElementId) -> LinkView:
    """A link and what the registers know of it."""
    network, site = context.bench.engine.network, context.site
    place = _link(network, link)
    asset = next((pipe for pipe in site.pipes if pipe.link == link), None)
    return LinkView(
        id=link,
        index=place,
        kind=LINK_KINDS[network.link_kind[place]],
        start=network.node_ids[network.start[place]],
        end=network.node_ids[network.end[place]],
        length_m=float(network.length[place]),
        diameter_mm=1e3 * float(network.diameter[place]),
        roughness=float(network.roughness[place]),
        minor_loss=float(network.minor_loss[place]),
        initially_closed=bool(network.initially_closed[place]),
        material=asset.material or None if asset else None,
        nominal_mm=asset.nominal_mm if asset else None,
        installed=asset.installed if asset else None,
        valves=[ValveView.model_validate(valve) for valve in site.valves if valve.link == link],
        points=[point.name for point in site.points if point.element == link],
    )


@ROUTER.get("/network/links/{link}/main", responses=Missing)
def get_main(_person: Viewer, context: Serving, link: ElementId) -> MainView:
    """The run of equal pipes that a pipe belongs to."""
    network = context.bench.engine.network
    place = _link(network, link)
    if network.link_kind[place] not in PIPES:
        raise ApiProblem(ProblemType.INVALID, f"link {link}: is no pipe, it belongs to no main")
    main = main_of(network, context.believer.diagnoser.assets, place)
    return MainView(
        links=[network.link_ids[one] for one in main.links],
        length_m=main.length,
        diameter_mm=1e3 * main.diameter,
        material=main.material,
    )


@ROUTER.get("/network/path", responses=Missing)
def get_path(
    _person: Viewer,
    context: Serving,
    start: Annotated[str, Query(max_length=200)],
    end: Annotated[str, Query(max_length=200)],
) -> PathView:
    """The shortest way along pipes from one node to another."""
    network = context.bench.engine.network
    first, last = _node(network, start), _node(network, end)
    nodes, links = _way(network, first, last)
    if not nodes:
        raise ApiProblem(ProblemType.INVALID, f"no pipes lead from {start} to {end}")
    return PathView(
        links=[network.link_ids[link] for link in links],
        nodes=[network.node_ids[node] for node in nodes],
        length_m=float(network.length[links].sum()),
    )


@ROUTER.get("/network/search")
def search_network(
    _person: Viewer, context: Serving, words: Annotated[str, Query(min_length=1, max_length=100)]
) -> FoundView:
    """Elements, valves, points and customers that have the words in their id, name or street."""
    wanted = words.casefold()
    found = [one for one in _things(context) if wanted in one.id.casefold() or wanted in one.label.casefold()]
    found.sort(key=lambda one: (one.id.casefold() != wanted, not one.id.casefold().startswith(wanted), len(one.id)))
    return FoundView(found=found[:MOST_FOUND])


def _things(context: Context) -> list[Found]:
    network, site = context.bench.engine.network, context.site
    return [
        *(Found(id=valve.valve_id, what="valve", label=valve.street) for valve in site.valves),
        *(Found(id=point.name, what="point", label=point.element) for point in site.points),
        *(Found(id=one.customer_id, what="customer", label=f"{one.name}, {one.address}") for one in site.customers),
        *(Found(id=node, what="node", label="") for node in network.node_ids),
        *(Found(id=link, what="link", label="") for link in network.link_ids),
    ]


def _way(network: Network, first: int, last: int) -> tuple[list[int], list[int]]:
    """Return the nodes and links of the shortest way along pipes; nothing where there is none."""
    count = len(network.node_ids)
    shortest: dict[tuple[int, int], int] = {}
    for link in np.flatnonzero(np.isin(network.link_kind, PIPES)):
        pair = tuple(sorted((int(network.start[link]), int(network.end[link]))))
        there = shortest.get((pair[0], pair[1]))
        if there is None or network.length[link] < network.length[there]:
            shortest[(pair[0], pair[1])] = int(link)
    ends = np.array(list(shortest), dtype=np.intp).reshape(-1, 2)
    lengths = np.maximum(network.length[list(shortest.values())], 1e-3)
    graph = coo_array((lengths, (ends[:, 0], ends[:, 1])), shape=(count, count)).tocsr()
    _, before = dijkstra(graph, directed=False, indices=[first], return_predecessors=True)
    nodes = [last]
    while nodes[-1] != first:
        earlier = int(before[0, nodes[-1]])
        if earlier < 0:
            return [], []
        nodes.append(earlier)
    nodes.reverse()
    return nodes, [shortest[(min(one, two), max(one, two))] for one, two in pairwise(nodes)]


def _node(network: Network, node: str) -> int:
    place = network.node_index.get(node)
    if place is None:
        raise ApiProblem(ProblemType.MISSING, f"node {node}: the network has none of that id")
    return place


def _link(network: Network, link: str) -> int:
    place = network.link_index.get(link)
    if place is None:
        raise ApiProblem(ProblemType.MISSING, f"link {link}: the network has none of that id")
    return place
