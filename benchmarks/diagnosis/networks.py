"""Where the networks of the benchmark are: this repository's, wntr's, and a folder of downloaded ones."""

from __future__ import annotations

import importlib.util
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import sample_networks
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


@dataclass(frozen=True, slots=True)
class Network:
    """A network made fit for cases: its INP as the diagnosis gets it, and whether its tanks are held.

    ``held``: the file describes a moment and not a week (ky10: pumps of constant power beside tanks that run dry within
    a day, and customers with them). The truth's tanks are then so wide that their levels hardly move.
    """

    inp: Path
    held: bool


def prepare(inp: Path, folder: Path) -> Network:
    """Look a network over; a copy in ``folder`` gets a demand pattern where the network's demand never changes."""
    kept = folder / f"{inp.stem}-{zlib.crc32(inp.read_bytes()):08x}.json"
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path = _with_pattern(inp, folder)
        staged = kept.with_suffix(f".{os.getpid()}")
        staged.write_text(json.dumps({"inp": str(path), "held": not _lasts(path)}), encoding="utf-8")
        staged.replace(kept)
    known = json.loads(kept.read_text(encoding="utf-8"))
    return Network(Path(known["inp"]), known["held"])


def _with_pattern(inp: Path, folder: Path) -> Path:
    project = Project(inp)
    try:
        total = project.demands(project.patterns(np.arange(0, 86400, STEP_S))).sum(axis=0)
        if np.ptp(total) > 0.01 * abs(total.mean()):
            return inp
        path = folder / inp.name
        project.save_with_pattern(path, DIURNAL)
        return path
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
