"""The historian's export: a healthy week of readings, as a utility has it when it installs Hydro."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

from simulator.history import history

START = datetime.fromisoformat("2026-06-29T00:00:00+08:00")
HOURS = 168
EVERY = timedelta(minutes=15)
SEED = 629
"""Another than the plant's own, so that no later episode repeats this week's chance."""


def export(site: Path) -> str:
    """Return ``time,point,value`` of a healthy week at the site's plant, a row a point every quarter of an hour."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["time", "point", "value"])
    for time, samples in history(site, "healthy", SEED, START, HOURS):
        if (time - START) % EVERY:
            continue
        rows.writerows((time.isoformat(), sample.point, f"{sample.value:.6g}") for sample in samples)
    return text.getvalue()
