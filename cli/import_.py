"""``hydro import``: samples from CSV or Parquet files into a site's store."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=".csv or .parquet: time, point, value, …")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Import the files one after the other."""
    from cli.progress import Progress
    from models.site_file import load_site
    from stores.exchange import import_file
    from stores.telemetry import open_telemetry

    site = load_site(args.site)
    store = open_telemetry(site.stores)
    counts = {}
    try:
        for path in args.files:
            progress = Progress(f"{path.name}: samples imported")
            for count in import_file(path, store, site.points):
                progress.add(count)
            counts[str(path)] = progress.end()
    finally:
        store.close()
    if args.json:
        sys.stdout.write(json.dumps({"samples": counts}) + "\n")
    else:
        sys.stdout.writelines(f"{path}: {count} samples\n" for path, count in counts.items())
    return 0
