"""``hydro calibrate``: learn a baseline from a window held to be healthy."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

import numpy as np

from models.sample import Sample
from models.site import Site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--history", type=Path, metavar="CSV", help="time,point,value: an export (default: the store)")
    parser.add_argument("--start", metavar="ISO8601", help="first instant of the window (default: all there is)")
    parser.add_argument("--end", metavar="ISO8601", help="end of the window")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Learn, keep the baseline where the site says, and tell how good the model is."""
    from cli.moments import moment_of
    from models.problem import BadInput
    from models.site_file import load_site
    from monitor.baseline_file import save_baseline
    from monitor.diagnoser import Diagnoser

    site = load_site(args.site)
    start, end = moment_of(args.start), moment_of(args.end)
    samples = _samples(args.history, site, start, end)
    if not samples:
        raise BadInput.of("no readings in the window, expected a healthy day or more", str(site.folder))
    first, last = min(one.time for one in samples), max(one.time for one in samples)
    diagnoser = Diagnoser(site, first)
    try:
        baseline = diagnoser.calibrate(samples, first.timestamp(), last.timestamp())
    finally:
        diagnoser.close()
    path = site.monitor.baseline_file or site.folder / "data/baseline.npz"
    save_baseline(baseline, path)
    rows: list[dict[str, float]] = [
        {"bias": float(bias), "scatter": float(scatter), "excess": float(excess)}
        for bias, scatter, excess in zip(baseline.bias, baseline.scatter, baseline.excess, strict=True)
    ]
    answer = {
        "window": {"start": first.isoformat(), "end": last.isoformat(), "samples": len(samples)},
        "steps": baseline.steps,
        "directions": baseline.departures.learnt.shape[1],
        "temper": baseline.temper,
        "points": [{"point": point, **row} for point, row in zip(baseline.points, rows, strict=True)],
        "baseline": str(path),
    }
    if args.json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return 0
    sys.stdout.write(f"learnt from {len(samples)} readings, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC\n")
    for row, name in zip(rows, baseline.points, strict=True):
        sys.stdout.write(f"  {name:28s} left unexplained {np.hypot(row['bias'], row['scatter']):.4g} (SI)\n")
    return 0


def _samples(history: Path | None, site: Site, start: datetime | None, end: datetime | None) -> list[Sample]:
    from datetime import UTC, timedelta

    from models.readings_file import read_history
    from stores.telemetry import open_telemetry

    if history is not None:
        samples = read_history(history, site.points)
        return [one for one in samples if (start is None or one.time >= start) and (end is None or one.time < end)]
    store = open_telemetry(site.stores)
    try:
        newest = store.newest()
        if newest is None:
            return []
        until = end or newest + timedelta(seconds=1)
        return store.range([point.name for point in site.points], start or datetime(1970, 1, 2, tzinfo=UTC), until)
    finally:
        store.close()
