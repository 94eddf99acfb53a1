"""Writing the model: the INP and the registers as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from sample_networks.town import supply
from sample_networks.town.assets import Pipe, Valve
from sample_networks.town.demands import PATTERNS, Customer
from sample_networks.town.streets import Plan

_OPTIONS = """\
[OPTIONS]
 UNITS              LPS
 HEADLOSS           H-W
 SPECIFIC GRAVITY   1.0
 VISCOSITY          1.0
 TRIALS             200
 ACCURACY           0.0001
 UNBALANCED         CONTINUE 10
 DEMAND MULTIPLIER  1.0
 DEMAND MODEL       PDA
 MINIMUM PRESSURE   0
 REQUIRED PRESSURE  14
 PRESSURE EXPONENT  0.5

[TIMES]
 DURATION           24:00
 HYDRAULIC TIMESTEP 0:15
 QUALITY TIMESTEP   0:05
 PATTERN TIMESTEP   1:00
 PATTERN START      0:00
 REPORT TIMESTEP    0:15
 REPORT START       0:00
 START CLOCKTIME    12 AM
 STATISTIC          NONE

[REPORT]
 STATUS             NO
 SUMMARY            NO
"""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV; ``None`` is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue()


def inp(plan: Plan, pipes: Sequence[Pipe], demands: Mapping[str, tuple[float, str]], name: str) -> str:
    """Return the EPANET file."""
    title = f"[TITLE]\n{name}: a made-up town\n"
    return "\n".join((title, _nodes(plan, demands), _links(plan, pipes), _water(), _OPTIONS, _places(plan), "[END]\n"))


def _nodes(plan: Plan, demands: Mapping[str, tuple[float, str]]) -> str:
    tank = supply.Tank()
    lines = ["[JUNCTIONS]", ";id elevation_m demand_l_s pattern"]
    lines += [f" {node:<10} {elevation:>8.1f} {0:>8.3f}" for node, elevation in supply.ELEVATION_M.items()]
    for junction in plan.junctions:
        base, pattern = demands.get(junction.id, (0.0, ""))
        lines.append(f" {junction.id:<10} {junction.elevation_m:>8.1f} {base:>8.3f} {pattern}".rstrip())
    lines += ["", "[RESERVOIRS]", ";id head_m", f" {supply.RESERVOIR:<10} {supply.RESERVOIR_HEAD_M:>8.1f}"]
    lines += ["", "[TANKS]", ";id elevation_m initial_m lowest_m highest_m diameter_m least_volume_m3"]
    lines.append(
        f" {supply.TANK:<10} {tank.elevation_m:>8.1f} {tank.initial_m:>8.2f} {tank.lowest_m:>8.2f}"
        f" {tank.highest_m:>8.2f} {tank.diameter_m:>8.1f} 0"
    )
    return "\n".join([*lines, ""])


def _links(plan: Plan, pipes: Sequence[Pipe]) -> str:
    lines = ["[PIPES]", ";id start end length_m diameter_mm roughness minor_loss status"]
    for main in supply.mains(plan):
        lines.append(_pipe(main.id, main.start, main.end, main.length_m, main.inner_mm, main.roughness))
    for pipe in pipes:
        stretch = pipe.stretch
        lines.append(_pipe(stretch.id, stretch.start, stretch.end, stretch.length_m, pipe.inner_mm, pipe.roughness))
    lines += ["", "[PUMPS]", ";id start end parameters"]
    lines += [
        f" {pump:<10} {supply.RESERVOIR} {supply.OUTLET} HEAD pump-curve" for pump in (supply.DUTY, supply.STANDBY)
    ]
    lines += ["", "[STATUS]", f" {supply.STANDBY:<10} CLOSED"]
    lines += [
        "",
        "[CONTROLS]",
        f" LINK {supply.STANDBY} OPEN IF NODE {supply.TANK} BELOW {supply.START_BELOW_M}",
        f" LINK {supply.STANDBY} CLOSED IF NODE {supply.TANK} ABOVE {supply.STOP_ABOVE_M}",
    ]
    return "\n".join([*lines, ""])


def _pipe(name: str, start: str, end: str, length_m: float, inner_mm: float, roughness: float) -> str:
    return f" {name:<8} {start:<8} {end:<8} {length_m:>8.1f} {inner_mm:>8.1f} {roughness:>6.1f} 0 OPEN"


def _water() -> str:
    lines = ["[CURVES]", ";id flow_l_s head_m"]
    lines += [f" pump-curve {flow:>8.1f} {head:>8.1f}" for flow, head in supply.CURVE]
    lines += ["", "[PATTERNS]", ";hourly from midnight"]
    for name, factors in PATTERNS.items():
        for first in range(0, len(factors), 6):
            lines.append(f" {name:<12} " + " ".join(f"{factor:.2f}" for factor in factors[first : first + 6]))
    return "\n".join([*lines, ""])


def _places(plan: Plan) -> str:
    tank = supply.Tank()
    places = {**supply.PLACES, supply.TANK: (tank.x, tank.y)}
    lines = ["[COORDINATES]", ";node x_m y_m"]
    lines += [f" {node:<10} {x:>8.1f} {y:>8.1f}" for node, (x, y) in places.items()]
    lines += [f" {junction.id:<10} {junction.x:>8.1f} {junction.y:>8.1f}" for junction in plan.junctions]
    return "\n".join([*lines, ""])


def customers(rows: Sequence[Customer]) -> str:
    """Return ``customers.csv``."""
    header = ("customer_id", "name", "kind", "address", "node", "contact", "required_pressure_m", "design_demand_l_s",
              "key_account", "representative", "language")  # fmt: skip
    return table(
        header,
        (
            (one.id, one.name, one.kind, one.address, one.node, one.contact, one.required_m, one.design_l_s,
             "yes" if one.key_account else "no", one.representative, one.language)
            for one in rows
        ),
    )  # fmt: skip


def valves(rows: Sequence[Valve]) -> str:
    """Return ``valves.csv``."""
    header = ("valve_id", "link", "end", "kind", "diameter_mm", "installed", "last_operated", "turns", "closes", "x",
              "y", "street")  # fmt: skip
    return table(
        header,
        (
            (one.id, one.link, one.end, one.kind, one.diameter_mm, one.installed, one.last_operated, one.turns,
             one.closes, one.x, one.y, one.street)
            for one in rows
        ),
    )  # fmt: skip


def pipes(plan: Plan, rows: Sequence[Pipe]) -> str:
    """Return ``pipes.csv``."""
    works = [(main.id, main.material, main.nominal_mm, main.installed) for main in supply.mains(plan)]
    laid = [(one.stretch.id, one.material, one.nominal_mm, one.installed) for one in rows]
    return table(("link", "material", "nominal_mm", "installed"), [*works, *laid])


def zones(zone_of: Mapping[str, str]) -> str:
    """Return ``zones.csv``."""
    return table(("node", "zone"), zone_of.items())
