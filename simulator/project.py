"""One network opened in EPANET through its own toolkit: values in SI in, values in SI out.

The simulator drives the SWIG binding ``epanet.toolkit``; nothing here is shared with the diagnosis. The file's own
units stay as they are, for EPANET does not convert the levels in rules when units are set anew, and every value is
converted as it passes.
"""

from __future__ import annotations

import ctypes
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from epanet import toolkit as en

from models.problem import BadInput, Problem
from simulator.problem import NotSolvable
from simulator.snapshot import Elements, Floats

_FOOT = 0.3048
_PSI_PER_FOOT = 0.4333
"""EPANET's own constants (types.h), not physics: what it multiplied by must be divided by."""
_KPA_PER_PSI = 6.894757293168
_CURVE_POINTS = 101
_FOREVER_S = 50 * 365 * 86400
_KEEP_FLOWS, _NEW_FLOWS = 0, 10

_M3_S = {
    en.CFS: _FOOT**3,
    en.GPM: _FOOT**3 / 448.831,
    en.MGD: _FOOT**3 / 0.64632,
    en.IMGD: _FOOT**3 / 0.5382,
    en.AFD: _FOOT**3 / 1.9837,
    en.LPS: 1e-3,
    en.LPM: 1e-3 / 60.0,
    en.MLD: 1e3 / 86400.0,
    en.CMH: 1.0 / 3600.0,
    en.CMD: 1.0 / 86400.0,
    en.CMS: 1.0,
}
_US = (en.CFS, en.GPM, en.MGD, en.IMGD, en.AFD)
_PRESSURE_VALVES = (en.PRV, en.PSV, en.PBV)
_ACTIVE = 2.0
"""Status of a valve that controls; 0 is closed, 1 open."""


@dataclass(frozen=True, slots=True)
class Units:
    """SI value of one of the file's units."""

    flow: float
    length: float
    diameter_mm: float
    pressure_m: float


@dataclass(frozen=True, slots=True)
class Laid:
    """What lies in the ground for a link; roughness in the file's own measure (a coefficient, or mm, or 10⁻³ ft)."""

    diameter_mm: float
    roughness: float
    minor_loss: float


def _quietly() -> None:
    """Keep the binding's warnings, which carry no text, from becoming errors or noise; states are read instead."""
    rule = ("ignore", None, Warning, None, 0)
    if warnings.filters[:1] != [rule]:
        warnings.filters.insert(0, rule)  # type: ignore[attr-defined]


class Project:
    """An open network. Not to be used by two threads at a time; call :meth:`close` when done."""

    def __init__(self, network: Path) -> None:
        self._scratch = TemporaryDirectory(prefix="hydro-plant-")
        self._ph = en.createproject()
        report = Path(self._scratch.name) / "report.txt"
        try:
            en.open(self._ph, str(network), str(report), "")
        except Exception as error:
            # EPANET writes its report out when it closes.
            en.close(self._ph)
            en.deleteproject(self._ph)
            problems = _report_problems(report, network) or [Problem(str(error), str(network))]
            self._scratch.cleanup()
            raise BadInput(problems) from error
        self.units = _units(self._ph)
        self.elements = _elements(self._ph, self.units)
        self._nodes = en.doubleArray(len(self.elements.node_ids))
        self._links = en.doubleArray(len(self.elements.link_ids))
        self._before: dict[int, tuple[float, float]] = {}
        self._own_curves: dict[str, tuple[int, Floats]] = {}
        self._link_types = [en.getlinktype(self._ph, link + 1) for link in range(len(self.elements.link_ids))]
        self._setting_unit = np.array([self._unit_of_setting(kind) for kind in self._link_types])

    def close(self) -> None:
        """Close the network and remove what EPANET wrote beside it."""
        en.close(self._ph)
        en.deleteproject(self._ph)
        self._scratch.cleanup()

    # What the file says

    def time_parameter(self, which: int) -> int:
        """Return a time parameter of the file [s]."""
        return int(en.gettimeparam(self._ph, which))

    def demands(self) -> tuple[list[int], list[float], list[int], list[list[float]], float]:
        """Return node, base demand [m³/s] and pattern of every demand category, the patterns, and the multiplier."""
        nodes, bases, patterns = [], [], []
        # A demand without a pattern follows the default one, where the file has it.
        default = int(en.getoption(self._ph, en.DEMANDPATTERN))
        for node in np.flatnonzero(self.elements.is_junction):
            for category in range(1, en.getnumdemands(self._ph, int(node) + 1) + 1):
                nodes.append(int(node))
                bases.append(en.getbasedemand(self._ph, int(node) + 1, category) * self.units.flow)
                patterns.append(int(en.getdemandpattern(self._ph, int(node) + 1, category)) or default)
        factors = [[1.0]]
        for pattern in range(1, en.getcount(self._ph, en.PATCOUNT) + 1):
            length = en.getpatternlen(self._ph, pattern)
            factors.append([en.getpatternvalue(self._ph, pattern, period + 1) for period in range(length)])
        return nodes, bases, patterns, factors, float(en.getoption(self._ph, en.DEMANDMULT))

    def laid(self, link: int) -> Laid:
        """Return what the file lays for a link."""
        return Laid(
            en.getlinkvalue(self._ph, link + 1, en.DIAMETER) * self.units.diameter_mm,
            en.getlinkvalue(self._ph, link + 1, en.ROUGHNESS),
            en.getlinkvalue(self._ph, link + 1, en.MINORLOSS),
        )

    # What the truth changes

    def take_over_demands(self) -> None:
        """Leave each junction a single demand without pattern, for the truth to set at every step."""
        for node in np.flatnonzero(self.elements.is_junction):
            index = int(node) + 1
            for category in range(en.getnumdemands(self._ph, index), 0, -1):
                en.setbasedemand(self._ph, index, category, 0.0)
                en.setdemandpattern(self._ph, index, category, 0)
        en.setoption(self._ph, en.DEMANDMULT, 1.0)
        en.setoption(self._ph, en.DEMANDPATTERN, 0.0)

    def set_demands(self, nodes: list[int], demand: Floats) -> None:
        """Set the full demand of ``nodes`` [m³/s]."""
        for node, value in zip(nodes, (demand / self.units.flow).tolist(), strict=True):
            en.setbasedemand(self._ph, node + 1, 1, value)

    def set_pressure_demand(self, required_m: float, minimum_m: float, exponent: float) -> None:
        """Let demands depend on pressure."""
        unit = self.units.pressure_m
        en.setdemandmodel(self._ph, en.PDA, minimum_m / unit, required_m / unit, exponent)

    def set_laid(self, link: int, laid: Laid) -> None:
        """Lay a link anew. The diameter comes first: EPANET rescales the minor loss with it."""
        now = self.laid(link)
        pipe = self.elements.is_pipe[link]
        if pipe and not math.isclose(now.diameter_mm, laid.diameter_mm):
            en.setlinkvalue(self._ph, link + 1, en.DIAMETER, laid.diameter_mm / self.units.diameter_mm)
        if pipe and now.roughness != laid.roughness:
            en.setlinkvalue(self._ph, link + 1, en.ROUGHNESS, laid.roughness)
        if self.elements.has_minor_loss[link]:
            en.setlinkvalue(self._ph, link + 1, en.MINORLOSS, laid.minor_loss)

    def set_open(self, link: int, is_open: bool | None) -> None:
        """Open or close a link; ``None`` gives it back as it was. Controls on it rest meanwhile."""
        index = link + 1
        for control in range(1, en.getcount(self._ph, en.CONTROLCOUNT) + 1):
            if en.getcontrol(self._ph, control)[1] == index:
                en.setcontrolenabled(self._ph, control, int(is_open is None))
        if is_open is not None:
            state = en.getlinkvalue(self._ph, index, en.STATUS), en.getlinkvalue(self._ph, index, en.SETTING)
            self._before.setdefault(link, state)
            en.setlinkvalue(self._ph, index, en.STATUS, float(is_open))
            return
        status, setting = self._before.pop(link)
        if status != _ACTIVE:
            en.setlinkvalue(self._ph, index, en.STATUS, status)
        # An open pump has a speed, and a valve that is merely opened stops controlling: the setting sets it to work.
        if status == _ACTIVE or (status and not self.elements.is_pipe[link] and setting):
            en.setlinkvalue(self._ph, index, en.SETTING, setting)

    def is_open(self, link: int) -> bool:
        """Tell whether a link is open now."""
        return bool(en.getlinkvalue(self._ph, link + 1, en.STATUS))

    def can_close(self, link: int) -> bool:
        """Tell whether EPANET lets this link be closed; a check valve has no other status than its own."""
        return bool(self._link_types[link] != en.CVPIPE)

    def set_emitter(self, node: int, l_s_per_sqrt_m: float) -> None:
        """Let water out at a junction: coefficient · pressure^exponent, beside what the file lets out there."""
        exponent = en.getoption(self._ph, en.EMITEXPON)
        en.setnodevalue(self._ph, node + 1, en.EMITTER, l_s_per_sqrt_m * self._emitter_unit(exponent))

    def emitter(self, node: int) -> float:
        """Return the emitter coefficient of a junction [l/s per m^exponent]."""
        exponent = en.getoption(self._ph, en.EMITEXPON)
        return float(en.getnodevalue(self._ph, node + 1, en.EMITTER)) / self._emitter_unit(exponent)

    def prepare_emitters(self) -> None:
        """Make emitters orifices that let nothing in, unless the file has emitters of its own."""
        junctions = np.flatnonzero(self.elements.is_junction)
        if not any(en.getnodevalue(self._ph, int(node) + 1, en.EMITTER) for node in junctions):
            en.setoption(self._ph, en.EMITEXPON, 0.5)
            en.setoption(self._ph, en.EMITBACKFLOW, 0.0)

    def _emitter_unit(self, exponent: float) -> float:
        return float(1e-3 / self.units.flow * self.units.pressure_m**exponent)

    def own_pump_curves(self) -> None:
        """Give every pump a head curve of its own, so that one pump can age without its neighbour.

        The curve is drawn point by point: once the hydraulics run, EPANET 2.3 follows a change of such a curve, but not
        of one that it has fitted itself through one or three points.
        """
        for name, link in self.elements.links.items():
            if self.elements.has_head_curve[link]:
                curve = en.getheadcurveindex(self._ph, link + 1)
                count = en.getcurvelen(self._ph, curve)
                drawn = _drawn(np.array([en.getcurvevalue(self._ph, curve, point + 1) for point in range(count)]))
                own = f"truth-{link + 1}"
                en.addcurve(self._ph, own)
                index = en.getcurveindex(self._ph, own)
                self._fill_curve(index, drawn, 1.0)
                en.setheadcurveindex(self._ph, link + 1, index)
                self._own_curves[name] = (index, drawn)

    def _fill_curve(self, index: int, shape: Floats, factor: float) -> None:
        x, y = en.doubleArray(len(shape)), en.doubleArray(len(shape))
        for point, (flow, head) in enumerate(shape.tolist()):
            x[point], y[point] = flow, head * factor
        en.setcurve(self._ph, index, x, y, len(shape))

    def set_pump_head(self, name: str, factor: float) -> None:
        """Let a pump give ``factor`` times the head of the file's curve."""
        self._fill_curve(*self._own_curves[name], factor)

    # Running

    def begin(self) -> None:
        """Open the hydraulics at time 0, for years."""
        for parameter in (en.DURATION, en.REPORTSTEP):
            en.settimeparam(self._ph, parameter, _FOREVER_S)
        en.settimeparam(self._ph, en.REPORTSTART, _FOREVER_S)
        en.setstatusreport(self._ph, en.NO_REPORT)
        # Without this every warning of weeks ends up in a file.
        en.setreport(self._ph, "MESSAGES NO")
        en.openH(self._ph)
        en.initH(self._ph, _NEW_FLOWS)

    def solve(self) -> int:
        """Solve at the present time and return that time [s].

        Raises
        ------
        NotSolvable
            EPANET cannot.
        """
        _quietly()
        try:
            return int(en.runH(self._ph))
        except Exception as error:
            raise NotSolvable(f"the network does not solve: {error}") from error

    def step(self, longest_s: int) -> int:
        """Move tanks and clock on by at most ``longest_s`` [s] and return how far [s]."""
        _quietly()
        en.settimeparam(self._ph, en.HYDSTEP, longest_s)
        return int(en.nextH(self._ph))

    def node_values(self, which: int) -> Floats:
        """Return a property of all nodes (N,) in the file's units."""
        en.getnodevalues(self._ph, which, self._nodes)
        return _copy(self._nodes, len(self.elements.node_ids))

    def link_values(self, which: int) -> Floats:
        """Return a property of all links (L,) in the file's units."""
        en.getlinkvalues(self._ph, which, self._links)
        return _copy(self._links, len(self.elements.link_ids))

    def settings(self) -> Floats:
        """Return the settings of all links (L,) in SI."""
        settings: Floats = self.link_values(en.SETTING) * self._setting_unit
        return settings

    def _unit_of_setting(self, kind: int) -> float:
        if kind in _PRESSURE_VALVES:
            return self.units.pressure_m
        return self.units.flow if kind == en.FCV else 1.0


def _has_head_curve(ph: Any, link: int) -> bool:
    return bool(en.getlinktype(ph, link) == en.PUMP and en.getpumptype(ph, link) != en.CONST_HP)


def _drawn(curve: Floats) -> Floats:
    """Return the points (P, 2) of a pump's curve; where EPANET fits H = H₀ − b·qᶜ, that function in many points.

    EPANET 2.2 user manual, chapter 3.2: one point (q, H) stands for (0, 4/3·H), (q, H), (2·q, 0).
    """
    if len(curve) == 1:
        flow, head = curve[0]
        curve = np.array([[0.0, head * 4.0 / 3.0], [flow, head], [2.0 * flow, 0.0]])
    if len(curve) != 3 or curve[0, 0] != 0.0:
        return curve
    (_, shutoff), (design, at_design), (largest, at_largest) = curve
    exponent = math.log((shutoff - at_largest) / (shutoff - at_design)) / math.log(largest / design)
    loss = (shutoff - at_design) / design**exponent
    flow = np.linspace(0.0, (shutoff / loss) ** (1.0 / exponent), _CURVE_POINTS)
    return np.column_stack([flow, np.maximum(0.0, shutoff - loss * flow**exponent)])


def _copy(array: Any, count: int) -> Floats:
    return np.array((ctypes.c_double * count).from_address(int(array.cast())))


def _units(ph: Any) -> Units:
    flow = en.getflowunits(ph)
    foot = flow in _US
    head = _FOOT if foot else 1.0
    pressure = {
        en.METERS: 1.0,
        en.FEET: _FOOT,
        en.PSI: _FOOT / _PSI_PER_FOOT,
        en.KPA: _FOOT / _PSI_PER_FOOT / _KPA_PER_PSI,
        en.BAR: _FOOT / _PSI_PER_FOOT / _KPA_PER_PSI * 100.0,
    }[int(en.getoption(ph, en.PRESS_UNITS))]
    return Units(_M3_S[flow], head, 25.4 if foot else 1.0, pressure)


def _elements(ph: Any, units: Units) -> Elements:
    nodes = range(1, en.getcount(ph, en.NODECOUNT) + 1)
    links = range(1, en.getcount(ph, en.LINKCOUNT) + 1)
    node_ids = tuple(en.getnodeid(ph, node) for node in nodes)
    link_ids = tuple(en.getlinkid(ph, link) for link in links)
    kinds = np.array([en.getlinktype(ph, link) for link in links])
    ends = np.array([en.getlinknodes(ph, link) for link in links], dtype=np.int64).reshape(-1, 2) - 1
    return Elements(
        nodes={name: index for index, name in enumerate(node_ids)},
        links={name: index for index, name in enumerate(link_ids)},
        node_ids=node_ids,
        link_ids=link_ids,
        is_junction=np.array([en.getnodetype(ph, node) == en.JUNCTION for node in nodes]),
        elevation=np.array([en.getnodevalue(ph, node, en.ELEVATION) for node in nodes]) * units.length,
        start=ends[:, 0],
        end=ends[:, 1],
        is_pipe=np.isin(kinds, (en.PIPE, en.CVPIPE)),
        has_head_curve=np.array([_has_head_curve(ph, link) for link in links]),
        has_minor_loss=~np.isin(kinds, (en.PUMP, en.TCV, en.GPV, en.PCV)),
    )


def _report_problems(report: Path, network: Path) -> list[Problem]:
    """Return what EPANET wrote about a file that it would not open: each error, with the line that it is about."""
    if not report.exists():
        return []
    places: dict[str, int] = {}
    for number, line in enumerate(network.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        places.setdefault(" ".join(line.split()), number)
    lines = [line.strip() for line in report.read_text(encoding="utf-8", errors="replace").splitlines()]
    problems = []
    for line, about in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("Error") and not line.startswith("Error 200"):
            problems.append(Problem(f"{line} {about}".strip(), str(network), places.get(" ".join(about.split()), 0)))
    return problems
