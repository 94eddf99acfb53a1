"""Reading a network out of an open EPANET project."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydro.errors import EngineError
from hydro.network import GPV, JUNCTION, PIPES, PUMP, RESERVOIR, TANK, Network, PressureDemand, PumpCurve
from hydro.readings import Floats
from hydro.toolkit import Count, LinkValue, NodeValue, Option, Time, Toolkit
from hydro.units import FileUnits

FORMULAS = ("H-W", "D-W", "C-M")
_CONSTANT_POWER = 0
"""EPANET's code of a pump without a curve; it tells curves apart only once it solves."""
VISCOSITY = 1.1e-5 * 0.3048**2
"""EPANET's kinematic viscosity of water at 20 °C [m²/s], which the file's own is relative to."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """What changes with time in the file.

    ``table``: (K+1, …) multipliers by pattern index, index 0 is constant 1; ``categories``: for each demand category
    its node, base demand [m³/s] and pattern; ``reservoir``: pattern of each node's head (0 none); ``speed``: of each
    pump's speed (0 none); ``multiplier`` of all demands.
    """

    table: tuple[Floats, ...]
    category_node: np.ndarray
    category_base: Floats
    category_pattern: np.ndarray
    reservoir: np.ndarray
    speed: np.ndarray
    multiplier: float

    def at(self, time: float, step: float, start: float) -> Floats:
        """Return (K+1,) multipliers at network time ``time`` [s]."""
        period = int((time + start) // step)
        return np.array([pattern[period % len(pattern)] for pattern in self.table])


def read_network(kit: Toolkit, units: FileUnits, name: str) -> tuple[Network, Patterns, Floats, Floats]:
    """Return the network, its patterns, initial heads (N,) of fixed nodes [m] and initial settings (L,)."""
    nodes, links = kit.integer("getcount", Count.NODES), kit.integer("getcount", Count.LINKS)
    patterns = _patterns(kit, units, nodes, links)
    node_ids = tuple(kit.text("getnodeid", one) for one in range(1, nodes + 1))
    link_ids = tuple(kit.text("getlinkid", one) for one in range(1, links + 1))
    ends = np.array([kit.integers("getlinknodes", 2, one) for one in range(1, links + 1)], dtype=np.intp).reshape(-1, 2)
    node_kind = np.array([kit.integer("getnodetype", one) for one in range(1, nodes + 1)], dtype=np.int8)
    link_kind = np.array([kit.integer("getlinktype", one) for one in range(1, links + 1)], dtype=np.int8)

    def of_nodes(prop: NodeValue) -> Floats:
        return kit.array("getnodevalues", prop, nodes) * units.node(prop)

    def of_links(prop: LinkValue) -> Floats:
        return kit.array("getlinkvalues", prop, links) * units.link(prop)

    elevation = of_nodes(NodeValue.ELEVATION)
    coordinates = np.array([_coordinates(kit, one) for one in range(1, nodes + 1)]).reshape(-1, 2)
    base = np.zeros(nodes)
    np.add.at(base, patterns.category_node, patterns.category_base * patterns.multiplier)
    is_tank, is_pipe = node_kind == TANK, np.isin(link_kind, PIPES)
    network = Network(
        name=name,
        node_ids=node_ids,
        link_ids=link_ids,
        node_index={one: place for place, one in enumerate(node_ids)},
        link_index={one: place for place, one in enumerate(link_ids)},
        node_kind=node_kind,
        elevation=elevation,
        x=coordinates[:, 0],
        y=coordinates[:, 1],
        base_demand=base,
        least_head=np.where(is_tank, elevation + of_nodes(NodeValue.LEAST_LEVEL), np.nan),
        greatest_head=np.where(is_tank, elevation + of_nodes(NodeValue.GREATEST_LEVEL), np.nan),
        link_kind=link_kind,
        start=ends[:, 0] - 1,
        end=ends[:, 1] - 1,
        length=of_links(LinkValue.LENGTH),
        diameter=of_links(LinkValue.DIAMETER),
        roughness=of_links(LinkValue.ROUGHNESS),
        minor_loss=np.where(link_kind == PUMP, 0.0, of_links(LinkValue.MINOR_LOSS)),
        initially_closed=of_links(LinkValue.INITIAL_STATUS) == 0,
        headloss_formula=FORMULAS[int(kit.option(Option.HEADLOSS_FORMULA))],
        viscosity=VISCOSITY * kit.option(Option.VISCOSITY),
        emitter_exponent=kit.option(Option.EMITTER_EXPONENT),
        pressure_demand=_pressure_demand(kit, units),
        pumps={one: _pump(kit, units, one + 1) for one in np.flatnonzero(link_kind == PUMP).tolist()},
        curves=_valve_curves(kit, units, link_kind),
        remembers=bool(
            is_tank.any() or kit.integer("getcount", Count.CONTROLS) or kit.integer("getcount", Count.RULES)
        ),
        duration_s=kit.time(Time.DURATION),
        hydraulic_step_s=kit.time(Time.HYDRAULIC_STEP),
        pattern_step_s=kit.time(Time.PATTERN_STEP),
        pattern_start_s=kit.time(Time.PATTERN_START),
        report_step_s=kit.time(Time.REPORT_STEP),
        start_clocktime_s=kit.time(Time.START_CLOCKTIME),
    )
    head = np.where(node_kind == JUNCTION, np.nan, elevation + np.where(is_tank, of_nodes(NodeValue.TANK_LEVEL), 0.0))
    initial = of_links(LinkValue.INITIAL_SETTING) * units.settings(link_kind)
    return network, patterns, head, np.where(is_pipe, np.nan, initial)


def _patterns(kit: Toolkit, units: FileUnits, nodes: int, links: int) -> Patterns:
    table = [np.ones(1)]
    for pattern in range(1, kit.integer("getcount", Count.PATTERNS) + 1):
        length = kit.integer("getpatternlen", pattern)
        table.append(np.array([kit.number("getpatternvalue", pattern, one + 1) for one in range(length)]))
    default = int(kit.option(Option.DEMAND_PATTERN))
    node, base, pattern_of = [], [], []
    for one in range(1, nodes + 1):
        for category in range(1, kit.integer("getnumdemands", one) + 1):
            node.append(one - 1)
            base.append(kit.number("getbasedemand", one, category) * units.flow)
            pattern_of.append(kit.integer("getdemandpattern", one, category) or default)
    return Patterns(
        table=tuple(table),
        category_node=np.array(node, dtype=np.intp),
        category_base=np.array(base),
        category_pattern=np.array(pattern_of, dtype=np.intp),
        reservoir=np.array(
            [
                int(kit.number("getnodevalue", one, NodeValue.PATTERN))
                if kit.integer("getnodetype", one) == RESERVOIR
                else 0
                for one in range(1, nodes + 1)
            ]
        ),
        speed=np.array(
            [
                int(kit.number("getlinkvalue", one, LinkValue.PATTERN))
                if kit.integer("getlinktype", one) == PUMP
                else 0
                for one in range(1, links + 1)
            ]
        ),
        multiplier=kit.option(Option.DEMAND_MULTIPLIER),
    )


def _coordinates(kit: Toolkit, node: int) -> tuple[float, float]:
    try:
        x, y = kit.numbers("getcoord", 2, node)
    except EngineError:
        # A node without coordinates is no error.
        return float("nan"), float("nan")
    return x, y


def _pressure_demand(kit: Toolkit, units: FileUnits) -> PressureDemand | None:
    follows, minimum, required, exponent = kit.demand_model()
    if not follows:
        return None
    return PressureDemand(required * units.pressure, minimum * units.pressure, exponent)


def _pump(kit: Toolkit, units: FileUnits, link: int) -> PumpCurve:
    if kit.integer("getpumptype", link) == _CONSTANT_POWER:
        return PumpCurve(0.0, 0.0, 1.0, power=kit.number("getlinkvalue", link, LinkValue.POWER))
    flow, head = _curve(kit, kit.integer("getheadcurveindex", link), units.flow, units.length)
    if len(flow) == 1:
        return PumpCurve(float(head[0] * 4 / 3), float(head[0] / 3 / flow[0] ** 2), 2.0)
    if len(flow) != 3 or flow[0] != 0.0:
        return PumpCurve(float(head[0]), 0.0, 1.0, flow=flow, head=head)
    exponent = float(np.log((head[0] - head[2]) / (head[0] - head[1])) / np.log(flow[2] / flow[1]))
    return PumpCurve(float(head[0]), float((head[0] - head[1]) / flow[1] ** exponent), exponent)


def _valve_curves(kit: Toolkit, units: FileUnits, kind: np.ndarray) -> dict[int, tuple[Floats, Floats]]:
    """Return headloss [m] against flow [m³/s] of every general purpose valve."""
    found = {}
    for link in np.flatnonzero(kind == GPV).tolist():
        curve = int(kit.number("getlinkvalue", link + 1, LinkValue.GPV_CURVE))
        found[link] = _curve(kit, curve, units.flow, units.length)
    return found


def _curve(kit: Toolkit, curve: int, x_unit: float, y_unit: float) -> tuple[Floats, Floats]:
    points = [kit.numbers("getcurvevalue", 2, curve, one + 1) for one in range(kit.integer("getcurvelen", curve))]
    x, y = np.array(points).T
    return x * x_unit, y * y_unit
