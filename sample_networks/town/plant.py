"""The truth behind the simulator: how the plant differs from the model, and what happens to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from sample_networks.town import supply
from sample_networks.town.assets import Pipe
from sample_networks.town.demands import FACTORY, FACTORY_GROWN_L_S, Customer
from sample_networks.town.points import KPA_PER_M, Point
from sample_networks.town.streets import CASE_STREET, COLUMNS, Plan
from sample_networks.town.write import table

DEMAND_CV, ROUGHNESS_CV, DATUM_SD_M = 0.15, 0.06, 0.3
CASE_STREET_CV = 0.015
"""Of the demands on the case's street, a tenth of what all others scatter by.

The factory's has a reason: the case compares its design demand with its grown one, so it draws its design until then.
The firms beside it have none but that it makes the case easier; the README says what ``DEMAND_CV`` does there.
"""
MINOR_LOSS = 400.0
"""The blocked valve: a gate stuck about a tenth open, with debris in it."""
_UNITS_PER_M = {"m": 1.0, "kPa": KPA_PER_M, "bar": KPA_PER_M / 100.0}
_QUANTUM = {"m": 0.01, "kPa": 0.1, "bar": 0.001, "m3/h": 0.1, "l/s": 0.05}

TRUTH = f"""\
# How the true plant differs from the model. Only the simulator opens this folder.
seed = 711

[pressure_demand]
required_m = 14.0
minimum_m = 0.0
exponent = 0.5

[demand]
noise_cv = 0.10
zone_walk_cv = 0.03
zone_walk_h = 12.0

[gauges]
noise_m = 0.07
noise_percent = 1.0

[pumps]
{supply.DUTY} = 0.995
"""

_WORDS = "今天早上水压太低, 没法用水。The pressure has been far too low this morning; we cannot work."


def demands(base: Mapping[str, tuple[float, str]], plan: Plan, random: Random) -> str:
    """Return ``demands.csv``: log-normal factors of mean 1, close to 1 on the case's street."""
    rows = []
    sd = math.sqrt(math.log(1.0 + DEMAND_CV**2))
    for node in base:
        spread = CASE_STREET_CV if plan.junction(node).street == CASE_STREET else sd
        rows.append((node, f"{math.exp(random.gauss(-0.5 * spread**2, spread)):.3f}"))
    return table(("node", "factor"), rows)


def roughness(pipes: Iterable[Pipe], plan: Plan, random: Random) -> str:
    """Return ``roughness.csv``."""
    laid = [(main.id, main.roughness) for main in supply.mains(plan)]
    laid += [(pipe.stretch.id, pipe.roughness) for pipe in pipes]
    return table(("link", "roughness"), [(link, f"{c * random.gauss(1.0, ROUGHNESS_CV):.1f}") for link, c in laid])


def gauges(points: Iterable[Point], random: Random) -> str:
    """Return ``gauges.csv``, in each point's unit; an empty noise is the default of ``truth.toml``."""
    rows: list[tuple[object, ...]] = []
    for point in points:
        quantum = _QUANTUM.get(point.unit)
        match point.quantity:
            case "pressure":
                unit = _UNITS_PER_M[point.unit]
                offset, noise = random.gauss(0.0, DATUM_SD_M) * unit, random.uniform(0.05, 0.1) * unit
                rows.append((point.name, f"{offset:.4f}", f"{noise:.4f}", quantum))
            case "level":
                rows.append((point.name, f"{random.gauss(0.0, 0.01):.3f}", "0.005", quantum))
            case "flow" | "demand":
                rows.append((point.name, "0", None, quantum))
    return table(("point", "offset", "noise", "quantum"), rows)


def episodes(plan: Plan, customers: Iterable[Customer], points: Sequence[Point]) -> dict[str, str]:
    """Return the episode files by name."""
    factory = next(customer for customer in customers if customer.id == FACTORY)
    first = plan.on_street(CASE_STREET)[0].id
    growth = _event("2026-07-11T03:00:00+08:00", "demand", node=factory.node, demand_l_s=FACTORY_GROWN_L_S, ramp_h=0.5)
    earlier = _event("2026-07-10T14:00:00+08:00", "demand", node=factory.node, demand_l_s=FACTORY_GROWN_L_S, ramp_h=2.0)
    blockage = _event("2026-07-11T05:40:00+08:00", "blockage", link=first, minor_loss=MINOR_LOSS)
    complaint = _event("2026-07-11T07:00:00+08:00", "complaint", customer=FACTORY, words=_WORDS)
    middle = plan.junctions[3 * len(COLUMNS) + 4].id
    drifting = next(point for point in points if point.name == "PT-05")
    rate = round(0.06 * _UNITS_PER_M[drifting.unit], 3)
    friday = "2026-07-10T00:00:00+08:00"
    return {
        "documented": _episode("The documented case: grown demand, a blocked valve, a thin main.",
                               "2026-07-11T00:00:00+08:00", 24.0, growth, blockage, complaint),
        "healthy": _episode("A healthy week.", "2026-07-06T00:00:00+08:00", 168.0),
        "valve": _episode("Only the valve is blocked.", friday, 48.0, blockage, complaint),
        "demand": _episode("Only the factory's demand has grown.", friday, 48.0, earlier),
        "burst": _episode("A main bursts in the middle of the town.", friday, 48.0,
                          _event("2026-07-11T02:10:00+08:00", "burst", node=middle, emitter_l_s_per_sqrt_m=1.8)),
        "drift": _episode("A pressure gauge drifts; the water is well.", friday, 72.0,
                          _event("2026-07-10T12:00:00+08:00", "gauge_drift", point=drifting.name, rate_per_h=rate)),
        "pump": _episode("The duty pump has lost head.", friday, 48.0,
                         _event("2026-07-11T03:00:00+08:00", "pump_head", link=supply.DUTY, factor=0.95)),
    }  # fmt: skip


def _episode(description: str, start: str, duration_h: float, *events: str) -> str:
    head = f'description = "{description}"\nstart = {start}\nduration_h = {duration_h}\n'
    return "\n".join([head, *events])


def _event(at: str, kind: str, **values: str | float) -> str:
    lines = ["[[events]]", f"at = {at}", f'kind = "{kind}"']
    lines += [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in values.items()]
    return "\n".join([*lines, ""])
