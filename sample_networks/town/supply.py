"""Where the water comes from: the pump station in the west, the tank in the east, and how they join the ring."""

from __future__ import annotations

from dataclasses import dataclass

from sample_networks.town.streets import COLUMNS, ROWS, Junction, Plan

RESERVOIR, RESERVOIR_HEAD_M = "CLEARWELL", 4.0
TANK = "TANK-E"
DUTY, STANDBY = "PU-1", "PU-2"
OUTLET, CHAMBER = "PS-OUT", "INLET"
OUTLET_MAIN, INLET_MAIN, TANK_MAIN = "M-OUT", "M-IN", "M-TANK"
CURVE = ((0.0, 48.0), (90.0, 39.5), (170.0, 24.0))
"""Flow [l/s] and head [m] of one pump."""
START_BELOW_M, STOP_ABOVE_M = 0.8, 2.0
"""Levels of the tank at which the standby pump starts and stops; a healthy week reaches neither."""
_MAIN_MM, _MAIN_ROUGHNESS = 403.0, 114.0


@dataclass(frozen=True, slots=True)
class Tank:
    """The tank: levels above its bottom [m]."""

    elevation_m: float = 39.1
    initial_m: float = 2.7
    lowest_m: float = 0.2
    highest_m: float = 5.0
    diameter_m: float = 24.0
    x: float = COLUMNS[-1][1] + 160.0
    y: float = ROWS[3][1] + 90.0


@dataclass(frozen=True, slots=True)
class Main:
    """A main of the works: lengths [m], inner diameter [mm]."""

    id: str
    start: str
    end: str
    length_m: float
    inner_mm: float = _MAIN_MM
    nominal_mm: int = 400
    roughness: float = _MAIN_ROUGHNESS
    material: str = "DI K9"
    installed: str = "1996-05-15"


PLACES = {RESERVOIR: (-330.0, 700.0), OUTLET: (-300.0, 700.0), CHAMBER: (-60.0, 760.0)}
"""Coordinates [m]."""
ELEVATION_M = {OUTLET: 5.2, CHAMBER: 5.6}


def mains(plan: Plan) -> tuple[Main, ...]:
    """Return the mains from the pumps to the ring and from the ring to the tank."""
    west = _crossing(plan, row=2, column=1)
    east = _crossing(plan, row=3, column=6)
    return (
        Main(OUTLET_MAIN, OUTLET, CHAMBER, 260.0),
        Main(INLET_MAIN, CHAMBER, west.id, 490.0),
        Main(TANK_MAIN, east.id, TANK, 570.0, inner_mm=304.0, nominal_mm=300, roughness=124.0, installed="2008-10-15"),
    )


def _crossing(plan: Plan, row: int, column: int) -> Junction:
    return plan.junctions[row * len(COLUMNS) + column]
