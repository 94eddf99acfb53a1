"""The truth's own EPANET project, through the binding ``epanet.toolkit``. It shares no code with the diagnosis.

The file's units stay as they are (EPANET does not convert the levels in rules when units are set anew); every value is
converted as it passes. Demands are handed over as one pattern a junction, so that EPANET itself steps through them.
"""

from __future__ import annotations

import contextlib
import ctypes
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from epanet import toolkit as en
from numpy.typing import NDArray

from benchmarks.diagnosis.elements import Elements, Floats, State

STEP_S = 900
"""Demands change, and readings are taken, every so many seconds."""
REQUIRED_M = 14.0
"""Pressure at which a customer gets all that it asks for, as `hydro diagnose` assumes where an INP does not say."""
FRESH_FLOWS, LAST_FLOWS = 10, 0
"""From which flows a solve starts."""
_FOOT = 0.3048
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
_PRESSURE_UNIT_M = {en.METERS: 1.0, en.FEET: _FOOT, en.PSI: _FOOT / 0.4333}
_PRESSURE_UNIT_M |= {en.KPA: _FOOT / 0.4333 / 6.895, en.BAR: _FOOT / 0.4333 / 6.895 * 100.0}
_SAME_LEVEL = 1e-6
_WIDER = 20.0
_SHORT_M = 30.0
_MOST_SOLVES_A_STEP = 40
"""Controls that chatter (EPANET can go on in steps of a second for ever) end a run."""


class Unsolvable(Exception):
    """EPANET finds no state of the network, or cannot get to the end of the run."""


class Project:
    """An open network whose demands, roughness and faults the benchmark sets. :meth:`close` when done."""

    def __init__(self, inp: Path) -> None:
        self._scratch = TemporaryDirectory(prefix="hydro-truth-")
        self._ph = en.createproject()
        with _quiet():
            en.open(self._ph, str(inp), str(Path(self._scratch.name) / "report.txt"), "")
        unit = en.getflowunits(self._ph)
        self._flow = _M3_S[unit]
        self._length = _FOOT if unit in _US else 1.0
        self.elements = self._read_elements()
        self._nodes = en.doubleArray(len(self.elements.node_ids))
        self._links = en.doubleArray(len(self.elements.link_ids))
        self._laid = {
            prop: self._link_values(prop) for prop in (en.ROUGHNESS, en.MINORLOSS, en.INITSTATUS, en.INITSETTING)
        }
        self._reservoir_head = self._node_values(en.ELEVATION)
        self._own: dict[int, int] = {}
        self._hydraulics = False

    def close(self) -> None:
        """Close the network and remove what EPANET wrote beside it."""
        with _quiet():
            en.close(self._ph)
        en.deleteproject(self._ph)
        self._scratch.cleanup()

    # What the file says

    @property
    def pattern_step(self) -> int:
        """Return the file's pattern step [s]."""
        return int(en.gettimeparam(self._ph, en.PATTERNSTEP))

    def patterns(self, times: NDArray[np.int64]) -> Floats:
        """Return (P + 1, T) multipliers of the file's patterns at ``times`` [s]; row 0 is the absent pattern."""
        ph = self._ph
        begun = int(en.gettimeparam(ph, en.PATTERNSTART))
        rows = [np.ones(len(times))]
        for pattern in range(1, en.getcount(ph, en.PATCOUNT) + 1):
            values = self._pattern(pattern)
            rows.append(values[((times + begun) // self.pattern_step) % len(values)])
        return np.stack(rows)

    def demands(self, patterns: Floats) -> Floats:
        """Return (N, T) the file's demands [m³/s], given its patterns at T times."""
        ph = self._ph
        default = int(en.getoption(ph, en.DEMANDPATTERN))
        factor = en.getoption(ph, en.DEMANDMULT) * self._flow
        demand = np.zeros((len(self.elements.node_ids), patterns.shape[1]))
        for node in self.elements.junctions:
            for category in range(1, en.getnumdemands(ph, int(node) + 1) + 1):
                base = en.getbasedemand(ph, int(node) + 1, category)
                if base:
                    pattern = int(en.getdemandpattern(ph, int(node) + 1, category)) or default
                    demand[node] += base * factor * patterns[pattern]
        return demand

    def coordinates(self) -> Floats:
        """Return (N, 2) the file's coordinates, NaN where it has none."""
        places = np.full((len(self.elements.node_ids), 2), np.nan)
        for node in range(len(places)):
            with contextlib.suppress(Exception):  # a node without coordinates is an error to the toolkit
                places[node] = en.getcoord(self._ph, node + 1)
        return places

    # What is written for the diagnosis

    def add_closed_pipe(self, name: str, start: int, end: int, diameter_mm: float) -> None:
        """Add a short closed pipe between two nodes."""
        ph, ids = self._ph, self.elements.node_ids
        index = int(en.addlink(ph, name, en.PIPE, ids[start], ids[end]))
        inch = 25.4 if self._length != 1.0 else 1.0
        rough = float(np.median(self._laid[en.ROUGHNESS][self.elements.pipes]))
        en.setpipedata(ph, index, _SHORT_M / self._length, diameter_mm / inch, rough, 0.0)
        en.setlinkvalue(ph, index, en.INITSTATUS, 0.0)

    def save(self, path: Path) -> None:
        """Write the network as it now is."""
        with _quiet():
            en.saveinpfile(self._ph, str(path))

    def give_pattern(self, factors: Sequence[float]) -> None:
        """Give every demand this hourly pattern."""
        ph = self._ph
        en.addpattern(ph, "DIURNAL")
        index = int(en.getpatternindex(ph, "DIURNAL"))
        self._set_pattern(index, np.repeat(np.array(factors), 3600 // self.pattern_step))
        for node in self.elements.junctions:
            for category in range(1, en.getnumdemands(ph, int(node) + 1) + 1):
                en.setdemandpattern(ph, int(node) + 1, category, index)

    @property
    def roughness(self) -> Floats:
        """Return (L,) the roughness as it is laid, in the file's unit."""
        return self._laid[en.ROUGHNESS].copy()

    @property
    def closed(self) -> frozenset[int]:
        """Return the links that the file closes."""
        return frozenset(np.flatnonzero(self._laid[en.INITSTATUS] == 0.0).tolist())

    # What the truth is

    def take_over(self, demand: Floats, patterns: Floats, *, held: bool) -> None:
        """Let each junction draw ``demand`` (N, T) [m³/s] and the file's patterns be ``patterns`` (P + 1, T).

        ``held``: tanks so wide that their levels hardly move.
        """
        ph = self._ph
        for tank in self.elements.tanks if held else ():
            wide = _WIDER * en.getnodevalue(ph, int(tank) + 1, en.TANKDIAM)
            en.setnodevalue(ph, int(tank) + 1, en.TANKDIAM, wide)
        for pattern in range(1, len(patterns)):
            self._set_pattern(pattern, patterns[pattern])
        en.settimeparam(ph, en.PATTERNSTART, 0)
        en.settimeparam(ph, en.PATTERNSTEP, STEP_S)
        en.setoption(ph, en.DEMANDMULT, 1.0)
        en.setoption(ph, en.DEMANDPATTERN, 0.0)
        for node in self.elements.junctions:
            index = int(node) + 1
            for category in range(en.getnumdemands(ph, index), 1, -1):
                en.deletedemand(ph, index, category)
            drawn = np.any(demand[node] != 0.0)
            en.setnodevalue(ph, index, en.BASEDEMAND, 1.0 if drawn else 0.0)
            if drawn:
                name = f"~{index}"
                en.addpattern(ph, name)
                own = int(en.getpatternindex(ph, name))
                self._own[int(node)] = own
                self._set_pattern(own, demand[node] / self._flow)
                en.setdemandpattern(ph, index, 1, own)
        if en.getdemandmodel(ph)[0] == en.DDA:
            unit = _PRESSURE_UNIT_M[int(en.getoption(ph, en.PRESS_UNITS))]
            en.setdemandmodel(ph, en.PDA, 0.0, REQUIRED_M / unit, 0.5)
        en.setoption(ph, en.ACCURACY, 1e-5)
        en.setoption(ph, en.TRIALS, 200)
        en.setstatusreport(ph, en.NO_REPORT)
        en.setreport(ph, "MESSAGES NO")

    def age(self, roughness: Floats, pump_head: Floats) -> None:
        """Multiply the file's roughness (L,) and its pumps' heads (L,)."""
        ph = self._ph
        for pipe in np.flatnonzero(np.isin(self.elements.link_kind, (en.PIPE, en.CVPIPE))):
            self._laid[en.ROUGHNESS][pipe] *= roughness[pipe]
            en.setlinkvalue(ph, int(pipe) + 1, en.ROUGHNESS, self._laid[en.ROUGHNESS][pipe])
        for pump in np.flatnonzero(self.elements.link_kind == en.PUMP):
            index = int(pump) + 1
            if en.getpumptype(ph, index) == en.CONST_HP:
                en.setlinkvalue(ph, index, en.PUMP_POWER, en.getlinkvalue(ph, index, en.PUMP_POWER) * pump_head[pump])
                continue
            curve = int(en.getheadcurveindex(ph, index))
            points = [en.getcurvevalue(ph, curve, point + 1) for point in range(en.getcurvelen(ph, curve))]
            en.addcurve(ph, f"~{index}")
            own = int(en.getcurveindex(ph, f"~{index}"))
            flow, head = en.doubleArray(len(points)), en.doubleArray(len(points))
            for place, (x, y) in enumerate(points):
                flow[place], head[place] = x, y * float(pump_head[pump])
            en.setcurve(ph, own, flow, head, len(points))
            en.setheadcurveindex(ph, index, own)

    def forget_controls(self) -> None:
        """Delete every control and rule, so that a state is what it is set to."""
        for control in range(en.getcount(self._ph, en.CONTROLCOUNT), 0, -1):
            en.deletecontrol(self._ph, control)
        for rule in range(en.getcount(self._ph, en.RULECOUNT), 0, -1):
            en.deleterule(self._ph, rule)

    # Faults; 0 is none of it

    def add_minor_loss(self, link: int, added: float) -> None:
        """Add to a link's minor loss coefficient [-]."""
        en.setlinkvalue(self._ph, link + 1, en.MINORLOSS, self._laid[en.MINORLOSS][link] + added)

    def set_open(self, link: int, is_open: bool) -> None:
        """Open or close a pipe."""
        en.setlinkvalue(self._ph, link + 1, en.INITSTATUS, float(is_open))
        if self._hydraulics:
            en.setlinkvalue(self._ph, link + 1, en.STATUS, float(is_open))

    def grow_demand(self, nodes: Sequence[int], growth: float) -> None:
        """Let nodes draw 1 + ``growth`` times what they drew."""
        for node in nodes:
            en.setbasedemand(self._ph, node + 1, 1, 1.0 + growth)

    def leak(self, node: int, coefficient: float) -> None:
        """Let ``coefficient`` · pressure^exponent [l/s, m] out at a node."""
        exponent = en.getoption(self._ph, en.EMITEXPON)
        unit = _PRESSURE_UNIT_M[int(en.getoption(self._ph, en.PRESS_UNITS))]
        en.setnodevalue(self._ph, node + 1, en.EMITTER, coefficient * 1e-3 / self._flow * unit**exponent)

    def lower_source(self, node: int, lost: float) -> None:
        """Lower a reservoir by ``lost`` [m]."""
        en.setnodevalue(self._ph, node + 1, en.ELEVATION, self._reservoir_head[node] - lost / self._length)

    def roughen(self, links: Sequence[int], growth: float) -> None:
        """Let the friction of pipes grow to 1 + ``growth`` times what it was."""
        power = {en.HW: -1.0 / 1.852, en.CM: 0.5, en.DW: 1.0}[int(en.getoption(self._ph, en.HEADLOSSFORM))]
        for link in links:
            rough = self._laid[en.ROUGHNESS][link] * (1.0 + growth) ** power
            en.setlinkvalue(self._ph, link + 1, en.ROUGHNESS, rough)

    # Running

    def states(self, end: int, events: Sequence[tuple[int, Callable[[Project], None]]] = ()) -> Iterator[State]:
        """Yield every state from time 0 to ``end`` [s]; each event's change is made at its time.

        Raises
        ------
        Unsolvable
            EPANET does not converge, or chatters.
        """
        pending = sorted(events, key=lambda event: event[0])
        self._open(end + STEP_S)
        now, solves = 0, 0
        while True:
            while pending and pending[0][0] <= now:
                pending.pop(0)[1](self)
            yield self._solve(now)
            if now >= end:
                return
            solves += 1
            if solves > _MOST_SOLVES_A_STEP * (now // STEP_S + 10):
                raise Unsolvable(f"controls chatter at {now} s")
            longest = STEP_S - now % STEP_S
            if pending:
                longest = min(longest, pending[0][0] - now)
            en.settimeparam(self._ph, en.HYDSTEP, longest)
            with _quiet():
                now += int(en.nextH(self._ph))

    def steady(self, like: State) -> Floats:
        """Return (N,) heads [m] at the time, tank levels and statuses of ``like``, controls forgotten."""
        self.stand(like)
        return self.solved().head

    def stand(self, like: State) -> None:
        """Set time, tank levels and statuses to those of ``like``."""
        ph, elements = self._ph, self.elements
        en.settimeparam(ph, en.PATTERNSTART, like.time)
        for tank in elements.tanks:
            index = int(tank) + 1
            level = (like.head[tank] - elements.elevation[tank]) / self._length
            # A rounding error below full takes water in, one above is refused: full is exactly full, empty so too.
            most, least = en.getnodevalue(ph, index, en.MAXLEVEL), en.getnodevalue(ph, index, en.MINLEVEL)
            level = most if level > most - _SAME_LEVEL else least if level < least + _SAME_LEVEL else level
            en.setnodevalue(ph, index, en.TANKLEVEL, level)
        for place, link in enumerate(elements.guided):
            self._guide(int(link), bool(like.status[place]), float(like.setting[place]))

    def solved(self, flows: int = FRESH_FLOWS) -> State:
        """Return the steady state as everything stands; faster from ``LAST_FLOWS``, where the last state is near."""
        self._open(STEP_S, flows)
        return self._solve(0)

    def redraw(self, demand: Floats) -> None:
        """Let junctions that draw at all draw otherwise: ``demand`` (N, T) [m³/s] as in :meth:`take_over`."""
        for node, pattern in self._own.items():
            self._set_pattern(pattern, demand[node] / self._flow)

    def _guide(self, link: int, is_open: bool, setting: float) -> None:
        index, kind = link + 1, self.elements.link_kind[link]
        en.setlinkvalue(self._ph, index, en.INITSTATUS, float(is_open))
        if is_open and kind not in (en.PIPE, en.CVPIPE):
            own = setting if kind == en.PUMP else self._laid[en.INITSETTING][link]
            if own:
                en.setlinkvalue(self._ph, index, en.INITSETTING, own)

    def _open(self, duration: int, flows: int = FRESH_FLOWS) -> None:
        en.settimeparam(self._ph, en.DURATION, duration)
        en.settimeparam(self._ph, en.REPORTSTEP, duration)
        en.settimeparam(self._ph, en.HYDSTEP, STEP_S)
        if not self._hydraulics:
            en.openH(self._ph)
            self._hydraulics = True
        with _quiet():
            en.initH(self._ph, flows)

    def _solve(self, time: int) -> State:
        with _quiet():
            try:
                en.runH(self._ph)
            except Exception as error:
                raise Unsolvable(f"at {time} s: {error}") from error
        if en.getstatistic(self._ph, en.RELATIVEERROR) > 1e-3:
            raise Unsolvable(f"does not converge at {time} s")
        guided = self.elements.guided
        return State(
            time=time,
            head=self._node_values(en.HEAD) * self._length,
            outflow=self._node_values(en.DEMAND) * self._flow,
            status=self._link_values(en.STATUS)[guided] > 0.0,
            setting=self._link_values(en.SETTING)[guided],
        )

    def _pattern(self, index: int) -> Floats:
        length = en.getpatternlen(self._ph, index)
        return np.array([en.getpatternvalue(self._ph, index, period + 1) for period in range(length)])

    def _set_pattern(self, index: int, values: Floats) -> None:
        array = en.doubleArray(len(values))
        _view(array, len(values))[:] = values
        en.setpattern(self._ph, index, array, len(values))

    def _node_values(self, prop: int) -> Floats:
        en.getnodevalues(self._ph, prop, self._nodes)
        return _view(self._nodes, len(self.elements.node_ids)).copy()

    def _link_values(self, prop: int) -> Floats:
        en.getlinkvalues(self._ph, prop, self._links)
        return _view(self._links, len(self.elements.link_ids)).copy()

    def _read_elements(self) -> Elements:
        ph = self._ph
        nodes = range(1, en.getcount(ph, en.NODECOUNT) + 1)
        links = range(1, en.getcount(ph, en.LINKCOUNT) + 1)
        ends = np.array([en.getlinknodes(ph, link) for link in links], dtype=np.intp).reshape(-1, 2) - 1
        kinds = np.array([en.getlinktype(ph, link) for link in links])
        guided = {int(link) for link in np.flatnonzero(kinds == en.PUMP)}
        guided |= {int(en.getcontrol(ph, control)[1]) - 1 for control in range(1, en.getcount(ph, en.CONTROLCOUNT) + 1)}
        for rule in range(1, en.getcount(ph, en.RULECOUNT) + 1):
            _, thens, elses, _ = en.getrule(ph, rule)[-4:]
            guided |= {int(en.getthenaction(ph, rule, place + 1)[0]) - 1 for place in range(thens)}
            guided |= {int(en.getelseaction(ph, rule, place + 1)[0]) - 1 for place in range(elses)}
        lengths = [
            en.getlinkvalue(ph, link, en.LENGTH) if kinds[link - 1] in (en.PIPE, en.CVPIPE) else 0 for link in links
        ]
        return Elements(
            node_ids=tuple(en.getnodeid(ph, node) for node in nodes),
            link_ids=tuple(en.getlinkid(ph, link) for link in links),
            node_kind=np.array([en.getnodetype(ph, node) for node in nodes]),
            link_kind=kinds,
            start=ends[:, 0],
            end=ends[:, 1],
            length=np.maximum(1.0, np.array(lengths) * self._length),
            elevation=np.array([en.getnodevalue(ph, node, en.ELEVATION) for node in nodes]) * self._length,
            guided=np.array(sorted(guided - {-1}), dtype=np.intp),
        )


def _quiet() -> Any:
    """The binding's warnings carry no text; what matters of them is looked up (convergence), the rest is the case's."""
    return warnings.catch_warnings(action="ignore")


def _view(array: Any, count: int) -> Floats:
    return np.ctypeslib.as_array((ctypes.c_double * count).from_address(int(array.cast())))
