"""``hydro measure``: enter what a crew's gauge showed; the running monitor diagnoses its complaint anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--node", required=True, help="node of the network at which the gauge hung")
    parser.add_argument(
        "--pressure-m", type=float, required=True, metavar="M", help="pressure above the ground there, m"
    )
    parser.add_argument("--by", required=True, metavar="NAME", help="who read it")
    parser.add_argument("--time", metavar="ISO8601", help="when, with an offset (default: now at the site)")
    parser.add_argument("--complaint", type=int, default=0, metavar="ID", help="complaint that it was taken for")
    parser.add_argument("--order", type=int, default=0, metavar="ID", help="work order that it was taken for")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Keep the reading and say so."""
    from cli.records_json import moment, open_records, write_json
    from hydro.engine import Engine
    from models.measurement import HandReading
    from models.problem import BadInput
    from models.site_file import load_site
    from service.desk import reading_problems

    site = load_site(args.site)
    problems = reading_problems(f"reading at {args.node}", args.pressure_m)
    if problems:
        raise BadInput(problems)
    with Engine(site.network) as engine:
        if args.node not in engine.network.node_index:
            raise BadInput.of(f"node {args.node}: not in the network", str(site.network))
    with open_records(site) as records:
        if args.complaint:
            records.complaint(args.complaint)
        if args.order:
            records.order(args.order)
        time = moment(site, records, args.time)
        kept = records.keep_hand_reading(
            HandReading(args.node, time, args.pressure_m, args.by, args.complaint, args.order)
        )
    if args.json:
        write_json({"id": kept.id, "node": kept.node, "time": kept.time.isoformat(), "value_m": kept.value_m})
        return 0
    sys.stdout.write(f"reading {kept.id}: {kept.value_m:g} m at {kept.node}, kept\n")
    return 0
