"""`hydro demo` on unseen seeds and mains: plant, collectors, service and crew over real sockets, the story to its end.

``python -m benchmarks.monitor.demos [--count 10] [--seed 1] [--ledger …]``: mains and seeds drawn at random; what the
plant says is no case (nobody loses enough when the main is blocked) is drawn again. The ledger keeps every demo, so
that it may be stopped and started again. Wanted: the story to its end, the true main among the first five in 8 of 10.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ledger import Ledger, Row, fingerprint
from benchmarks.monitor.plant import JIAOZHOU
from benchmarks.monitor.watching import SOURCES
from models.site_file import load_site

FIRST = 5
NO_CASE = 4
"""Exit status where the plant finds nobody who would complain."""
PATIENCE_S = 900.0


def main() -> None:
    """Play the demos that the ledger lacks and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", type=Path, default=Path("benchmarks/results/demos.jsonl"))
    arguments = parser.parse_args()
    ledger = Ledger(arguments.ledger, fingerprint((*SOURCES, "cli", "collectors", "service", "stores")))
    draw = random.Random(arguments.seed)
    mains = [pipe.link for pipe in load_site(JIAOZHOU).pipes]
    told: list[Row] = []
    while len(told) < arguments.count:
        link, seed = draw.choice(mains), draw.randrange(10**6)
        key = f"{link}/{seed}"
        if key not in ledger.rows():
            ledger.keep(key, played(link, seed))
        row = ledger.rows()[key]
        if row["status"] == NO_CASE:
            continue
        told.append(row)
        print(_line(row), flush=True)
    ended = sum(row["ok"] for row in told)
    for name in ("diagnosis", "measurement"):
        hits = sum(0 < (row["ranks"].get(name) or 0) <= FIRST for row in told)
        print(f"true main among the first {FIRST} at the {name}: {hits} of {len(told)}")
    print(f"the story to its end: {ended} of {len(told)}; {max(row['wall_s'] for row in told):.0f} s at most")


def played(link: str, seed: int) -> Row:
    """Return how one demo went."""
    command = [sys.executable, "-m", "cli.main", "demo", "--headless", "--json", "--seed", str(seed)]
    began = time.monotonic()
    run = subprocess.run(
        [*command, "--fault-link", link], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    document: dict[str, Any] = json.loads(run.stdout) if run.stdout.strip() else {"steps": [], "ok": False}
    steps = {step["name"]: step for step in document["steps"]}
    missed = next((step for step in document["steps"] if not step["ok"]), None)
    return {
        "link": link,
        "seed": seed,
        "status": run.returncode,
        "ok": document["ok"],
        "ranks": {name: step["figures"].get("rank_of_blocked") for name, step in steps.items()},
        "missed": None if missed is None else {"name": missed["name"], "why": missed["figures"].get("reason", "")},
        "gain_m": {
            name: steps.get("verified", {}).get("figures", {}).get(f"{name}_gain_m")
            for name in ("measured", "forecast")
        },
        "told": [] if document["steps"] else run.stderr.strip().splitlines()[-3:],
        "wall_s": round(time.monotonic() - began, 1),
    }


def _line(row: Row) -> str:
    ranks = f"rank {row['ranks'].get('diagnosis')}, then {row['ranks'].get('measurement')}"
    end = "to its end" if row["ok"] else f"status {row['status']}, missed {row['missed']} {row['told']}"
    gain = f"gain {row['gain_m']['measured']} m of {row['gain_m']['forecast']} m"
    return f"{row['link']} seed {row['seed']}: {ranks}, {end}, {gain}, {row['wall_s']:.0f} s"


if __name__ == "__main__":
    main()
