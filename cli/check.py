"""``hydro check``: everything that is wrong with a site at once, with file and line; no device is asked."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from hydro.conditions import Conditions
from hydro.connection import cut_off
from hydro.engine import Engine
from hydro.errors import NetworkError, SolveError
from hydro.network import Network, PressureDemand
from hydro.state import State
from models.fields import expected
from models.problem import BadInput, Problem
from models.site import Site
from models.site_file import read_site
from models.table_file import read_table
from monitor.placement import misplacement, short, unreadable

BAD_INPUT, UNSOLVABLE = 3, 4
_REFERENCES = (
    ("customers.csv", "customer", "customer_id", "node"),
    ("valves.csv", "valve", "valve_id", "link"),
    ("pipes.csv", "pipe", "link", "link"),
    ("zones.csv", "zone", "zone", "node"),
)
"""File, what its rows are called, the column of their name, and the column that names an element of the network."""


@dataclass
class Findings:
    """What a check has found so far; ``unsolvable`` says that the network loads and does not solve."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    unsolvable: bool = False

    @property
    def status(self) -> int:
        """Return the exit status."""
        if len(self.problems) > self.unsolvable:
            return BAD_INPUT
        return UNSOLVABLE if self.unsolvable else 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Check, and tell all problems: 0 when there is none, 3 for bad input, 4 when the network does not solve."""
    findings = Findings()
    site = _read(args.site, findings)
    network = None if site is None or not site.network.is_file() else _check_network(site, findings)
    if site is not None and not site.points:
        findings.warnings.append(Problem("holds no point yet, so nothing is read", str(site.folder / "points.csv")))
    _tell(site, network, findings, args.json)
    return findings.status


def _read(folder: Path, findings: Findings) -> Site | None:
    try:
        return read_site(folder, findings.problems)
    except BadInput as error:
        findings.problems.extend(one for one in error.problems if one not in findings.problems)
        return None


def _check_network(site: Site, findings: Findings) -> Network | None:
    try:
        engine = Engine(site.network, PressureDemand(required=site.monitor.required_pressure_m), workers=1)
    except NetworkError as error:
        # EPANET's own words begin with the file.
        findings.problems.append(Problem(str(error).removeprefix(f"{site.network}: "), str(site.network)))
        return None
    with engine:
        network = engine.network
        findings.problems.extend(cross_check(site.folder, network))
        if unreadable(network):
            text = f'id "{unreadable(network)}" is not UTF-8, expected UTF-8, or no other file can name it'
            findings.warnings.append(Problem(text, str(site.network)))
        conditions, time_s = busiest(engine)
        try:
            state = engine.solve(conditions)
        except SolveError as error:
            findings.problems.append(Problem(f"does not solve at {_clock(time_s)}: {error}", str(site.network)))
            findings.unsolvable = True
        else:
            remarks = [*state.warnings, *_thirsty(network, state)]
            findings.warnings += [Problem(f"at {_clock(time_s)} {remark}", str(site.network)) for remark in remarks]
    findings.warnings.extend(compare_times(site.network, network))
    return network


def busiest(engine: Engine) -> tuple[Conditions, float]:
    """Return the conditions at the pattern step of greatest demand within the network's duration, at least a day."""
    network = engine.network
    step = float(max(network.pattern_step_s, 1))
    times = np.arange(0.0, max(network.duration_s, 86400), step)
    totals = [float(engine.demand_at(time).sum()) for time in times]
    time_s = float(times[int(np.argmax(totals))])
    return engine.default_conditions(time_s), time_s


def _thirsty(network: Network, state: State) -> list[str]:
    """Return a remark on the nodes with demand that no open link joins to a source."""
    dry = np.flatnonzero(cut_off(network, state.status) & (network.base_demand > 0.0))
    if not dry.size:
        return []
    others = f" and {dry.size - 1} more with demand" if dry.size > 1 else ""
    return [f"no open link leads from a reservoir or tank to node {network.node_ids[dry[0]]}{others}"]


def cross_check(folder: Path, network: Network) -> list[Problem]:
    """Return a problem for every row that names what the network has not, or a quantity its element cannot have."""
    found = []
    ids = {"node": network.node_index, "link": network.link_index}
    for file, what, name, column in _REFERENCES:
        path = folder / file
        if not path.exists():
            continue
        for values, line in read_table(path, (column,), (), []):
            element = values[column].strip()
            if element and element not in ids[column]:
                subject = f"{what} {values.get(name, '').strip()}".strip()
                near = expected(element, ids[column]) if ids[column] else f"no {column} at all"
                message = f'{subject}: {column} "{element}" is not in the network, expected {short(near, column)}'
                found.append(Problem(message, str(path), line))
    path = folder / "points.csv"
    for values, line in read_table(path, ("name", "element", "quantity"), (), []) if path.exists() else ():
        message = misplacement(values["element"].strip(), values["quantity"].strip(), network)
        if message:
            found.append(Problem(f"point {values['name'].strip()}: {message}", str(path), line))
    return found


def compare_times(inp: Path, network: Network) -> list[Problem]:
    """Return a warning for every time that another reader of the file, wntr, takes otherwise than EPANET does."""
    import wntr

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            times = wntr.network.WaterNetworkModel(str(inp)).options.time
    except Exception as error:  # noqa: BLE001 (another's reader may fail in any way; that is its finding)
        return [Problem(f"wntr cannot read what EPANET reads ({type(error).__name__}: {error})", str(inp))]
    # EPANET shortens the hydraulic step to the pattern's and the report's.
    step = min(times.hydraulic_timestep, times.pattern_timestep, times.report_timestep or times.hydraulic_timestep)
    pairs = {
        "DURATION": (network.duration_s, times.duration),
        "HYDRAULIC TIMESTEP": (network.hydraulic_step_s, step),
        "PATTERN TIMESTEP": (network.pattern_step_s, times.pattern_timestep),
        "PATTERN START": (network.pattern_start_s, times.pattern_start),
        "START CLOCKTIME": (network.start_clocktime_s, times.start_clocktime),
    }
    return [
        Problem(f"{word}: EPANET reads {ours:g} s, wntr {theirs:g} s; EPANET's is used", str(inp))
        for word, (ours, theirs) in pairs.items()
        if abs(ours - theirs) > 0.5
    ]


def _tell(site: Site | None, network: Network | None, findings: Findings, as_json: bool) -> None:
    for problem in findings.problems:
        sys.stderr.write(f"{problem}\n")
    for warning in findings.warnings:
        sys.stderr.write(f"{warning} (a warning)\n")
    counts = {
        "points": 0 if site is None else len(site.points),
        "nodes": 0 if network is None else len(network.node_ids),
        "links": 0 if network is None else len(network.link_ids),
    }
    if as_json:
        answer = {
            "site": None if site is None else site.name,
            "ok": not findings.problems,
            **counts,
            "problems": [asdict(problem) for problem in findings.problems],
            "warnings": [asdict(warning) for warning in findings.warnings],
        }
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    elif findings.problems:
        sys.stdout.write(f"{len(findings.problems)} problem{'s' if len(findings.problems) > 1 else ''}\n")
    elif site is not None:
        sys.stdout.write(
            f"{site.name}: no problem; {counts['nodes']} nodes, {counts['links']} links, {counts['points']} points\n"
        )


def _clock(time_s: float) -> str:
    return f"network time {int(time_s // 3600):02d}:{int(time_s % 3600 // 60):02d}"
