"""Reading a network out of an open EPANET project."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydro.network import JUNCTION, PIPES, PUMP, Network, PressureDemand, PumpCurve
from hydro.readings import Floats
from hydro.toolkit import Toolkit

FORMULAS = ("H-W", "D-W", "C-M")
_DEMAND_CATEGORY, _POWER_CURVE = 1, 1
# EPANET's codes of properties.
_ELEVATION, _TANK_LEVEL, _NODE_PATTERN = 0, 8, 2
_DIAMETER, _LENGTH, _ROUGHNESS, _MINOR, _INIT_STATUS, _INIT_SETTING, _LINK_PATTERN = 0, 1, 2, 3, 4, 5, 15
_PUMP_POWER, _DEFAULT_PATTERN = 18, 23


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


def read_network(kit: Toolkit, name: str) -> tuple[Network, Patterns, Floats, Floats]:
    """Return the network, its patterns, initial heads (N,) of fixed nodes [m] and initial settings (L,)."""
    nodes, links = kit.integer("getcount", 0), kit.integer("getcount", 2)
    patterns = _patterns(kit, nodes, links)
    node_ids = tuple(kit.text("getnodeid", one) for one in range(1, nodes + 1))
    link_ids = tuple(kit.text("getlinkid", one) for one in range(1, links + 1))
    ends = np.array([kit.integers("getlinknodes", 2, one) for one in range(1, links + 1)], dtype=np.intp).reshape(-1, 2)
    node_kind = np.array([kit.integer("getnodetype", one) for one in range(1, nodes + 1)], dtype=np.int8)
    link_kind = np.array([kit.integer("getlinktype", one) for one in range(1, links + 1)], dtype=np.int8)
    elevation = kit.array("getnodevalues", _ELEVATION, nodes)
    level = kit.array("getnodevalues", _TANK_LEVEL, nodes)
    formula = FORMULAS[int(kit.number("getoption", 7))]
    roughness = kit.array("getlinkvalues", _ROUGHNESS, links)
    coordinates = np.array([_coordinates(kit, one) for one in range(1, nodes + 1)]).reshape(-1, 2)
    base = np.zeros(nodes)
    np.add.at(base, patterns.category_node, patterns.category_base * patterns.multiplier)
    times = [kit.long("gettimeparam", code) for code in (0, 1, 3, 4, 5, 10)]
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
        link_kind=link_kind,
        start=ends[:, 0] - 1,
        end=ends[:, 1] - 1,
        length=kit.array("getlinkvalues", _LENGTH, links),
        diameter=kit.array("getlinkvalues", _DIAMETER, links) / 1e3,
        roughness=roughness / 1e3 if formula == "D-W" else roughness,
        minor_loss=np.where(np.isin(link_kind, PIPES), kit.array("getlinkvalues", _MINOR, links), 0.0),
        initially_closed=kit.array("getlinkvalues", _INIT_STATUS, links) == 0,
        headloss_formula=formula,
        pressure_demand=_pressure_demand(kit),
        pumps={one: _pump(kit, one + 1) for one in np.flatnonzero(link_kind == PUMP).tolist()},
        duration_s=times[0],
        hydraulic_step_s=times[1],
        pattern_step_s=times[2],
        pattern_start_s=times[3],
        report_step_s=times[4],
        start_clocktime_s=times[5],
    )
    head = np.where(node_kind == JUNCTION, np.nan, elevation + np.where(node_kind == 2, level, 0.0))
    setting = np.where(np.isin(link_kind, PIPES), np.nan, kit.array("getlinkvalues", _INIT_SETTING, links))
    return network, patterns, head, setting


def _patterns(kit: Toolkit, nodes: int, links: int) -> Patterns:
    table = [np.ones(1)]
    for pattern in range(1, kit.integer("getcount", 3) + 1):
        length = kit.integer("getpatternlen", pattern)
        table.append(np.array([kit.number("getpatternvalue", pattern, one + 1) for one in range(length)]))
    default = int(kit.number("getoption", _DEFAULT_PATTERN))
    node, base, pattern_of = [], [], []
    for one in range(1, nodes + 1):
        for category in range(1, kit.integer("getnumdemands", one) + 1):
            node.append(one - 1)
            base.append(kit.number("getbasedemand", one, category))
            pattern_of.append(kit.integer("getdemandpattern", one, category) or default)
    return Patterns(
        table=tuple(table),
        category_node=np.array(node, dtype=np.intp),
        category_base=np.array(base),
        category_pattern=np.array(pattern_of, dtype=np.intp),
        reservoir=np.array(
            [
                int(kit.number("getnodevalue", one, _NODE_PATTERN)) if kit.integer("getnodetype", one) == 1 else 0
                for one in range(1, nodes + 1)
            ]
        ),
        speed=np.array(
            [
                int(kit.number("getlinkvalue", one, _LINK_PATTERN)) if kit.integer("getlinktype", one) == PUMP else 0
                for one in range(1, links + 1)
            ]
        ),
        multiplier=kit.number("getoption", 4),
    )


def _coordinates(kit: Toolkit, node: int) -> tuple[float, float]:
    try:
        x, y = kit.numbers("getcoord", 2, node)
    except Exception:  # noqa: BLE001 - a node without coordinates is no error
        return float("nan"), float("nan")
    return x, y


def _pressure_demand(kit: Toolkit) -> PressureDemand | None:
    import ctypes

    model = ctypes.c_int()
    values = [ctypes.c_double() for _ in range(3)]
    kit.call("getdemandmodel", ctypes.byref(model), *(ctypes.byref(value) for value in values))
    if model.value == 0:
        return None
    return PressureDemand(minimum=values[0].value, required=values[1].value, exponent=values[2].value)


def _pump(kit: Toolkit, link: int) -> PumpCurve:
    if kit.integer("getpumptype", link) == 0:
        return PumpCurve(0.0, 0.0, 1.0, power=kit.number("getlinkvalue", link, _PUMP_POWER))
    curve = kit.integer("getheadcurveindex", link)
    points = [kit.numbers("getcurvevalue", 2, curve, one + 1) for one in range(kit.integer("getcurvelen", curve))]
    flow, head = np.array(points).T
    if len(points) == 1:
        return PumpCurve(head[0] * 4 / 3, head[0] / 3 / flow[0] ** 2, 2.0)
    if len(points) == 3 and flow[0] == 0.0:
        exponent = np.log((head[0] - head[2]) / (head[0] - head[1])) / np.log(flow[2] / flow[1])
        return PumpCurve(head[0], (head[0] - head[1]) / flow[1] ** exponent, float(exponent))
    # A curve of many points: a power law through its ends and middle is close enough for a slope.
    middle = len(points) // 2
    shutoff = max(head[0] * 1.001, head.max() * 1.0001)
    exponent = np.log((shutoff - head[-1]) / (shutoff - head[middle])) / np.log(flow[-1] / flow[middle])
    return PumpCurve(float(shutoff), float((shutoff - head[-1]) / flow[-1] ** exponent), float(exponent))
