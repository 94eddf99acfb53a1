"""`python -m benchmarks.diagnosis`: draw cases, hand them to the diagnosis, score its answers."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.diagnosis.case import CASES, HALVES, Spec, make
from benchmarks.diagnosis.choose import Group, choose
from benchmarks.diagnosis.networks import STANDARD
from benchmarks.diagnosis.run import Task, Workers, arguments, code, run_case
from benchmarks.diagnosis.score import score
from benchmarks.diagnosis.show import case_line, explained, tables
from benchmarks.ledger import Ledger, Row

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hydro-benchmarks"


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    commands = parser.add_subparsers(required=True)
    _run_command(commands.add_parser("run", help="draw and diagnose cases; one JSON line each"))
    scoring = commands.add_parser("score", help="score the lines of runs")
    scoring.add_argument("files", nargs="+", type=Path)
    scoring.add_argument("--any-code", action="store_true", help="lines of other states of the code as well")
    scoring.set_defaults(command=_score)
    failing = commands.add_parser("failing", help="cases whose true cause is not among the first five")
    failing.add_argument("files", nargs="+", type=Path)
    failing.add_argument("--any-code", action="store_true", help="lines of other states of the code as well")
    failing.set_defaults(command=_failing)
    args = parser.parse_args(words)
    return int(args.command(args))


def _run_command(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--networks", default=",".join(STANDARD), help="names or INP files, by commas")
    parser.add_argument("--kind", default="blocked_link", help=f"by commas, or all: {', '.join(CASES)}")
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--plain", dest="halves", action="store_const", const=HALVES[:1], help="truth as in the INP")
    half.add_argument("--departed", dest="halves", action="store_const", const=HALVES[1:], help="with 7 days' baseline")
    parser.add_argument("--cases", type=int, default=12, help="of each kind on each network in each half")
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", metavar="CASE", help="one case by its name")
    parser.add_argument("--complaint", action="store_true", help="tell who complains")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, help="file to append lines to; cases it already has are left out")
    parser.add_argument("--draw", action="store_true", help="only draw the cases")
    parser.add_argument("--visible", action="store_true", help="leave out faults that move no point by 0.3 m")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell the truth beside the answer")
    parser.set_defaults(command=_run, halves=HALVES)


def _run(args: argparse.Namespace) -> int:
    networks = args.networks.split(",")
    if args.only:
        network = next((one for one in networks if Path(one).stem == args.only.rsplit(".", 4)[0]), None)
        return _run_one(Task(Spec.parse(args.only, network), args.cache, args.complaint, True), args.verbose)
    kinds = CASES if args.kind == "all" else args.kind.split(",")
    groups = [Group(network, half, kind, args.seed) for network in networks for half in args.halves for kind in kinds]
    ledger = Ledger(args.out, code()) if args.out else None
    known = ledger.rows() if ledger else {}
    fresh = dict(known)
    with Workers(args.jobs) as workers:
        specs = choose(groups, args.first, args.cases, args.visible, args.cache, workers)
        if args.draw:
            print("\n".join(spec.name for spec in specs))
            return 0
        tasks = [Task(spec, args.cache, args.complaint) for spec in specs if spec.name not in known]
        for record in workers.map(run_case, tasks):
            fresh[record["case"]] = record
            print(case_line(record), file=sys.stderr, flush=True)
            if ledger:
                ledger.keep(record["case"], record)
    print(tables(score(fresh.values())))
    return 0


def _run_one(task: Task, verbose: bool) -> int:
    record = run_case(task)
    if verbose and "none" not in record:
        print("hydro", " ".join(arguments(make(task.spec, task.cache), task.complained)))
    print(explained(record) if verbose else json.dumps(record))
    return 0


def _score(args: argparse.Namespace) -> int:
    print(tables(score(_records(args.files, args.any_code))))
    return 0


def _failing(args: argparse.Namespace) -> int:
    for record in _records(args.files, args.any_code):
        line = case_line(record)
        if line.startswith("!"):
            print(line)
    return 0


def _records(files: Sequence[Path], any_code: bool) -> list[Row]:
    if any_code:
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [row for file in files for row in Ledger(file, code()).rows().values()]


if __name__ == "__main__":
    sys.exit(main())
