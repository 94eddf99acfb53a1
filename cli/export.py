"""``hydro export``: samples of a site's store into a CSV or Parquet file."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site")
    parser.add_argument("file", type=Path, metavar="FILE", help=".csv or .parquet, written anew")
    parser.add_argument("--start", metavar="ISO8601", help="the first instant; default: the oldest sample's")
    parser.add_argument("--end", metavar="ISO8601", help="the instant after the last; default: after the newest sample")
    parser.add_argument("--point", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Export what is asked for."""
    from cli.moments import moment_of
    from cli.progress import Progress
    from models.problem import BadInput
    from models.site_file import load_site
    from stores.exchange import export_file
    from stores.telemetry import open_telemetry

    start, end = moment_of(args.start), moment_of(args.end)
    store = open_telemetry(load_site(args.site).stores)
    try:
        held = store.points()
        missing = [name for name in args.point if name not in held]
        if missing:
            raise BadInput.of(f"the store holds no sample of point {', '.join(missing)}")
        oldest, newest = store.oldest(), store.newest()
        if oldest is None or newest is None:
            raise BadInput.of("the store holds no samples")
        progress = Progress("samples exported")
        span = (start or oldest, end or newest + timedelta(microseconds=1))
        for count in export_file(args.file, store, args.point or held, *span):
            progress.add(count)
    finally:
        store.close()
    said = json.dumps({"samples": progress.end()}) if args.json else f"{args.file}: {progress.end()} samples"
    sys.stdout.write(said + "\n")
    return 0
