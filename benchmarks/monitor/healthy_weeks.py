"""Twenty seeded healthy weeks, the monitor at its full cadence: how often is a pipe, a valve or a customer blamed?

``python -m benchmarks.monitor.healthy_weeks [--count 20] [--first 1001] [--ledger benchmarks/results/….jsonl]``: each
week is the sample site's plant with a seed of its own, a sample a point a minute (or as often as the point is polled),
a cycle and an examination a minute. The ledger keeps every week, so that it may be stopped and started again.

At most one blame in all is the mark; alarms of gauges and sources are told beside it.
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.ledger import Ledger, Row, fingerprint
from benchmarks.monitor.plant import calibrated, play
from benchmarks.monitor.watching import SOURCES, watch
from models.site import Site
from monitor.diagnoser import Diagnoser
from simulator.episodes import load_episode

MARK = 1
"""Blames allowed in all."""
HOURS = 168.0
STEP_S = 60


def main() -> None:
    """Play the weeks that the ledger lacks and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=1001, help="seed of the first week")
    parser.add_argument("--hours", type=float, default=HOURS, help="shorter weeks, to look how long one takes")
    parser.add_argument("--ledger", type=Path, default=Path("benchmarks/results/healthy_weeks.jsonl"))
    arguments = parser.parse_args()
    ledger = Ledger(arguments.ledger, fingerprint(SOURCES))
    seeds = range(arguments.first, arguments.first + arguments.count)
    keys = {seed: f"{seed}/{arguments.hours:g}h" for seed in seeds}
    with calibrated() as (site, diagnoser):
        for seed in seeds:
            if keys[seed] not in ledger.rows():
                row = week(site, diagnoser, seed, arguments.hours)
                ledger.keep(keys[seed], row)
                print(_line(row), flush=True)
    rows = [ledger.rows()[key] for key in keys.values()]
    blames = sum(len(row["blames"]) for row in rows)
    others = sum(len(row["others"]) for row in rows)
    cpu_h = sum(row["cpu_s"] for row in rows) / 3600.0
    print(f"{len(rows)} healthy weeks: {blames} blames of a pipe, valve or customer (at most {MARK} wanted)")
    print(f"{others} alarms of a gauge, a source or nothing known; {cpu_h:.1f} CPU-hours")


def week(site: Site, diagnoser: Diagnoser, seed: int, hours: float) -> Row:
    """Return what the monitor raised in one healthy week."""
    began = time.process_time()
    start = load_episode(site.folder, "healthy").start
    tape, _, _ = play(site, "healthy", seed, None, hours, step_s=STEP_S)
    watched = watch(site, diagnoser, tape, start, start + timedelta(hours=hours))
    return {
        "seed": seed,
        "blames": [one.row() for one in watched.raised if one.blames],
        "others": [one.row() for one in watched.raised if not one.blames],
        "alarms": watched.others,
        "diagnoses": watched.diagnoses,
        "cpu_s": round(time.process_time() - began, 1),
    }


def _line(row: Row) -> str:
    told = [f"{one['cause']} {'+'.join(one['elements'][:2])} at {one['time'][:16]}" for one in row["blames"]]
    return f"seed {row['seed']}: {len(told)} blames {told}, {len(row['others'])} others, {row['cpu_s']:.0f} CPU-s"


if __name__ == "__main__":
    main()
