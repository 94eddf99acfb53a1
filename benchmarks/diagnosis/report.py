"""The report: the table of the diagnosis, its plots, and how to repeat them, as a section of docs/benchmarks.md."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.judge import Judged
from benchmarks.diagnosis.plots import draw_calibration, draw_hits, draw_scaling
from benchmarks.diagnosis.rows import REPORTED, Asked, Row, table
from benchmarks.diagnosis.scaling import Measured, growth
from benchmarks.diagnosis.score import Score, by_network, score
from benchmarks.diagnosis.show import network_table

LARGE_LINKS, CITY_LINKS = 500, 50_000
_BEGIN, _END = "<!-- diagnosis: written by python -m benchmarks.diagnosis report -->", "<!-- diagnosis: end -->"


@dataclass(frozen=True, slots=True)
class Records:
    """All that was measured: of cases, of the oracle, of further measurements, of scaling."""

    cases: Sequence[Mapping[str, Any]]
    oracle: Sequence[Mapping[str, Any]]
    measurements: Sequence[Mapping[str, Any]]
    scaling: Sequence[Mapping[str, Any]]


def write_report(records: Records, docs: Path, note: str) -> None:
    """Write the section and its plots; the rest of the page is left as it is."""
    scored = score(records.cases)
    sizes = [Measured(**one) for one in records.scaling]
    images = docs / "images"
    images.mkdir(exist_ok=True)
    draw_calibration(scored.judged, images / "diagnosis-calibration.svg")
    draw_hits(scored.judged, images / "diagnosis-hits.svg")
    draw_scaling(sizes, images / "diagnosis-scaling.svg")
    page = docs / "benchmarks.md"
    old = page.read_text(encoding="utf-8") if page.is_file() else "# Benchmarks\n\n"
    head, _, rest = old.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    page.write_text(head + _section(records, scored, sizes, note) + (tail or "\n"), encoding="utf-8")


def oracle_rows(cases: Sequence[Judged], records: Iterable[Mapping[str, Any]], links: Mapping[str, int]) -> list[Row]:
    """Return the diagnosis against the oracle: what it finds of what can be found, and the time it takes."""
    judged = {one.case: one for one in cases}
    both = [(judged[one["case"]], one) for one in records if one["case"] in judged]
    ours = sum(one.hit(5) for one, _ in both)
    theirs = sum(one["rank"] is not None and one["rank"] <= 5 for _, one in both)
    large = [(one, oracle) for one, oracle in both if links[one.case] >= LARGE_LINKS]
    spent = [one.elapsed_s / (oracle["solves"] * oracle["bare_solve_s"]) for one, oracle in large]
    return [
        Row(
            f"first 5 against the oracle's, visible plain blockages ({ours} / {theirs})",
            Asked(0.97),
            ours / theirs if theirs else math.nan,
            len(both),
        ),
        Row(
            f"time against the oracle's solves at a bare solve's time, >= {LARGE_LINKS} links",
            Asked(most=0.01),
            sum(spent) / len(spent) if spent else math.nan,
            len(spent),
        ),
    ]


def measurement_rows(records: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return how often the proposed measurement tells more than each of the two rivals."""
    taken = [one for one in records if "after" in one]
    rows = []
    for rival, words in (("complaint", "the complaining customer's node"), ("spread", "the widest predicted spread")):
        better = sum(one["after"]["proposed"] > one["after"][rival] for one in taken)
        alike = sum(one["nodes"]["proposed"] == one["nodes"][rival] for one in taken)
        what = f"next measurement tells more than at {words} (the same node in {alike})"
        rows.append(Row(what, Asked(0.70), better / len(taken) if taken else math.nan, len(taken)))
    return rows


def scaling_rows(measured: Sequence[Measured]) -> list[Row]:
    """Return time and memory of single diagnoses, and how the time grows."""
    rows = []
    for one in measured:
        seconds, memory = REPORTED, REPORTED
        if one.what.startswith("Net6"):
            seconds, memory = Asked(most=5.0), Asked(most=1.5)
        elif one.links > CITY_LINKS:
            seconds, memory = Asked(most=60.0), Asked(most=4.0)
        rows.append(Row(f"{one.what}: s", seconds, math.nan if one.elapsed_s is None else one.elapsed_s, one.links))
        rows.append(Row(f"{one.what}: GiB", memory, one.peak_gib, one.links))
    tiled = [one for one in measured if not one.what.startswith("Net6")]
    exponent = growth(tiled)
    if exponent is not None:
        rows.append(Row("time grows with links to the power", Asked(most=1.3), exponent, len(tiled)))
    return rows


def _section(records: Records, scored: Score, sizes: Sequence[Measured], note: str) -> str:
    links = {one["case"]: one["truth"]["links"] for one in records.cases if "truth" in one}
    packages = ", ".join(f"{name} {version(name)}" for name in ("owa-epanet", "wntr", "numpy", "scipy"))
    versions = f"Python {platform.python_version()}, {packages}"
    seeds = sorted({one["truth"]["seed"] for one in records.cases if "truth" in one})
    rows = [
        *scored.rows,
        *oracle_rows(scored.judged, records.oracle, links),
        *measurement_rows(records.measurements),
        *scaling_rows(sizes),
    ]
    kept = [row for row in rows if row.count]
    lines = [
        _BEGIN,
        "## The diagnosis",
        "",
        f"{len(scored.judged)} cases, seeds {', '.join(map(str, seeds))}; {versions}.",
        "What a case is: [the measuring stick](explanation/measuring-stick.md). "
        "The column *cases* says how many each figure rests on (links, for single diagnoses).",
        "",
        *([note, ""] if note else []),
        table(kept),
        "",
        *network_table(scored.judged),
        "",
        _costs(scored.judged),
        "",
        "![How often leading causes are true, against how likely they are called](images/diagnosis-calibration.svg)",
        "![Visible blockages among the first k causes](images/diagnosis-hits.svg)",
        "![Time of one diagnosis against the links of the network](images/diagnosis-scaling.svg)",
        "",
        "```sh",
        "python -m benchmarks            # everything, going on where it stopped; writes this page",
        "python -m benchmarks.diagnosis run --kind all --cases 12 --jobs 2 --out benchmarks/results/cases.jsonl",
        "python -m benchmarks.diagnosis run --visible --cases 25 --jobs 2 --out benchmarks/results/cases.jsonl",
        "python -m benchmarks.diagnosis oracle --cases 25 --jobs 2 --out benchmarks/results/oracle.jsonl",
        "python -m benchmarks.diagnosis next --cases 12 --jobs 2 --out benchmarks/results/next.jsonl",
        "python -m benchmarks.diagnosis scaling --out benchmarks/results/scaling.jsonl",
        "python -m benchmarks.diagnosis report",
        "```",
        _END,
    ]
    return "\n".join(lines)


def _costs(judged: Sequence[Judged]) -> str:
    """Return a line on how long a diagnosis takes, network by network."""
    lines = ["| network | median seconds a diagnosis |", "|---|---|"]
    for network in by_network(judged, lambda _: True):
        took = sorted(one.elapsed_s for one in judged if one.network == network)
        lines.append(f"| {network} | {took[len(took) // 2]:.1f} |")
    return "\n".join(lines)
