"""What lies in the ground: size, material and age of every main, and the register of valves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sample_networks.town.demands import PATTERNS
from sample_networks.town.streets import CASE_STREET, COLUMNS, Plan, Stretch

INNER_MM = {
    "PE100 SDR11": {63: 51.4, 75: 61.4, 90: 73.6, 110: 90.0, 125: 102.2, 160: 130.8, 200: 163.6, 250: 204.6},
    "DI K9": {100: 98.0, 150: 150.0, 200: 201.0, 300: 304.0, 400: 403.0},
}
"""Inner diameter [mm] by material and nominal size [mm]."""
YEAR = 2026
"""The year of the model."""
GUILTY_INSTALLED, GUILTY_OPERATED = "1996-09-17", "2009-04-22"
"""The gate valve at the corner: as old as many, and not operated for as long as many."""
_LARGEST_VELOCITY = 0.75
"""What the lanes were laid for [m/s] at their customers' design peak."""
_OLD_STREETS = {
    "Xiangjiang Road": 1996,
    "Yinxing Road": 1994,
    "Yulan Road": 1995,
    "Meihua Road": 1996,
    "Zhujiang Road": 1995,
    "Lamei Road": 1996,
    "Minjiang Road": 1998,
    "Ziwei Road": 2001,
}
_RING_INSTALLED = {"Ganjiang Road": 1996, "Yinxing Road": 1994, "Hehua Road": 2008, "Songhuajiang Road": 2003}


@dataclass(frozen=True, slots=True)
class Pipe:
    """A main as laid: inner diameter [mm] and the roughness (Hazen-Williams) that the model assumes for its age."""

    stretch: Stretch
    material: str
    nominal_mm: int
    inner_mm: float
    roughness: float
    installed: str


@dataclass(frozen=True, slots=True)
class Valve:
    """One row of the valve register."""

    id: str
    link: str
    end: str
    kind: str
    diameter_mm: int
    installed: str
    last_operated: str
    turns: int
    closes: str
    x: float
    y: float
    street: str


def lay(plan: Plan, demands: Mapping[str, tuple[float, str]], random: Random) -> tuple[Pipe, ...]:
    """Return every main with its size; blind streets are sized for the customers behind them."""
    behind = _peak_behind(plan, demands)
    years = _years(plan, random)
    pipes = []
    for stretch in plan.stretches:
        year = years[stretch.street]
        if stretch.ring:
            year = _RING_INSTALLED.get(stretch.street, year)
        material, nominal = _size(plan, stretch, behind, year)
        pipes.append(
            Pipe(
                stretch=stretch,
                material=material,
                nominal_mm=nominal,
                inner_mm=INNER_MM[material][nominal],
                roughness=roughness(material, year),
                installed=f"{year}-{1 + int(stretch.length_m) % 12:02d}-15",
            )
        )
    return tuple(pipes)


def roughness(material: str, year: int) -> float:
    """Return the Hazen-Williams coefficient that the model takes for a pipe of that age."""
    return 145.0 if material.startswith("PE") else round(138.0 - 0.8 * (YEAR - year))


def _years(plan: Plan, random: Random) -> dict[str, int]:
    years: dict[str, int] = {}
    for stretch in plan.stretches:
        street = stretch.street
        if street in years:
            continue
        parent = street.split(" Lane ")[0]
        if street == CASE_STREET:
            # The PE main was drawn in later; the valve at the corner stayed.
            years[street] = 2003
        elif street in _OLD_STREETS:
            years[street] = _OLD_STREETS[street]
        elif parent in _OLD_STREETS and random.random() < 0.6:
            years[street] = _OLD_STREETS[parent]
        else:
            years[street] = random.randint(2000, 2019)
    return years


def _size(plan: Plan, stretch: Stretch, behind: Mapping[str, float], year: int) -> tuple[str, int]:
    if stretch.street == CASE_STREET:
        return "PE100 SDR11", 75
    if stretch.ring:
        west = 0.5 * (plan.junction(stretch.start).x + plan.junction(stretch.end).x) < COLUMNS[4][1]
        return "DI K9", 400 if west else 300
    if stretch.id not in behind:
        if year < 2000 or stretch.street == "Zhujiang Road":
            return "DI K9", 200
        return "PE100 SDR11", 200 if year % 2 else 160
    for nominal, inner in INNER_MM["PE100 SDR11"].items():
        if behind[stretch.id] * 1e-3 <= _LARGEST_VELOCITY * math.pi / 4.0 * (inner * 1e-3) ** 2:
            return ("DI K9", 100) if year < 2000 and nominal in (110, 125) else ("PE100 SDR11", nominal)
    raise ValueError(f"main {stretch.id}: {behind[stretch.id]:.1f} l/s behind it, more than a blind street can carry")


def _peak_behind(plan: Plan, demands: Mapping[str, tuple[float, str]]) -> dict[str, float]:
    """Return the sum of design peaks [l/s] behind each main of a blind street; mains in loops are not in it."""
    peak = {node: base * max(PATTERNS[pattern]) for node, (base, pattern) in demands.items()}
    degree = plan.degree()
    left = {stretch.id: stretch for stretch in plan.stretches}
    behind: dict[str, float] = {}
    while True:
        tips = [stretch for stretch in left.values() if 1 in (degree[stretch.start], degree[stretch.end])]
        if not tips:
            return behind
        for stretch in tips:
            tip, root = (stretch.end, stretch.start) if degree[stretch.end] == 1 else (stretch.start, stretch.end)
            behind[stretch.id] = peak.get(tip, 0.0)
            peak[root] = peak.get(root, 0.0) + peak.get(tip, 0.0)
            degree[tip] -= 1
            degree[root] -= 1
            del left[stretch.id]


def register(plan: Plan, pipes: Sequence[Pipe], random: Random) -> tuple[Valve, ...]:
    """Return the valves: at most places where three mains meet, and at the start of most lanes."""
    degree = plan.degree()
    case = [pipe for pipe in pipes if pipe.stretch.street == CASE_STREET]
    valves: list[Valve] = []
    for pipe in pipes:
        stretch = pipe.stretch
        if pipe is case[0]:
            valves.append(_valve(plan, pipe, "start", GUILTY_INSTALLED, GUILTY_OPERATED, len(valves), random))
        elif pipe is case[-1]:
            valves.append(_valve(plan, pipe, "end", "2015-06-03", "2022-10-18", len(valves), random))
        elif pipe not in case:
            for end, node in (("start", stretch.start), ("end", stretch.end)):
                if degree[node] >= 3 and random.random() < _share(stretch, end, degree[node]):
                    installed, operated = _dates(pipe, random)
                    valves.append(_valve(plan, pipe, end, installed, operated, len(valves), random))
    return tuple(valves)


def _share(stretch: Stretch, end: str, meeting: int) -> float:
    if stretch.ring:
        return 0.8
    if stretch.lane:
        return 0.9 if end == "start" else 0.0
    return 0.7 if meeting > 3 else 0.5


def _dates(pipe: Pipe, random: Random) -> tuple[str, str]:
    """Return when a valve was installed, and last operated: old valves are seldom touched."""
    year = int(pipe.installed[:4])
    replaced = random.random() < 0.15
    if replaced:
        year = random.randint(max(year, 2005), 2021)
    latest_month = 9 if year == 1996 else 12
    month, day = random.randint(1, latest_month), random.randint(1, 16)
    operated = random.randint(min(year + 6, 2014), 2015) if year < 2000 else random.randint(max(year, 2012), 2025)
    return f"{year}-{month:02d}-{day:02d}", f"{operated}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"


def _valve(plan: Plan, pipe: Pipe, end: str, installed: str, operated: str, count: int, random: Random) -> Valve:
    stretch = pipe.stretch
    here, there = plan.junction(stretch.start), plan.junction(stretch.end)
    if end == "end":
        here, there = there, here
    share = min(3.0 / stretch.length_m, 0.4)
    return Valve(
        id=f"V-{count + 1:03d}",
        link=stretch.id,
        end=end,
        kind="butterfly" if pipe.nominal_mm >= 300 else "gate",
        diameter_mm=pipe.nominal_mm,
        installed=installed,
        last_operated=operated,
        # A gate valve moves a thread of about 6 mm over its bore, and a little more.
        turns=40 if pipe.nominal_mm >= 300 else round(pipe.nominal_mm / 6.0) + 2,
        closes="ccw" if installed < "1999" and random.random() < 0.3 else "cw",
        x=round(here.x + share * (there.x - here.x), 1),
        y=round(here.y + share * (there.y - here.y), 1),
        street=stretch.street,
    )
