"""What is measured, where, and behind which address: gauge places by a rule that knows nothing of any fault."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields

from sample_networks.town import supply
from sample_networks.town.demands import Customer
from sample_networks.town.streets import CASE_STREET, ROWS, Plan
from sample_networks.town.write import table

JUNCTIONS_A_POINT = 30
KPA_PER_M = 9.798
"""Kilopascals a metre of water."""
LOW_LIMIT_M, LIMIT_DELAY_S = 16.0, 900
NORTH, SOUTH, STATION = "rtu-north", "rtu-south", "pump-station"


@dataclass(frozen=True, slots=True)
class Point:
    """One row of ``points.csv``; the fields are its columns."""

    name: str
    element: str
    quantity: str
    unit: str
    device: str
    address: str
    data_type: str = "float32"
    byte_order: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    period_s: int = 300
    valid_min: float | None = None
    valid_max: float | None = None
    gauge_elevation_m: float | None = None
    deadband: float | None = None
    low_limit: float | None = None
    high_limit: float | None = None
    limit_delay_s: int | None = None
    limit_deadband: float | None = None
    reverse: str | None = None
    absolute: str | None = None
    rollover: int | None = None


def gauge_places(plan: Plan) -> tuple[str, ...]:
    """Return the junctions with a pressure gauge: each the farthest from the station and from those chosen before.

    Distances are path lengths over the mains. Junctions of the case's street are no candidates.
    """
    ways = _ways(plan)
    nearest = _distances(ways, supply.OUTLET)
    candidates = sorted(junction.id for junction in plan.junctions if junction.street != CASE_STREET)
    chosen: list[str] = []
    for _ in range(round((len(plan.junctions) + len(supply.ELEVATION_M)) / JUNCTIONS_A_POINT)):
        farthest = max(candidates, key=lambda node: nearest[node])
        chosen.append(farthest)
        there = _distances(ways, farthest)
        nearest = {node: min(distance, there[node]) for node, distance in nearest.items()}
    return tuple(sorted(chosen))


def _ways(plan: Plan) -> dict[str, list[tuple[str, float]]]:
    ways: dict[str, list[tuple[str, float]]] = {}
    laid = [(one.start, one.end, one.length_m) for one in plan.stretches]
    laid += [(one.start, one.end, one.length_m) for one in supply.mains(plan)]
    for start, end, length in laid:
        ways.setdefault(start, []).append((end, length))
        ways.setdefault(end, []).append((start, length))
    return ways


def _distances(ways: Mapping[str, Sequence[tuple[str, float]]], source: str) -> dict[str, float]:
    distances: dict[str, float] = {}
    queue = [(0.0, source)]
    while queue:
        distance, node = heapq.heappop(queue)
        if node in distances:
            continue
        distances[node] = distance
        for following, length in ways[node]:
            heapq.heappush(queue, (distance + length, following))
    return distances


def place(plan: Plan, customers: Iterable[Customer]) -> tuple[Point, ...]:
    """Return all points of the site."""
    return (*_station(), *_inlet(), *_gauges(plan), *_meters(plan, customers))


def _station() -> list[Point]:
    def node(name: str) -> str:
        return f"ns=2;s={name}"

    return [
        Point("PS-PRESSURE", supply.OUTLET, "pressure", "bar", STATION, node("PS.Pressure"), valid_min=0.0,
              valid_max=10.0, gauge_elevation_m=6.0, low_limit=2.5, limit_delay_s=LIMIT_DELAY_S, limit_deadband=0.1),
        Point("PS-FLOW", supply.OUTLET_MAIN, "flow", "m3/h", STATION, node("PS.Flow"), valid_min=-50.0,
              valid_max=1500.0),
        Point("PU-1-RUNS", supply.DUTY, "status", "", STATION, node("PS.Pump1.Running"), "bit", period_s=60),
        Point("PU-2-RUNS", supply.STANDBY, "status", "", STATION, node("PS.Pump2.Running"), "bit", period_s=60),
        Point("TANK-LEVEL", supply.TANK, "level", "m", STATION, node("Tank.Level"), "float64", period_s=60,
              valid_min=0.0, valid_max=6.0, low_limit=0.6, high_limit=4.95, limit_delay_s=600, limit_deadband=0.1),
        # The meter was built in the other way round: it counts what leaves the tank, the link points to the tank.
        Point("TANK-FLOW", supply.TANK_MAIN, "flow", "l/s", STATION, node("Tank.Flow"), valid_min=-200.0,
              valid_max=200.0, reverse="yes"),
    ]  # fmt: skip


def _inlet() -> list[Point]:
    return [
        Point("INLET-FLOW", supply.INLET_MAIN, "flow", "m3/h", NORTH, "holding/60", byte_order="CDAB",
              valid_min=-50.0, valid_max=1500.0),
        Point("INLET-VOLUME", supply.INLET_MAIN, "volume", "m3", NORTH, "holding/62", "uint32", "ABCD",
              valid_min=0.0, rollover=1_000_000),
        Point("INLET-OPEN", supply.INLET_MAIN, "status", "", NORTH, "holding/64.0", "bit", period_s=60),
        Point("TANK-MAIN-OPEN", supply.TANK_MAIN, "status", "", NORTH, "holding/64.1", "bit", period_s=60),
    ]  # fmt: skip


def _gauges(plan: Plan) -> list[Point]:
    """Return the pressure points: scaled 16-bit registers in the north, floats in both word orders in the south."""
    points = []
    for number, node in enumerate(gauge_places(plan)):
        junction = plan.junction(node)
        north = junction.y > ROWS[2][1]
        register = f"holding/{10 + 2 * number}"
        name = f"PT-{number + 1:02d}"
        # Every third gauge hangs in a cabinet above the main.
        height = round(junction.elevation_m + 1.2, 1) if number % 3 == 0 else None
        if north:
            points.append(
                Point(name, node, "pressure", "m", NORTH, register, "int16", scale=0.01, valid_min=0.0, valid_max=80.0,
                      gauge_elevation_m=height, low_limit=LOW_LIMIT_M, limit_delay_s=LIMIT_DELAY_S, limit_deadband=0.5)
            )  # fmt: skip
            continue
        absolute = number == 1
        points.append(
            Point(name, node, "pressure", "kPa", SOUTH, register, "float32", "CDAB" if number % 2 else "ABCD",
                  valid_min=50.0 if absolute else 0.0, valid_max=900.0, gauge_elevation_m=height,
                  low_limit=None if absolute else round(LOW_LIMIT_M * KPA_PER_M),
                  limit_delay_s=None if absolute else LIMIT_DELAY_S, limit_deadband=None if absolute else 5.0,
                  absolute="yes" if absolute else None)
        )  # fmt: skip
    return points


def _meters(plan: Plan, customers: Iterable[Customer]) -> list[Point]:
    points = []
    for number, customer in enumerate(sorted((one for one in customers if one.key_account), key=lambda one: one.id)):
        north = plan.junction(customer.node).y > ROWS[2][1]
        device, order = (NORTH, "ABCD") if north else (SOUTH, "CDAB")
        points.append(
            Point(f"QM-{customer.id.removeprefix('C-')}", customer.node, "demand", "m3/h", device,
                  f"holding/{70 + 2 * number}", "float32", order, valid_min=0.0, valid_max=60.0)
        )  # fmt: skip
    return points


def write(points: Iterable[Point]) -> str:
    """Return ``points.csv``."""
    return table([field.name for field in fields(Point)], [astuple(point) for point in points])
