"""``hydro map``: the map of a site as an SVG picture, with the causes of a diagnosis where one is given."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from models.site import Site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site")
    parser.add_argument(
        "--diagnosis",
        metavar="DOC.json|N",
        help="a file with the answer of hydro diagnose --json, or a kept one's number",
    )
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="language of the picture (en)")
    parser.add_argument("-o", "--output", type=Path, metavar="MAP.svg", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Draw."""
    from cli.map_picture import draw
    from hydro.engine import Engine
    from models.problem import BadInput
    from models.site_file import load_site
    from models.whole_file import write_whole

    site = load_site(args.site)
    document = None if args.diagnosis is None else _document(args.diagnosis, site)
    with Engine(site.network, workers=1) as engine:
        network = engine.network
    if not any(x == x and y == y for x, y in zip(network.x, network.y, strict=True)):
        raise BadInput.of("no node has coordinates, expected a section [COORDINATES]", str(site.network))
    told = draw(site, network, document, args.language)
    if args.output is None:
        sys.stdout.write(told)
        return 0
    try:
        write_whole(args.output, told)
    except OSError as error:
        raise BadInput.of(f"cannot be written: {error.strerror}", str(args.output)) from error
    sys.stderr.write(f"{args.output}: written\n")
    return 0


def _document(given: str, site: Site) -> Any:
    from cli.map_causes import check_document
    from models.problem import BadInput

    if given.isdecimal() and not Path(given).exists():
        from cli.records_json import open_records

        with open_records(site) as records:
            return records.diagnosis(int(given))
    try:
        return check_document(json.loads(Path(given).read_text(encoding="utf-8")), given)
    except OSError as error:
        raise BadInput.of(f"cannot be read: {error.strerror}", given) from error
    except ValueError as error:
        raise BadInput.of(f"is no JSON: {error}", given) from error
