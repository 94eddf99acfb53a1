"""``hydro diagnose``: explain the readings of a window on a network, or on a site's own network and registers."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli.numbers import number
from hydro.network import Network
from models.complaint import Complaint
from models.point import Point
from models.problem import BadInput, Problem
from models.site import MonitorSettings, Site, StoreSettings

SETTINGS: dict[str, Any] = {
    "required_pressure_m": 14.0, "pressure_noise_m": 0.1, "flow_noise_percent": 2.0, "demand_cv": 0.15, "zone_cv": 0.10
}  # fmt: skip
"""What is assumed around a bare network."""
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
    for option, metavar, (low, high), words in (
        ("--pressure-noise-m", "M", (1e-3, 10.0), "scatter of a single pressure"),
        ("--flow-noise-percent", "P", (1e-2, 100.0), "scatter of a single flow"),
        ("--demand-cv", "CV", (1e-3, 10.0), "how far a customer's demand may be from the model's, as a part of it"),
        ("--zone-cv", "CV", (1e-3, 10.0), "the same of a zone's demand"),
        ("--required-pressure-m", "M", (1e-3, 200.0), "pressure that gives the full demand"),
    ):
        parser.add_argument(option, type=number(low, high), metavar=metavar, help=words)
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Diagnose and answer."""
    from hydro.hypothesis import Priors
    from models.readings_file import first_offset, read_readings
    from monitor.diagnoser import Asked, Diagnoser, network_origin
    from monitor.placement import misplaced

    now = datetime.now(UTC)
    points, samples = read_readings(args.readings, now)
    site = _site(args)
    first, last = min(one.time for one in samples), max(one.time for one in samples)
    diagnoser = Diagnoser(replace(site, points=()), first)
    diagnoser.site = replace(site, points=points)
    try:
        network = diagnoser.engine.network
        _check(site, points, args, network)
        zone = ZoneInfo(site.time_zone) if args.network.is_dir() else first_offset(args.readings)
        diagnoser.origin = _origin(args, network_origin(first, network.start_clocktime_s, zone))
        if args.baseline is not None:
            known, healthy = read_readings(args.baseline, now)
            _refuse(misplaced(known, network, str(args.baseline)))
            begun, ended = min(one.time for one in healthy), max(one.time for one in healthy)
            diagnoser.baseline = diagnoser.calibrate(healthy, begun.timestamp(), ended.timestamp(), known)
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


def _site(args: argparse.Namespace) -> Site:
    """Return the site that the arguments describe: a folder's, or one made up around a bare network.

    What is given on the command line goes before what the folder says.
    """
    from models.registers_file import read_customers, read_pipes, read_valves, read_zones
    from models.site_file import load_site

    problems: list[Problem] = []
    registers: dict[str, Any] = {
        name: read(path, problems)
        for name, read in (
            ("customers", read_customers), ("valves", read_valves), ("pipes", read_pipes), ("zones", read_zones)
        )
        if (path := getattr(args, name)) is not None
    }  # fmt: skip
    if problems:
        raise BadInput(problems)
    given: dict[str, Any] = {name: value for name in SETTINGS if (value := getattr(args, name)) is not None}
    if args.network.is_dir():
        site = load_site(args.network)
        return replace(site, monitor=replace(site.monitor, **given), **registers)
    if not args.network.is_file():
        raise BadInput.of("is not there, expected an EPANET file or a site's folder", str(args.network))
    nowhere = Path("none")
    return Site(
        folder=args.network.parent,
        name=args.network.stem,
        time_zone="UTC",
        crs="local",
        network=args.network,
        clock="wall",
        devices=(),
        points=(),
        stores=StoreSettings("embedded", nowhere, nowhere, "none"),
        monitor=MonitorSettings(**{**SETTINGS, **given}),
        **{"customers": (), "valves": (), "pipes": (), "zones": {}, **registers},
    )


def _check(site: Site, points: tuple[Point, ...], args: argparse.Namespace, network: Network) -> None:
    """Refuse readings and a complaint of elements that the network has no place for."""
    from monitor.placement import misplaced

    problems = misplaced(points, network, str(args.readings))
    if args.complaint is not None and args.complaint not in network.node_index:
        problems.append(Problem(f"--complaint {args.complaint}: no node of the network {site.network.name}"))
    _refuse(problems)


def _refuse(problems: list[Problem]) -> None:
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
    for one in document["stale_boundaries"]:
        age = (
            "never read well" if one["age_s"] is None else f"last read well {one['age_s'] / 60:.0f} min before the end"
        )
        lines.append(f"blind at {one['element']}: {age} ({', '.join(one['points'])})")
    lines += [one["text"] for one in document["remarks"]]
    rejected = [f"{one['count']} {one['reason']}" for one in document["window"]["rejected"]]
    if rejected:
        lines.append(f"left out: {', '.join(rejected)}")
    if not document["can_say"]:
        lines.append("these points cannot tell; the measurement above would")
    return "\n".join(lines) + "\n"
