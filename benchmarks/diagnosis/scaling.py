"""Time and memory of one diagnosis, from a network of hundreds of links to a city of a hundred thousand."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.diagnosis.case import Spec, make
from benchmarks.diagnosis.faults import Ground
from benchmarks.diagnosis.layout import Layout, graph_of, spread
from benchmarks.diagnosis.networks import Network, inp_of
from benchmarks.diagnosis.project import STEP_S, Project
from benchmarks.diagnosis.readings import devices_of, iso, read, with_noise, write
from benchmarks.diagnosis.run import arguments
from benchmarks.diagnosis.tile import tile
from benchmarks.diagnosis.truth import DAY_S, Fault, Truth

TILED = "Jiaozhou"
SIZES = (1_000, 10_000, 100_000)
POINTS, HOURS = 200, 24
LONGEST_S = 560.0
BLOCKED = 3e4
"""Minor loss of the pipe that is blocked."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One diagnosis in a process of its own: seconds from parsed inputs to the answer, in all, and peak memory."""

    what: str
    links: int
    elapsed_s: float | None
    wall_s: float
    peak_gib: float
    rank: int | None

    def record(self) -> dict[str, Any]:
        """Return the record of a ledger."""
        names = ("what", "links", "elapsed_s", "wall_s", "peak_gib", "rank")
        return {name: getattr(self, name) for name in names}


def measure_net6(cache: Path) -> Measured:
    """Return what Net6 costs: one per 30 junctions (110 points), 96 times."""
    folder = make(Spec("Net6", "plain", "blocked_link", 1, 0), cache)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return _measured("Net6, 110 points x 96 times", truth["links"], arguments(folder, False), "")


def measure_tiled(links: int, cache: Path) -> Measured:
    """Return what a city of about so many links costs: 200 points (a third of all junctions at most), 24 times."""
    inp = inp_of(TILED)
    project = Project(inp)
    copies = max(1, round(links / (len(project.elements.link_ids) + 1)))
    project.close()
    folder = cache / f"tiled-{copies}"
    folder.mkdir(parents=True, exist_ok=True)
    network = folder / "network.inp"
    if not network.is_file():
        tile(inp, copies, network)
    blocked, count, points = _write_day(network, folder)
    words = ["diagnose", str(network), "--readings", str(folder / "readings.csv"), "--start", iso(0.0), "--json"]
    return _measured(f"{TILED} x {copies}, {points} points x {HOURS} times", count, words, blocked)


def growth(measured: Sequence[Measured]) -> float | None:
    """Return the exponent of links by which the time grows, None where too little was measured."""
    done = [(one.links, one.elapsed_s) for one in measured if one.elapsed_s]
    if len(done) < 2:
        return None
    return float(np.polyfit([math.log(links) for links, _ in done], [math.log(seconds) for _, seconds in done], 1)[0])


def _write_day(network: Path, folder: Path) -> tuple[str, int, int]:
    """Write a day of hourly readings with a pipe blocked at noon; return the pipe, the links and the points."""
    project = Project(network)
    try:
        elements = project.elements
        times = np.arange(0, DAY_S + 2 * STEP_S, STEP_S)
        patterns = project.patterns(times)
        rng = np.random.default_rng(1)
        modelled = project.demands(patterns)
        demand = modelled * rng.lognormal(0.0, 0.15, (len(modelled), 1)) * rng.lognormal(0.0, 0.1, modelled.shape)
        count = min(POINTS, len(elements.junctions) // 3)
        points = np.array(spread(graph_of(elements), elements.junctions, count, rng), dtype=np.intp)
        zone = np.zeros(len(elements.node_ids), dtype=np.intp)
        ground = Ground(elements, Layout(points, zone), demand.mean(axis=1), project.roughness, project.closed)
    finally:
        project.close()
    truth = Truth(Network(network, False), demand, patterns, None, ground, 0)
    beside = np.flatnonzero((elements.start == points[-1]) | (elements.end == points[-1]))
    fault = Fault("blocked_link", (int(beside[0]),), BLOCKED, DAY_S // 2)
    states = truth.run((fault,), 0)
    hourly = np.arange(0, DAY_S, DAY_S // HOURS, dtype=float)
    devices = [one for one in devices_of(ground, False, rng) if one.quantity != "flow"]
    write(folder / "readings.csv", with_noise(read(devices, ground, states, hourly, [fault.onset]), rng), hourly)
    return elements.link_ids[fault.target[0]], len(elements.link_ids), len(points)


def _measured(what: str, links: int, words: Sequence[str], blocked: str) -> Measured:
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        command = [sys.executable, "-W", "ignore", "-m", "cli.main", *words]
        process = subprocess.Popen(["timeout", f"{LONGEST_S:.0f}", *command], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        out.seek(0)
        answer = json.loads(out.read()) if process.returncode == 0 else {}
    causes = answer.get("causes", [])
    rank = next((place for place, one in enumerate(causes, 1) if blocked and blocked in one["elements"]), None)
    return Measured(what, links, answer.get("elapsed_s"), wall, usage.ru_maxrss / 2**20, rank)
