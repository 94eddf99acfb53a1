"""``hydro diagnose``: explain the readings of a window on a network, or on a site's own network and registers."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hydro.network import Network
from models.complaint import Complaint
from models.point import Point
from models.problem import BadInput, Problem
from models.site import MonitorSettings, Site, StoreSettings

FINE_WINDOW = timedelta(hours=36)
"""Windows up to this long are looked at quarter by quarter of an hour."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("network", type=Path, metavar="NETWORK.inp|SITE", help="an EPANET file or a site's folder")
    parser.add_argument("--readings", type=Path, required=True, metavar="CSV", help="time,element,quantity,value,unit")
    parser.add_argument("--baseline", type=Path, metavar="CSV", help="readings of a window held to be healthy")
    parser.add_argument("--start", metavar="ISO8601", help="instant of the network's time 0")
    parser.add_argument("--complaint", metavar="NODE", help="node at which somebody complains")
    parser.add_argument("--valves", type=Path, metavar="CSV", help="valve register")
    parser.add_argument("--pipes", type=Path, metavar="CSV", help="asset data of pipes")
    parser.add_argument("--customers", type=Path, metavar="CSV", help="customers")
    parser.add_argument("--zones", type=Path, metavar="CSV", help="node,zone")
    parser.add_argument("--pressure-noise-m", type=float, default=0.1, metavar="M")
    parser.add_argument("--flow-noise-percent", type=float, default=2.0, metavar="P")
    parser.add_argument("--demand-cv", type=float, default=0.15, metavar="CV")
    parser.add_argument("--zone-cv", type=float, default=0.10, metavar="CV")
    parser.add_argument("--required-pressure-m", type=float, default=14.0, metavar="M")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Diagnose and answer."""
    from hydro.hypothesis import Priors
    from models.readings_file import read_readings
    from monitor.diagnoser import Asked, Diagnoser

    points, samples = read_readings(args.readings)
    site = _site(args, points)
    first, last = min(one.time for one in samples), max(one.time for one in samples)
    diagnoser = Diagnoser(site, first)
    try:
        _check(site, points, args, diagnoser.engine.network)
        diagnoser.origin = _origin(args, diagnoser.origin)
        if args.baseline is not None:
            _, healthy = read_readings(args.baseline)
            begun, ended = min(one.time for one in healthy), max(one.time for one in healthy)
            diagnoser.baseline = diagnoser.calibrate(healthy, begun.timestamp(), ended.timestamp())
        end = last + timedelta(seconds=1)
        complaint = None
        if args.complaint is not None:
            complaint = Complaint("", args.complaint, last, "low pressure")
        fine = end - first <= FINE_WINDOW
        asked = Asked(first.timestamp(), end.timestamp(), complaint, fine=fine)
        document = diagnoser.diagnose(samples, asked, Priors())
    finally:
        diagnoser.close()
    sys.stdout.write(json.dumps(document) + "\n" if args.json else _told(document))
    return 0


def _site(args: argparse.Namespace, points: tuple[Point, ...]) -> Site:
    """Return the site that the arguments describe: a folder's, or one made up around a bare network."""
    from models.registers_file import read_customers, read_pipes, read_valves, read_zones
    from models.site_file import load_site

    settings = MonitorSettings(
        required_pressure_m=args.required_pressure_m,
        pressure_noise_m=args.pressure_noise_m,
        flow_noise_percent=args.flow_noise_percent,
        demand_cv=args.demand_cv,
        zone_cv=args.zone_cv,
    )
    if args.network.is_dir():
        return replace(load_site(args.network), points=points, monitor=settings)
    if not args.network.is_file():
        raise BadInput.of("is not there, expected an EPANET file or a site's folder", str(args.network))
    problems: list[Problem] = []
    nowhere = Path("none")
    site = Site(
        folder=args.network.parent,
        name=args.network.stem,
        time_zone="UTC",
        crs="local",
        network=args.network,
        clock="wall",
        devices=(),
        points=points,
        stores=StoreSettings("embedded", nowhere, nowhere, "none"),
        monitor=settings,
        customers=read_customers(args.customers, problems) if args.customers else (),
        valves=read_valves(args.valves, problems) if args.valves else (),
        pipes=read_pipes(args.pipes, problems) if args.pipes else (),
        zones=read_zones(args.zones, problems) if args.zones else {},
    )
    if problems:
        raise BadInput(problems)
    return site


def _check(site: Site, points: tuple[Point, ...], args: argparse.Namespace, network: Network) -> None:
    """Refuse readings and a complaint of elements that the network does not have."""
    file = str(args.readings)
    problems = [
        Problem(f"element {point.element}: not in the network {site.network.name}", file, point.line)
        for point in points
        if point.element not in network.node_index and point.element not in network.link_index
    ]
    if args.complaint is not None and args.complaint not in network.node_index:
        problems.append(Problem(f"--complaint {args.complaint}: no node of the network {site.network.name}"))
    if problems:
        raise BadInput(problems)


def _origin(args: argparse.Namespace, usual: float) -> float:
    from cli.moments import moment_of

    given = moment_of(args.start)
    return usual if given is None else given.timestamp()


def _told(document: dict[str, Any]) -> str:
    lines = []
    for cause in document["causes"][:8]:
        lost = cause["severity"].get("head_lost_m")
        metres = "" if lost is None else f"{lost:6.1f} m at {cause['severity']['at']}"
        lines.append(f"{100 * cause['probability']:5.1f} %  {cause['kind']} {' '.join(cause['elements'][:4])} {metres}")
    lines.append(f"{100 * document['healthy_probability']:5.1f} %  nothing is wrong")
    lines.append(f"{100 * document['unexplained_probability']:5.1f} %  none of these")
    for one in document["next_measurements"][:1]:
        lines.append(f"measure next: pressure at {one['node']}, {one['bits']:.2f} bits")
    if not document["can_say"]:
        lines.append("these points cannot tell; the measurement above would")
    return "\n".join(lines) + "\n"
