"""``hydro init``: a site from an EPANET network in one step: the network, gauge proposals, commented templates."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from cli.tags import COLUMNS, Taken, cell, devices_text, read_tags, rows_text
from hydro.engine import Engine
from hydro.network import JUNCTION, Network
from models.problem import BadInput
from models.whole_file import write_whole
from monitor.placement import unreadable

JUNCTIONS_A_GAUGE, FEWEST = 30, 3
"""Junctions that share a pressure gauge, and the fewest gauges proposed."""

SITE = """# A site of hydro. `hydro check` reports everything that is wrong with it.
name = {name}
# IANA name of the time zone that the network's clock follows.
time_zone = "UTC"
# EPSG code of the coordinates, or "local".
crs = "local"
network = "network.inp"
# "wall", or "device" when the devices tell the time (clock_address).
clock = "wall"

[stores]
telemetry = "embedded"
telemetry_file = "data/telemetry.sqlite"
spool_file = "data/spool.sqlite"
records = "data/records.sqlite"
# telemetry = "influxdb"
# [stores.influxdb]
# url = "http://127.0.0.1:8086"
# org = "water"
# bucket = "telemetry"
# token = "${{INFLUX_TOKEN}}"

[monitor]
# Pressure that customers need [m of water].
required_pressure_m = 14.0

# A device answers for points. Take the # away and give its address.
# [[devices]]
# name = "rtu-1"
# protocol = "modbus-tcp"
# host = "192.168.1.10"
# port = 502
# unit_id = 1
#
# [[devices]]
# name = "pump-station"
# protocol = "opcua"
# url = "opc.tcp://192.168.1.20:4840"
"""
POINTS = ",".join(COLUMNS) + "\n"
REGISTERS = {
    "customers.csv": (
        "customer_id,name,kind,address,node,contact,required_pressure_m,design_demand_l_s,key_account,representative,"
        "language\n# C-001,Fan factory,factory,Guihua Road 8,{node},,20,2.5,yes,,en\n"
    ),
    "valves.csv": (
        "valve_id,link,end,kind,diameter_mm,installed,last_operated,turns,closes,x,y,street\n"
        "# V-001,{link},start,gate,100,1996-09-10,2012-06-19,20,cw,,,Guihua Road\n"
    ),
    "pipes.csv": "link,material,nominal_mm,installed\n# {link},PE100 SDR17,110,2008-05-01\n",
    "zones.csv": "node,zone\n# {node},west\n",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("network", type=Path, metavar="NETWORK.inp", help="EPANET network")
    parser.add_argument("site", type=Path, metavar="SITE", help="folder to make")
    parser.add_argument("--points", type=Path, metavar="TAGS.csv", help="tag list of the control system")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Make the folder and tell where gauges would see most."""
    source, folder = args.network, args.site
    if not source.is_file():
        raise BadInput.of("is not there, expected an EPANET file", str(source))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput.of("is there already, expected a folder that is new or empty; nothing was changed", str(folder))
    network, content = _loaded(source)
    taken = Taken((), ()) if args.points is None else read_tags(args.points, network)
    gauges = propose_gauges(network)
    settings = SITE.format(name=json.dumps(folder.resolve().name, ensure_ascii=False))
    names = {"node": network.node_ids[0], "link": network.link_ids[0]}
    files: dict[str, str | bytes] = {
        "network.inp": content,
        "site.toml": settings + devices_text(taken.devices()),
        "points.csv": POINTS + rows_text(taken) + _proposals(gauges),
        **{name: text.format(**{key: cell(value) for key, value in names.items()}) for name, text in REGISTERS.items()},
    }
    _make(folder, files)
    if args.json:
        answer = {"site": str(folder), "nodes": len(network.node_ids), "links": len(network.link_ids), "gauges": gauges}
        answer |= {"points": len(taken.rows), "left": [str(problem) for problem in taken.left]}
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        return 0
    for problem in taken.left:
        sys.stderr.write(f"{problem}\n")
    if args.points is not None:
        sys.stdout.write(f"{len(taken.rows)} points taken from {args.points}, {len(taken.left)} left to you\n")
    sys.stdout.write(
        f"{folder}: a site of {len(network.node_ids)} nodes and {len(network.link_ids)} links\n"
        f"pressure gauges would see most at {', '.join(gauges)}\n"
        f"next: name your devices in {folder / 'site.toml'} and your points in {folder / 'points.csv'}, "
        f"then run hydro check {folder}\n"
    )
    return 0


def _loaded(source: Path) -> tuple[Network, bytes]:
    """Return the network of a file and what of it is kept: its bytes, in UTF-8 where its ids are in another encoding.

    EPANET takes ids as bytes and writes those of the machine; on a Chinese one that is GB 18030, and what is no UTF-8
    could be named by no other file of the site.
    """
    with Engine(source, workers=1) as engine:
        network = engine.network
    content = source.read_bytes()
    if not unreadable(network):
        return network, content
    try:
        content = content.decode("gb18030").encode()
    except UnicodeDecodeError:
        return network, content
    sys.stderr.write(f"{source}: ids are not UTF-8; read as GB 18030, and kept as UTF-8 in the site\n")
    with TemporaryDirectory(prefix="hydro-init-") as scratch:
        copy = Path(scratch) / source.name
        copy.write_bytes(content)
        with Engine(copy, workers=1) as engine:
            return engine.network, content


def _make(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write the files into the folder, or leave nothing behind."""
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, content in files.items():
            write_whole(folder / name, content)
    except (OSError, KeyboardInterrupt):
        for name in files:
            (folder / name).unlink(missing_ok=True)
        if new:
            folder.rmdir()
        raise


def propose_gauges(network: Network) -> list[str]:
    """Return junctions for gauges: each the farthest along the mains from the sources and from those before it.

    Farthest-point sampling (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5): no junction is then farther from a gauge
    than twice what the best choice of as many could reach. It knows nothing of faults.
    """
    junctions = np.flatnonzero(network.node_kind == JUNCTION)
    wanted = min(len(junctions), max(FEWEST, -(-len(junctions) // JUNCTIONS_A_GAUGE)))
    graph = _lengths(network)
    sources = network.fixed if len(network.fixed) else junctions[:1]
    nearest = np.min(dijkstra(graph, directed=False, indices=sources), axis=0)
    chosen: list[int] = []
    for _ in range(wanted):
        free = np.setdiff1d(junctions, chosen)
        place = int(free[np.argmax(nearest[free])])
        chosen.append(place)
        nearest = np.minimum(nearest, dijkstra(graph, directed=False, indices=[place])[0])
    return [network.node_ids[place] for place in chosen]


def _lengths(network: Network) -> coo_array:
    """Return (N, N) lengths of links [m]; pumps and valves are short, of parallel links the shorter counts."""
    count = len(network.node_ids)
    shortest: dict[tuple[int, int], float] = {}
    for start, end, length in zip(network.start, network.end, np.maximum(network.length, 0.1), strict=True):
        pair = (int(min(start, end)), int(max(start, end)))
        shortest[pair] = min(shortest.get(pair, np.inf), float(length))
    ends: NDArray[np.intp] = np.array(list(shortest), dtype=np.intp).reshape(-1, 2)
    return coo_array((list(shortest.values()), (ends[:, 0], ends[:, 1])), shape=(count, count))


def _proposals(gauges: list[str]) -> str:
    """Return proposed points: they stand in comments until there is a device that answers for them."""
    rest = "bar,rtu-1,holding/{},float32,ABCD,1,0,60,0,16,,,,,,,,,"
    rows = [
        f"# {cell('PT-' + node)},{cell(node)},pressure,{rest.format(100 + 2 * place)}\n"
        for place, node in enumerate(gauges)
    ]
    told = "# Proposed pressure gauges; take the # away where one is fitted and give its device and address.\n"
    return told + "".join(rows)
