"""`python -m benchmarks.diagnosis`: draw cases, hand them to the diagnosis, score its answers, report."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.case import CASES, HALVES, Spec, make
from benchmarks.diagnosis.choose import Group, choose
from benchmarks.diagnosis.measurement import run_measurement
from benchmarks.diagnosis.networks import STANDARD
from benchmarks.diagnosis.oracle import run_oracle
from benchmarks.diagnosis.report import Records, write_report
from benchmarks.diagnosis.run import Task, Workers, arguments, code, run_case
from benchmarks.diagnosis.scaling import SIZES, measure_net6, measure_tiled
from benchmarks.diagnosis.score import score
from benchmarks.diagnosis.show import case_line, explained, tables
from benchmarks.ledger import ROOT, Ledger, Row

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hydro-benchmarks"
RESULTS = ROOT / "benchmarks" / "results"
SUBSET = "Jiaozhou,L-TOWN,C-TOWN,Net3,ky4,ky10"
"""Networks on which the oracle can be afforded."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="draw and diagnose cases; one JSON line each")
    _choosing(run, ",".join(STANDARD), 12)
    run.add_argument("--kind", default="blocked_link", help=f"by commas, or all: {', '.join(CASES)}")
    half = run.add_mutually_exclusive_group()
    half.add_argument("--plain", dest="halves", action="store_const", const=HALVES[:1], help="truth as in the INP")
    half.add_argument("--departed", dest="halves", action="store_const", const=HALVES[1:], help="with 7 days' baseline")
    run.add_argument("--visible", action="store_true", help="leave out faults that move no point by 0.3 m")
    run.add_argument("--only", metavar="CASE", help="one case by its name")
    run.add_argument("--complaint", action="store_true", help="tell who complains")
    run.add_argument("--draw", action="store_true", help="only draw the cases")
    run.add_argument("-v", "--verbose", action="store_true", help="with --only: the truth beside the answer")
    run.set_defaults(command=_run, halves=HALVES)
    oracle = commands.add_parser("oracle", help="exact search of the visible plain blockages that `run` has")
    _choosing(oracle, SUBSET, 25)
    oracle.set_defaults(command=partial(_each, run_oracle))
    following = commands.add_parser("next", help="is the proposed measurement better than its rivals?")
    _choosing(following, SUBSET, 12)
    following.set_defaults(command=partial(_each, run_measurement))
    scaling = commands.add_parser("scaling", help="time and memory of single diagnoses, up to 100,000 links")
    scaling.add_argument("--sizes", default=",".join(map(str, SIZES)))
    scaling.add_argument("--cache", type=Path, default=CACHE)
    scaling.add_argument("--out", type=Path, default=RESULTS / "scaling.jsonl")
    scaling.set_defaults(command=_scaling)
    for name, command, told in (
        ("score", _score, "score the lines of runs"),
        ("failing", _failing, "cases with a visible fault not among the first five (!), or a false blame (x)"),
    ):
        reading = commands.add_parser(name, help=told)
        reading.add_argument("files", nargs="+", type=Path)
        reading.add_argument("--any-code", action="store_true", help="lines of other states of the code as well")
        reading.set_defaults(command=command)
    report = commands.add_parser("report", help="write docs/benchmarks.md from benchmarks/results")
    report.add_argument("--any-code", action="store_true", help="lines of other states of the code as well")
    report.add_argument("--note", default="", help="a sentence above the table")
    report.set_defaults(command=_report)
    args = parser.parse_args(words)
    return int(args.command(args))


def _choosing(parser: argparse.ArgumentParser, networks: str, cases: int) -> None:
    parser.add_argument("--networks", default=networks, help="names or INP files, by commas")
    parser.add_argument("--cases", type=int, default=cases, help="of each kind on each network in each half")
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, help="file to append lines to; cases it already has are left out")


def _run(args: argparse.Namespace) -> int:
    networks = args.networks.split(",")
    if args.only:
        network = next((one for one in networks if Path(one).stem == args.only.rsplit(".", 4)[0]), None)
        return _run_one(Task(Spec.parse(args.only, network), args.cache, args.complaint, thorough=True), args.verbose)
    kinds = CASES if args.kind == "all" else args.kind.split(",")
    groups = [Group(network, half, kind, args.seed) for network in networks for half in args.halves for kind in kinds]
    with Workers(args.jobs) as workers:
        specs = choose(groups, args.first, args.cases, args.visible, args.cache, workers)
        if args.draw:
            print("\n".join(spec.name for spec in specs))
            return 0
        tasks = [Task(spec, args.cache, args.complaint, args.visible) for spec in specs]
        rows = _kept(args.out, tasks, run_case, workers, case_line)
    print(tables(score(rows)))
    return 0


def _run_one(task: Task, verbose: bool) -> int:
    record = run_case(task)
    if verbose and "none" not in record:
        print("hydro", " ".join(arguments(make(task.spec, task.cache), task.complained)))
    print(explained(record) if verbose else json.dumps(record))
    return 0


def _each(call: Callable[[Task], dict[str, Any]], args: argparse.Namespace) -> int:
    """Call something of each visible plain blockage; one JSON line each."""
    groups = [Group(network, "plain", "blocked_link", args.seed) for network in args.networks.split(",")]
    with Workers(args.jobs) as workers:
        specs = choose(groups, args.first, args.cases, True, args.cache, workers)
        _kept(args.out, [Task(spec, args.cache) for spec in specs], call, workers, json.dumps)
    return 0


def _kept(
    out: Path | None,
    tasks: Sequence[Task],
    call: Callable[[Task], dict[str, Any]],
    workers: Workers,
    line: Callable[[dict[str, Any]], str],
) -> list[Row]:
    """Return the records of tasks, those that ``out`` has from there; each new one is told and kept at once."""
    ledger = Ledger(out, code()) if out else None
    rows = ledger.rows() if ledger else {}
    for record in workers.map(call, [task for task in tasks if task.spec.name not in rows]):
        rows[record["case"]] = record
        print(line(record), file=sys.stderr, flush=True)
        if ledger:
            ledger.keep(record["case"], record)
    return list(rows.values())


def _scaling(args: argparse.Namespace) -> int:
    ledger = Ledger(args.out, code())
    sizes = [int(one) for one in args.sizes.split(",")]
    tasks: dict[str, Callable[[], Any]] = {"Net6": partial(measure_net6, args.cache)}
    tasks |= {f"tiled {size}": partial(measure_tiled, size, args.cache) for size in sizes}
    for key, measure in tasks.items():
        if key not in ledger.rows():
            record = measure().record()
            ledger.keep(key, record)
            print(json.dumps(record), flush=True)
    return 0


def _score(args: argparse.Namespace) -> int:
    print(tables(score(_rows(args.files, args.any_code))))
    return 0


def _failing(args: argparse.Namespace) -> int:
    lines = [case_line(record) for record in _rows(args.files, args.any_code)]
    print("\n".join(line for line in lines if not line.startswith(" ")))
    return 0


def _report(args: argparse.Namespace) -> int:
    names = ("cases", "oracle", "next", "scaling")
    cases, oracle, following, scaling = (_rows([RESULTS / f"{name}.jsonl"], args.any_code) for name in names)
    measured = [{key: row[key] for key in row if key not in ("key", "code")} for row in scaling]
    write_report(Records(cases, oracle, following, measured), ROOT / "docs", args.note)
    return 0


def _rows(files: Sequence[Path], any_code: bool) -> list[Row]:
    if not any_code:
        return [row for file in files for row in Ledger(file, code()).rows().values()]
    lines = [line for file in files if file.is_file() for line in file.read_text(encoding="utf-8").splitlines()]
    # The last line of a case counts.
    return list({row["key"]: row for row in map(json.loads, lines)}.values())


if __name__ == "__main__":
    sys.exit(main())
