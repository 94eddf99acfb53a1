"""One EPANET project prepared for snapshots: patterns and controls taken out, every value set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hydro.conditions import Conditions
from hydro.errors import EngineError
from hydro.network import JUNCTION, PIPES, PUMP, TANK, Network, PressureDemand
from hydro.readings import Floats
from hydro.state import State
from hydro.toolkit import CMS, FRESH_FLOWS, WARNINGS, Toolkit

# EPANET's codes of node and link properties.
_ELEVATION, _BASE, _PATTERN, _EMITTER, _TANK_LEVEL, _HEAD, _PRESSURE = 0, 1, 2, 3, 8, 10, 11
_EMITTER_FLOW, _DELIVERED = 29, 31
_DIAMETER, _ROUGHNESS, _MINOR, _INIT_STATUS, _INIT_SETTING, _FLOW, _VELOCITY = 0, 2, 3, 4, 5, 8, 9
_STATUS, _SETTING, _LINK_PATTERN = 11, 12, 15
_DEMAND_MULTIPLIER, _EMITTER_EXPONENT, _DEFAULT_PATTERN = 4, 3, 23
_DURATION, _ACCURACY = 0, 1
TIGHT = 1e-5
"""Flow change at which a solve has converged: differences of states are wanted, not states alone."""
MOST_STEPS = 200_000
"""A network whose controls chatter is given up after so many steps."""


class Project:
    """A project that belongs to one thread at a time. It remembers what it has set and sets only what differs."""

    def __init__(self, inp: Path, report: Path) -> None:
        self.kit = Toolkit()
        try:
            self.kit.open(inp, report)
            self.kit.call("setflowunits", CMS)
            self.kit.call("setstatusreport", 0)
        except EngineError:
            self.kit.close()
            raise
        self._nodes = self.kit.integer("getcount", 0)
        self._links = self.kit.integer("getcount", 2)
        self._hydraulics = False

    def close(self) -> None:
        """Give the project back."""
        if self._hydraulics:
            self.kit.call("closeH")
            self._hydraulics = False
        self.kit.close()

    def prepare(self, network: Network, pressure_demand: PressureDemand | None, keep_controls: bool = False) -> None:
        """Take out whatever would change values behind our back, and open the solver."""
        self._network = network
        if not keep_controls:
            for control in range(self.kit.integer("getcount", 5), 0, -1):
                self.kit.call("deletecontrol", control)
            for rule in range(self.kit.integer("getcount", 6), 0, -1):
                self.kit.call("deleterule", rule)
        self._take_out_patterns(network)
        if pressure_demand is not None:
            self._set_pressure_demand(pressure_demand)
        if self.kit.number("getoption", _ACCURACY) > TIGHT:
            self.kit.call("setoption", _ACCURACY, _double(TIGHT))
        self._file_exponent = 1.0 / self.kit.number("getoption", _EMITTER_EXPONENT)
        self._given = {
            prop: self.kit.array("getlinkvalues", prop, self._links)
            for prop in (_DIAMETER, _ROUGHNESS, _MINOR, _INIT_STATUS, _INIT_SETTING)
        }
        self._leak_given = self.kit.array("getnodevalues", _EMITTER, self._nodes)
        if not np.any(self._leak_given > 0):
            self.kit.call("setoption", _EMITTER_EXPONENT, _double(0.5))
        self._link_now = {prop: values.copy() for prop, values in self._given.items()}
        self._demand_now = np.full(self._nodes, np.nan)
        self._head_now = np.full(self._nodes, np.nan)
        self._leak_now = self._leak_given.copy()
        self.kit.call("settimeparam", _DURATION, _long(0))
        self.kit.call("openH")
        self._hydraulics = True

    def solve(self, conditions: Conditions) -> State:
        """Return the steady state; it depends on the conditions alone, never on what was solved before."""
        self._set(conditions)
        self.kit.call("initH", FRESH_FLOWS)
        return self._run(0)

    def follow(self, times: Floats, conditions: Sequence[Conditions]) -> list[State]:
        """Return the states at times [s], tanks and controls moving freely between them."""
        network = self._network
        tanks = np.flatnonzero(network.node_kind == TANK)
        origin = float(times[0])
        self.kit.call("settimeparam", _DURATION, _long(int(times[-1] - origin) + 3600))
        self._set(conditions[0])
        self.kit.call("initH", FRESH_FLOWS)
        states: list[State] = []
        for _ in range(MOST_STEPS):
            now = self.kit_time()
            due = origin + now
            place = len(states)
            self._set_flowing(conditions[min(place, len(conditions) - 1)], tanks)
            state = self._run(0)
            while len(states) < len(times) and times[len(states)] <= due + 1e-6:
                states.append(state)
            if len(states) == len(times):
                return states
            left = self.kit.long("nextH")
            if left <= 0:
                break
        states += [states[-1]] * (len(times) - len(states))
        return states

    def kit_time(self) -> float:
        """Return EPANET's own clock [s]."""
        return float(self.kit.long("gettimeparam", 11))

    def change(self, changes: Conditions, network: Network) -> None:
        """Set what differs from the file for good: pipes, statuses, settings, and demands by a factor."""
        for prop, values in (
            (_DIAMETER, changes.diameter * 1e3),
            (_ROUGHNESS, changes.roughness * (1e3 if network.headloss_formula == "D-W" else 1.0)),
            (_MINOR, changes.minor_loss),
            (_INIT_STATUS, changes.status),
            (_INIT_SETTING, changes.setting),
        ):
            for link in np.flatnonzero(np.isfinite(values)):
                self.kit.set("setlinkvalue", int(link) + 1, prop, float(values[link]))

    def _take_out_patterns(self, network: Network) -> None:
        self.kit.call("setoption", _DEMAND_MULTIPLIER, _double(1.0))
        # A demand without a pattern follows the default one; without that, it is constant.
        self.kit.call("setoption", _DEFAULT_PATTERN, _double(0.0))
        for node in range(1, self._nodes + 1):
            kind = network.node_kind[node - 1]
            if kind == JUNCTION:
                for category in range(self.kit.integer("getnumdemands", node), 1, -1):
                    self.kit.call("deletedemand", node, category)
                if self.kit.integer("getnumdemands", node) == 0:
                    self.kit.call("adddemand", node, _double(0.0), b"", b"")
                self.kit.call("setdemandpattern", node, 1, 0)
            elif kind != TANK:
                self.kit.set("setnodevalue", node, _PATTERN, 0)
        for link in np.flatnonzero(network.link_kind == PUMP):
            self.kit.set("setlinkvalue", int(link) + 1, _LINK_PATTERN, 0)

    def _set_pressure_demand(self, law: PressureDemand) -> None:
        minimum, required, exponent = _double(law.minimum), _double(law.required), _double(law.exponent)
        self.kit.call("setdemandmodel", 1, minimum, required, exponent)

    def _set(self, conditions: Conditions) -> None:
        network = self._network
        demand = np.where(network.node_kind == JUNCTION, conditions.demand, 0.0)
        for node in np.flatnonzero(demand != self._demand_now):
            if network.node_kind[node] == JUNCTION:
                self.kit.set("setnodevalue", int(node) + 1, _BASE, float(demand[node]))
        self._demand_now = demand
        self._set_heads(conditions)
        leak = self._leak_given + conditions.leak
        for node in np.flatnonzero(leak != self._leak_now):
            self.kit.set("setnodevalue", int(node) + 1, _EMITTER, float(leak[node]))
        self._leak_now = leak
        millimetre = 1e3 if network.headloss_formula == "D-W" else 1.0
        self._set_links(_DIAMETER, conditions.diameter * 1e3)
        self._set_links(_ROUGHNESS, conditions.roughness * millimetre)
        self._set_links(_MINOR, conditions.minor_loss)
        self._set_links(_INIT_STATUS, conditions.status)
        self._set_links(_INIT_SETTING, conditions.setting)

    def _set_heads(self, conditions: Conditions) -> None:
        network = self._network
        for node in network.fixed:
            head = float(conditions.head[node])
            if np.isnan(head) or head == self._head_now[node]:
                continue
            if network.node_kind[node] == TANK:
                self.kit.set("setnodevalue", int(node) + 1, _TANK_LEVEL, self._level(int(node), head))
            else:
                self.kit.set("setnodevalue", int(node) + 1, _ELEVATION, head)
            self._head_now[node] = head

    def _level(self, node: int, head: float) -> float:
        """Return the tank's level [m], kept within what the tank can hold."""
        low = self.kit.number("getnodevalue", node + 1, 20)
        high = self.kit.number("getnodevalue", node + 1, 21)
        return float(np.clip(head - self._network.elevation[node], low, high))

    def _set_links(self, prop: int, values: Floats) -> None:
        wanted = np.where(np.isfinite(values), values, self._given[prop])
        for link in np.flatnonzero(wanted != self._link_now[prop]):
            kind = self._network.link_kind[link]
            if kind == 0 and prop == _INIT_STATUS:
                continue
            self.kit.set("setlinkvalue", int(link) + 1, prop, float(wanted[link]))
            if prop == _INIT_STATUS and kind not in PIPES:
                # A status given to a pump or valve resets its setting inside EPANET.
                self._link_now[_INIT_SETTING][link] = np.nan
        changed = self._link_now[prop]
        self._link_now[prop] = np.where(np.isnan(changed) & (prop == _INIT_SETTING), wanted, wanted)

    def _set_flowing(self, conditions: Conditions, tanks: np.ndarray) -> None:
        """Set what may change while time goes on: demands, and links' current status."""
        demand = np.where(self._network.node_kind == JUNCTION, conditions.demand, 0.0)
        for node in np.flatnonzero(demand != self._demand_now):
            self.kit.set("setnodevalue", int(node) + 1, _BASE, float(demand[node]))
        self._demand_now = demand
        for link in np.flatnonzero(np.isfinite(conditions.status)):
            if self._network.link_kind[link] != 0:
                self.kit.set("setlinkvalue", int(link) + 1, _STATUS, float(conditions.status[link]))
        for tank in tanks:
            if np.isfinite(conditions.head[tank]):
                self.kit.set("setnodevalue", int(tank) + 1, _TANK_LEVEL, self._level(int(tank), conditions.head[tank]))

    def _run(self, _: int) -> State:
        import ctypes

        clock = ctypes.c_long()
        warning = self.kit.call("runH", ctypes.byref(clock))
        network = self._network
        head = self.kit.array("getnodevalues", _HEAD, self._nodes)
        return State(
            head=head,
            pressure=head - network.elevation,
            demand=self.kit.array("getnodevalues", _DELIVERED, self._nodes),
            leak=self.kit.array("getnodevalues", _EMITTER_FLOW, self._nodes),
            flow=self.kit.array("getlinkvalues", _FLOW, self._links),
            headloss=head[network.start] - head[network.end],
            velocity=self.kit.array("getlinkvalues", _VELOCITY, self._links),
            status=self.kit.array("getlinkvalues", _STATUS, self._links) > 0,
            setting=self.kit.array("getlinkvalues", _SETTING, self._links),
            warnings=(f"the network {WARNINGS[warning]}",) if warning in WARNINGS else (),
        )


def _double(value: float) -> object:
    import ctypes

    return ctypes.c_double(value)


def _long(value: int) -> object:
    import ctypes

    return ctypes.c_long(value)
