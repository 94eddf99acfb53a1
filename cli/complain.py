"""``hydro complain``: a customer says that the pressure is low."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--customer", required=True, metavar="ID", help="customer_id of customers.csv")
    parser.add_argument("--words", required=True, help="what the customer says")
    parser.add_argument(
        "--time", metavar="ISO8601", help="when it was raised, with an offset (default: now at the site)"
    )
    parser.add_argument("--reading-m", type=float, metavar="M", help="pressure at the customer's own gauge, in m")
    parser.add_argument("--by", default="", metavar="NAME", help="who takes it down")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Keep the complaint and say so."""
    from cli.records_json import complaint_document, moment, open_records, write_json
    from models.site_file import load_site
    from service.desk import take_complaint

    site = load_site(args.site)
    with open_records(site) as records:
        time = moment(site, records, args.time)
        complaint = take_complaint(site, records, args.customer, args.words, time, args.reading_m, args.by)
    if args.json:
        write_json(complaint_document(complaint))
        return 0
    name = site.customer(complaint.customer_id).name
    sys.stdout.write(
        f"complaint {complaint.id} of {complaint.customer_id} ({name}) at node {complaint.node} is kept;"
        " the monitor answers it at its next cycle\n"
    )
    return 0
