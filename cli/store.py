"""``hydro store``: what a site's store and spool hold; and InfluxDB made ready for the site."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, metavar="SITE", help="folder of the site")
    parser.add_argument("--prepare", action="store_true", help="make InfluxDB's buckets and task as the site asks")
    parser.add_argument("--refused", action="store_true", help="list the samples that the store would not take")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Say what is held; prepare the server first if asked to."""
    from models.problem import BadInput
    from models.site_file import load_site
    from stores.influx import InfluxStore
    from stores.spool import open_spool
    from stores.telemetry import open_telemetry

    site = load_site(args.site)
    store = open_telemetry(site.stores)
    spool = open_spool(site.stores)
    try:
        if args.prepare:
            if not isinstance(store, InfluxStore):
                raise BadInput.of("the embedded store needs no preparing", str(site.folder / "site.toml"))
            store.prepare()
        state, oldest, newest = spool.state(), store.oldest(), store.newest()
        answer: dict[str, Any] = {
            "telemetry": site.stores.telemetry,
            "points": len(store.points()),
            "oldest": oldest and oldest.isoformat(),
            "newest": newest and newest.isoformat(),
            "waiting": state.waiting,
            "spool_full_percent": round(100.0 * state.full_share, 1),
            "set_aside": state.set_aside,
            "lost": [
                {"why": one.why, "samples": one.samples, "first": one.first.isoformat(), "last": one.last.isoformat()}
                for one in state.losses
            ],
        }
        if args.refused:
            answer["refused"] = [
                {"point": sample.point, "time": sample.time.isoformat(), "value": repr(sample.value), "why": why}
                for sample, why in spool.refused()
            ]
    finally:
        spool.close()
        store.close()
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n" if args.json else _told(answer))
    return 0


def _told(answer: dict[str, Any]) -> str:
    lines = [
        f"{answer['telemetry']}: {answer['points']} points, {answer['oldest'] or '–'} to {answer['newest'] or '–'}",
        f"spool: {answer['waiting']} samples wait, {answer['spool_full_percent']:g} % full,"
        f" {answer['set_aside']} set aside",
    ]
    lines += [
        f"lost ({one['why']}): {one['samples']} samples, {one['first']} to {one['last']}" for one in answer["lost"]
    ]
    lines += [f"refused: {one['point']} at {one['time']}: {one['why']}" for one in answer.get("refused", [])]
    return "\n".join(lines) + "\n"
