"""Where the networks of the benchmark are: this repository's, wntr's, and a folder of downloaded ones."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import sample_networks
from benchmarks.diagnosis.elements import Elements, Floats
from benchmarks.diagnosis.project import STEP_S, Project, Unsolvable

STANDARD = ("Jiaozhou", "L-TOWN", "C-TOWN", "Net3", "Net6", "ky4", "ky10")
DIURNAL = (
    0.5,
    0.4,
    0.4,
    0.4,
    0.5,
    0.8,
    1.3,
    1.7,
    1.6,
    1.3,
    1.1,
    1.0,
    1.0,
    1.0,
    0.9,
    0.9,
    1.0,
    1.2,
    1.5,
    1.6,
    1.4,
    1.2,
    0.8,
    0.5,
)
"""Hourly demand factors of a town, for networks that come without any pattern [-]."""


def inp_of(name: str) -> Path:
    """Return the INP of a standard network's name, or of a path.

    L-TOWN.inp (BattLeDIM, Zenodo 4017659) and C-TOWN.inp (BATADAL) are looked for in ``$HYDRO_NETWORKS`` and in
    ``shared/networks`` in and beside the repository.
    """
    if name.lower().endswith(".inp"):
        return Path(name).resolve()
    if name == "Jiaozhou":
        return Path(sample_networks.__file__).parent / "jiaozhou" / "network.inp"
    root = Path(__file__).parents[2]
    folders = [
        Path(os.environ.get("HYDRO_NETWORKS", "none")),
        root / "shared/networks",
        root.parent / "shared/networks",
    ]
    found = importlib.util.find_spec("wntr")
    if found is not None and found.origin is not None:
        folders.append(Path(found.origin).parent / "library/networks")
    for folder in folders:
        path = folder / f"{name}.inp"
        if path.is_file():
            return path.resolve()
    raise FileNotFoundError(f"network {name}: no {name}.inp in {', '.join(map(str, folders))}; set HYDRO_NETWORKS")


BOUNDARIES, BOUNDARY_MM, APART_M, NEIGHBOURS = 6, 150.0, 6.0, 12


@dataclass(frozen=True, slots=True)
class Network:
    """A network made fit for cases: its INP as the diagnosis gets it, and whether its tanks are held.

    ``held``: the file describes a moment and not a week (ky10: pumps of constant power beside tanks that run dry within
    a day, and customers with them). The truth's tanks are then so wide that their levels hardly move.
    """

    inp: Path
    held: bool


def prepare(inp: Path, cache: Path) -> Network:
    """Look a network over and copy it into the cache, with a demand pattern where its demand never changes.

    The copy is what the diagnosis is given: a case in the cache stands by itself.
    """
    folder = cache / f"{inp.stem}-{zlib.crc32(inp.read_bytes()):08x}"
    kept = folder / "network.json"
    path = folder / inp.name
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        staged = folder / f"{os.getpid()}"
        _copy(inp, staged)
        staged.replace(path)
        staged.write_text(json.dumps({"held": not _lasts(path)}), encoding="utf-8")
        staged.replace(kept)
    return Network(path, json.loads(kept.read_text(encoding="utf-8"))["held"])


def _copy(inp: Path, path: Path) -> None:
    project = Project(inp)
    try:
        total = project.demands(project.patterns(np.arange(0, 86400, STEP_S))).sum(axis=0)
        if np.ptp(total) > 0.01 * abs(total.mean()):
            shutil.copyfile(inp, path)
            return
        project.give_pattern(DIURNAL)
        project.save(path)
    finally:
        project.close()


def _lasts(inp: Path) -> bool:
    """Tell whether every customer keeps some pressure for eight days of the file's own demands."""
    project = Project(inp)
    try:
        patterns = project.patterns(np.arange(0, 8 * 86400 + 2 * STEP_S, STEP_S))
        demand = project.demands(patterns)
        project.take_over(demand, patterns, held=False)
        customers = np.flatnonzero(np.any(demand > 0.0, axis=1))
        floor = project.elements.elevation[customers]
        return all(np.all(state.head[customers] > floor) for state in project.states(8 * 86400))
    except Unsolvable:
        return False
    finally:
        project.close()


def with_boundaries(network: Network, name: str, folder: Path, rng: np.random.Generator) -> Network:
    """Return the network with closed boundary valves between places near one another but apart in head.

    Public models leave out the closed pipes between pressure zones that a utility has; six are drawn, as short closed
    pipes. A network without coordinates, or of one zone, is given back as it is.
    """
    path = folder / f"{name}.inp"
    if path.is_file():
        return Network(path, network.held)
    project = Project(network.inp)
    try:
        places = project.coordinates()
        pairs = _apart(network, project.elements, places, rng)
        if not pairs:
            return network
        for number, (start, end) in enumerate(pairs, 1):
            project.add_closed_pipe(f"BV-{number}", start, end, BOUNDARY_MM)
        staged = path.with_suffix(f".{os.getpid()}")
        project.save(staged)
        staged.replace(path)
        return Network(path, network.held)
    finally:
        project.close()


def _apart(network: Network, elements: Elements, places: Floats, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return pairs of unlinked junctions, among the nearest of one another, whose heads differ at peak."""
    known = np.array([node for node in elements.junctions if np.all(np.isfinite(places[node]))], dtype=np.intp)
    if len(known) < NEIGHBOURS:
        return []
    head = _peak_heads(network)
    linked = set(zip(elements.start.tolist(), elements.end.tolist(), strict=True))
    near = np.asarray(cKDTree(places[known]).query(places[known], NEIGHBOURS)[1])
    pairs: list[tuple[int, int]] = []
    for place in rng.permutation(len(known)).tolist():
        start = int(known[place])
        for other in near[place][1:].tolist():
            end = int(known[other])
            if abs(head[start] - head[end]) < APART_M or {(start, end), (end, start)} & linked:
                continue
            if not {start, end} & {node for pair in pairs for node in pair}:
                pairs.append((start, end))
                break
        if len(pairs) == BOUNDARIES:
            break
    return pairs


def _peak_heads(network: Network) -> Floats:
    """Return (N,) heads [m] of the file's own demands at the greatest of them in a day."""
    project = Project(network.inp)
    try:
        patterns = project.patterns(np.arange(0, 86400 + 2 * STEP_S, STEP_S))
        demand = project.demands(patterns)
        project.take_over(demand, patterns, held=network.held)
        peak = int(np.argmax(demand.sum(axis=0)[:96])) * STEP_S
        return next(state.head for state in project.states(86400) if state.time >= peak)
    finally:
        project.close()
