"""The files of ``plant/``: how the true plant differs from the model that the utility keeps."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from models.problem import BadInput, Problem
from simulator.episodes import read_toml
from simulator.events import read_time


@dataclass(frozen=True, slots=True)
class PressureDemand:
    """Full demand at ``required_m`` and above, none at ``minimum_m``, in between by the power ``exponent``."""

    required_m: float = 14.0
    minimum_m: float = 0.0
    exponent: float = 0.5


@dataclass(frozen=True, slots=True)
class GaugeTruth:
    """What is wrong with one gauge, in its point's unit; ``noise`` is a standard deviation, ``None`` the default."""

    offset: float = 0.0
    noise: float | None = None
    quantum: float = 0.0


@dataclass(frozen=True, slots=True)
class TruePlant:
    """How the plant differs from ``network.inp``; a site without ``plant/`` has the truth that its model says."""

    seed: int = 0
    pressure_demand: PressureDemand | None = None
    """``None``: as the INP says."""
    demand_noise_cv: float = 0.1
    """Noise of the demand, independent in time and node."""
    zone_walk_cv: float = 0.0
    """Slow factor common to a zone."""
    zone_walk_h: float = 12.0
    """How slow [h]."""
    network_start: datetime | None = None
    """Instant of the network's time 0; ``None``: the latest at which the local clock shows its START CLOCKTIME."""
    pump_head: Mapping[str, float] = field(default_factory=dict)
    gauge_noise_m: float = 0.1
    gauge_noise_percent: float = 2.0
    demand_factor: Mapping[str, float] = field(default_factory=dict)
    roughness: Mapping[str, float] = field(default_factory=dict)
    gauges: Mapping[str, GaugeTruth] = field(default_factory=dict)


def load_plant(folder: Path) -> TruePlant:
    """Return the true plant of the site in ``folder``.

    Raises
    ------
    BadInput
        A file of ``plant/`` is wrong: every problem at once.
    """
    problems: list[Problem] = []
    plant = folder / "plant"
    settings = _truth(plant / "truth.toml", problems)
    demand = {node: row.get("factor", 1.0) for node, row in _rows(plant / "demands.csv", "node", problems)}
    rough = {
        link: row["roughness"]
        for link, row in _rows(plant / "roughness.csv", "link", problems)
        if row.get("roughness", 0.0) > 0
    }
    gauges = {point: _gauge(row) for point, row in _rows(plant / "gauges.csv", "point", problems)}
    if problems:
        raise BadInput(problems)
    return TruePlant(**settings, demand_factor=demand, roughness=rough, gauges=gauges)


_TABLES: dict[str, dict[str, tuple[str, float]]] = {
    "demand": {
        "noise_cv": ("demand_noise_cv", 0.0),
        "zone_walk_cv": ("zone_walk_cv", 0.0),
        "zone_walk_h": ("zone_walk_h", 0.1),
    },
    "gauges": {"noise_m": ("gauge_noise_m", 0.0), "noise_percent": ("gauge_noise_percent", 0.0)},
}
"""Table and key of ``truth.toml`` → field and least value."""


def _truth(path: Path, problems: list[Problem]) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        table = read_toml(path.read_text(encoding="utf-8"), path)
    except BadInput as error:
        problems += error.problems
        return {}

    def problem(text: str) -> None:
        problems.append(Problem(text, str(path)))

    settings: dict[str, Any] = {}
    for key, value in table.items():
        match key, value:
            case "seed", int():
                settings["seed"] = value
            case "network_start", _:
                try:
                    settings["network_start"] = read_time(value)
                except ValueError as error:
                    problem(f"network_start {error}")
            case "pumps", dict():
                settings["pump_head"] = _numbers(value, "pumps", problem)
            case "pressure_demand", dict():
                settings["pressure_demand"] = _pressure_demand(value, problem)
            case (("demand" | "gauges"), dict()):
                fields = _TABLES[key]
                for name, number in _numbers(value, key, problem).items():
                    if name not in fields:
                        problem(f"[{key}] unknown key {name}, expected {', '.join(fields)}")
                    elif number < fields[name][1]:
                        problem(f"[{key}] {name} {number:g}, must be ≥ {fields[name][1]:g}")
                    else:
                        settings[fields[name][0]] = number
            case _:
                problem(f"{key} = {value!r}: not a key of the truth, or not of its type")
    return settings


def _pressure_demand(table: Mapping[str, Any], problem: Callable[[str], None]) -> PressureDemand:
    numbers = _numbers(table, "pressure_demand", problem)
    unknown = numbers.keys() - {"required_m", "minimum_m", "exponent"}
    for key in sorted(unknown):
        problem(f"[pressure_demand] unknown key {key}, expected required_m, minimum_m, exponent")
    rule = PressureDemand(**{key: value for key, value in numbers.items() if key not in unknown})
    # EPANET refuses a narrower band.
    if rule.required_m - rule.minimum_m < 0.1:
        problem(f"[pressure_demand] required_m {rule.required_m:g}, must be 0.1 m above minimum_m {rule.minimum_m:g}")
    if rule.exponent <= 0:
        problem(f"[pressure_demand] exponent {rule.exponent:g}, must be > 0")
    return rule


def _numbers(table: Mapping[str, Any], name: str, problem: Callable[[str], None]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            problem(f"[{name}] {key} {value!r}, expected a number")
        elif value < 0:
            problem(f"[{name}] {key} {value:g}, must be ≥ 0")
        else:
            numbers[key] = float(value)
    return numbers


def _rows(path: Path, key: str, problems: list[Problem]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the key and the numbers of each row of a CSV; blank cells are left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if key not in (reader.fieldnames or ()):
            problems.append(Problem(f"no column {key}", str(path), 1))
            return
        seen: set[str] = set()
        for row in reader:
            name = (row.pop(key) or "").strip()
            if not name or name in seen:
                problems.append(Problem(f"{key} {name!r} is empty or there twice", str(path), reader.line_num))
                continue
            seen.add(name)
            yield name, _cells(row, str(path), reader.line_num, problems)


def _cells(row: Mapping[str, Any], file: str, line: int, problems: list[Problem]) -> dict[str, float]:
    cells: dict[str, float] = {}
    for column, text in row.items():
        if not isinstance(text, str) or not text.strip():
            continue
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (number < 0 and column != "offset"):
            problems.append(Problem(f"{column} {text.strip()!r}, expected a number ≥ 0", file, line))
        else:
            cells[column] = number
    return cells


def _gauge(row: Mapping[str, float]) -> GaugeTruth:
    return GaugeTruth(row.get("offset", 0.0), row.get("noise"), row.get("quantum", 0.0))
