"""`python -m benchmarks`: measure everything, going on where the last run stopped, and write docs/benchmarks.md.

``--cases N`` sets how many cases of each kind, network and half the diagnosis gets; all of it takes hours, and each
piece can be run by itself (`python -m benchmarks.diagnosis --help`).
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.diagnosis.__main__ import RESULTS
from benchmarks.diagnosis.__main__ import main as diagnosis


def main() -> int:
    """Run every measurement of the diagnosis, then write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    drawn = ["--seed", str(args.seed), "--jobs", str(args.jobs)]
    cases = ["run", *drawn, "--out", str(RESULTS / "cases.jsonl")]
    for words in (
        ["scaling", "--out", str(RESULTS / "scaling.jsonl")],
        [*cases, "--cases", str(2 * args.cases), "--visible"],
        [*cases, "--cases", str(2 * args.cases), "--kind", "healthy"],
        [*cases, "--cases", str(args.cases), "--kind", "all"],
        ["oracle", *drawn, "--cases", str(2 * args.cases), "--out", str(RESULTS / "oracle.jsonl")],
        ["next", *drawn, "--cases", str(args.cases), "--out", str(RESULTS / "next.jsonl")],
        ["report"],
    ):
        status = diagnosis(words)
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
