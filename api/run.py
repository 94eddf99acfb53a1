"""The process of one run: asked on standard input, it says how far it is on standard output, a line of JSON each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hydro.errors import HydroError
from hydro.hypothesis import Priors
from models.complaint import Complaint
from models.problem import HydroInputError
from models.site import Site
from models.site_file import load_site
from monitor.baseline_file import load_baseline
from monitor.diagnoser import Asked, Diagnoser
from stores.records import Records
from stores.telemetry import open_telemetry
from stores.works import Works

NICE = 5
"""People who wait for a what-if go first."""


def main() -> int:
    """Make the diagnosis that is asked for; return 0 when it was kept."""
    os.nice(NICE)
    asked: dict[str, Any] = json.load(sys.stdin)
    try:
        site = load_site(Path(sys.argv[1]))
        with Records(site.stores.records_url) as records:
            kept = _make(site, records, asked)
    except (HydroError, HydroInputError) as error:
        _say({"state": "failed", "problem": str(error)})
        return 1
    _say({"state": "done", "diagnosis_id": kept})
    return 0


def _make(site: Site, records: Records, asked: Mapping[str, Any]) -> int:
    _say({"state": "reading"})
    start, end = datetime.fromisoformat(asked["start"]), datetime.fromisoformat(asked["end"])
    number = asked["complaint_id"]
    complaint = None if number is None else records.complaint(number)
    if complaint is None and asked["node"] is not None:
        complaint = Complaint("", asked["node"], end, "")
    out = Works(records.database).out_of_scan()
    telemetry = open_telemetry(site.stores)
    try:
        samples = telemetry.range([point.name for point in site.points if point.name not in out], start, end)
    finally:
        telemetry.close()
    diagnoser = Diagnoser(site, end)
    try:
        baseline = site.monitor.baseline_file
        if baseline is not None and baseline.exists():
            diagnoser.baseline = load_baseline(baseline)
        readings = () if number is None else records.hand_readings(number)
        last = max([end, *(one.time + timedelta(minutes=5) for one in readings)])
        _say({"state": "searching"})
        question = Asked(start.timestamp(), last.timestamp(), complaint, readings)
        document = diagnoser.diagnose(samples, question, Priors())
    finally:
        diagnoser.close()
    return records.keep_diagnosis(document, f"run/{asked['run']}", number)


def _say(what: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
