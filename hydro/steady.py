"""Steady states: a project with patterns and controls taken out, every value set by hand."""

from __future__ import annotations

import numpy as np

from hydro.conditions import Conditions
from hydro.errors import EngineError
from hydro.network import AT_LIMIT, CV_PIPE, GPV, JUNCTION, PIPE, PUMP, TANK, Network, PressureDemand
from hydro.project import ACTIVE, Project
from hydro.readings import Floats
from hydro.state import State
from hydro.toolkit import FRESH_FLOWS, LAST_FLOWS, Count, LinkValue, NodeValue, Option, Time

LEAK_EXPONENT = 0.5
SHUT = 1e12
"""Minor loss that stands for a closed pipe with a check valve, whose status EPANET does not let go [-]."""
DIGITS = 4
STALLED, SURELY_BELOW = 1e-5, 1.0
"""Flow of a pump that delivers nothing [m³/s], and by how much it is below its shutoff head where it would [m]."""
NEARBY = (0.97, 1.03, 0.9)
"""Parts of the demand from whose flows a state is looked for that was not found from EPANET's own guess."""
_PLAIN = (LinkValue.DIAMETER, LinkValue.ROUGHNESS, LinkValue.MINOR_LOSS)


class Steady:
    """A project that remembers what it has set and sets only what differs."""

    def __init__(
        self, project: Project, network: Network, law: PressureDemand | None, keep_controls: bool = False
    ) -> None:
        """Take out whatever would change values behind our back, and open the solver."""
        self._project, self._network = project, network
        if not keep_controls:
            _take_out_controls(project)
        _take_out_patterns(project, network)
        project.set_options(law)
        if not np.any(project.of_nodes(NodeValue.EMITTER) > 0):
            project.set_leak_exponent(LEAK_EXPONENT)
        self._leak_given = project.of_nodes(NodeValue.EMITTER)
        self._leak = self._leak_given.copy()
        self._given = {prop: project.of_links(prop) for prop in _PLAIN}
        self._now = {prop: values.copy() for prop, values in self._given.items()}
        self._status_given = project.of_links(LinkValue.INITIAL_STATUS)
        self._setting_given = project.of_links(LinkValue.INITIAL_SETTING)
        self._status, self._setting = self._status_given.copy(), self._setting_given.copy()
        self._asked: dict[str, bytes] = {}
        self._demand = np.full(project.nodes, np.nan)
        self._head = np.full(project.nodes, np.nan)
        self._is_junction = network.node_kind == JUNCTION
        project.kit.set_time(Time.DURATION, 0)
        project.open_solver()
        self._pumps = np.array(list(network.pumps), dtype=np.intp)
        # One of constant power lifts what little it delivers as high as it takes.
        self._shutoff = np.array([np.inf if one.power > 0.0 else one.shutoff for one in network.pumps.values()])

    @property
    def project(self) -> Project:
        """Return the project underneath."""
        return self._project

    def close(self) -> None:
        """Give the project back."""
        self._project.close()

    def solve(self, conditions: Conditions) -> State:
        """Return the steady state; it depends on the conditions alone, never on what was solved before."""
        self.set(conditions)
        state = self._run(FRESH_FLOWS)
        return state if not self._stalled(state) else self._unstalled(conditions, state)

    def _run(self, flows: int) -> State:
        self._project.kit.call("initH", flows)
        return self._project.run(self._network)

    def _stalled(self, state: State) -> bool:
        """Return whether some pump that is to run delivers nothing against less than its shutoff head.

        EPANET's iterations come to rest there now and then, though the pump would deliver: no state of the network.
        """
        network, pumps = self._network, self._pumps
        speed = state.setting[pumps]
        still = (self._status[pumps] > 0.0) & (speed > 0.0) & (np.abs(state.flow[pumps]) < STALLED)
        if not still.any():
            return False
        gain = state.head[network.end[pumps]] - state.head[network.start[pumps]]
        return bool(np.any(gain[still] < self._shutoff[still] * speed[still] ** 2 - SURELY_BELOW))

    def _unstalled(self, conditions: Conditions, stalled: State) -> State:
        """Return the state found from the flows of a little less or more demand, or the stalled one if none is."""
        for part in NEARBY:
            state = self._from_nearby(conditions, part)
            if state is not None and not self._stalled(state):
                return state
        return stalled

    def _from_nearby(self, conditions: Conditions, part: float) -> State | None:
        """Return the state found from the flows of ``part`` of the demand, None where EPANET solves one of them not."""
        try:
            self.set_demand(part * conditions.demand)
            self._run(FRESH_FLOWS)
            self.set_demand(conditions.demand)
            return self._run(LAST_FLOWS)
        except EngineError:
            return None

    def set(self, conditions: Conditions) -> None:
        """Set everything that conditions say; what EPANET refuses leaves nothing behind that later ones rely on."""
        try:
            self._set(conditions)
        except EngineError:
            self._forget()
            raise

    def _set(self, conditions: Conditions) -> None:
        self.set_demand(conditions.demand)
        self.set_heads(conditions.head)
        self._set_leak(conditions.leak)
        self._set_links(LinkValue.DIAMETER, conditions.diameter)
        self._set_links(LinkValue.ROUGHNESS, conditions.roughness)
        if self._differs("minor loss", conditions.minor_loss, conditions.status):
            shut = (self._network.link_kind == CV_PIPE) & (conditions.status == 0)
            self._set_links(LinkValue.MINOR_LOSS, np.where(shut, SHUT, conditions.minor_loss))
        if self._differs("status", conditions.status, conditions.setting):
            self._set_statuses(conditions)

    def _forget(self) -> None:
        """Know nothing of what was set, so that everything is set anew."""
        self._asked.clear()
        for values in (*self._now.values(), self._demand, self._head, self._leak, self._status, self._setting):
            values[:] = np.nan

    def _differs(self, what: str, *values: Floats) -> bool:
        """Return whether values differ, bit by bit, from those asked for the time before."""
        asked = b"".join(one.tobytes() for one in values)
        differs, self._asked[what] = asked != self._asked.get(what), asked
        return differs

    def _set_leak(self, values: Floats) -> None:
        leak = self._leak_given + values
        changed = np.flatnonzero(leak != self._leak)
        self._project.set_nodes(changed, NodeValue.EMITTER, leak[changed])
        self._leak = leak

    def set_demand(self, demand: Floats) -> None:
        """Set (N,) full demands [m³/s]."""
        demand = np.where(self._is_junction, demand, 0.0)
        changed = np.flatnonzero((demand != self._demand) & self._is_junction)
        self._project.set_nodes(changed, NodeValue.BASE_DEMAND, demand[changed])
        self._demand = demand

    def set_heads(self, head: Floats, afresh: bool = False) -> None:
        """Set heads [m] of fixed nodes where known; ``afresh`` also where they were the last that was set."""
        network = self._network
        for node in network.fixed:
            wanted = float(head[node])
            if np.isnan(wanted) or (wanted == self._head[node] and not afresh):
                continue
            if network.node_kind[node] == TANK:
                self._set_level(int(node), wanted)
            else:
                self._project.set_node(int(node), NodeValue.ELEVATION, wanted)
            self._head[node] = wanted

    def _set_level(self, tank: int, head: float) -> None:
        """Set a tank's level, kept within what it holds; within ``AT_LIMIT`` of full or empty it is just that.

        EPANET shuts the inlet of a tank whose head is its greatest to the last digit, which no conversion keeps: the
        last digits are tried until the next one is refused.
        """
        network = self._network
        least, greatest = network.least_head[tank], network.greatest_head[tank]
        level = float(np.clip(head, least, greatest) - network.elevation[tank])
        full, empty = head >= greatest - AT_LIMIT, head <= least + AT_LIMIT
        if not (full or empty):
            self._project.set_node(tank, NodeValue.TANK_LEVEL, level)
            return
        limit = float((greatest if full else least) - network.elevation[tank])
        digit = float(np.spacing(max(abs(network.elevation[tank]), abs(limit)))) * (1.0 if full else -1.0)
        for digits in range(DIGITS, -DIGITS - 1, -1):
            try:
                self._project.set_node(tank, NodeValue.TANK_LEVEL, limit + digits * digit)
                return
            except EngineError:
                continue
        self._project.set_node(tank, NodeValue.TANK_LEVEL, level)

    def hold(self, conditions: Conditions) -> None:
        """Set, while time goes on, the speeds and statuses that conditions know; a valve at work is left to itself."""
        kind = self._network.link_kind
        for link in np.flatnonzero((kind == PUMP) & np.isfinite(conditions.setting)):
            self._project.set_link(int(link), LinkValue.SETTING, float(conditions.setting[link]))
        left = (kind == CV_PIPE) | ((kind > PUMP) & (conditions.status == 1))
        for link in np.flatnonzero(np.isfinite(conditions.status) & ~left):
            self._project.set_link(int(link), LinkValue.STATUS, float(conditions.status[link] > 0))

    def _set_links(self, prop: LinkValue, values: Floats) -> None:
        if not self._differs(prop.name, values):
            return
        wanted = np.where(np.isfinite(values), values, self._given[prop])
        changed = np.flatnonzero(wanted != self._now[prop])
        self._project.set_links(changed, prop, wanted[changed])
        self._now[prop] = wanted

    def _set_statuses(self, conditions: Conditions) -> None:
        """Set statuses and settings together: EPANET changes the one when it is given the other."""
        status = np.where(np.isfinite(conditions.status), conditions.status, self._status_given)
        setting = np.where(np.isfinite(conditions.setting), conditions.setting, self._setting_given)
        kind = self._network.link_kind
        is_valve = kind > PUMP
        # What conditions call an open valve is at work at its setting; fully open is a word of its own.
        known = np.isfinite(conditions.status) & is_valve & (kind != GPV) & (status > 0)
        status = np.where(known, np.where(conditions.status == 1, ACTIVE, 1), status)
        for link in np.flatnonzero((status != self._status) | (setting != self._setting)).tolist():
            self._set_status(link, int(kind[link]), int(status[link]), float(setting[link]))
        self._status, self._setting = status, setting

    def _set_status(self, link: int, kind: int, status: int, setting: float) -> None:
        if kind == CV_PIPE:
            return
        if kind in (PIPE, GPV):
            self._project.set_link(link, LinkValue.INITIAL_STATUS, status)
        elif kind == PUMP:
            self._project.set_link(link, LinkValue.INITIAL_STATUS, min(status, 1))
            if status > 0:
                self._project.set_link(link, LinkValue.INITIAL_SETTING, setting if self._runs(link, setting) else 1.0)
        elif status == ACTIVE:
            self._project.set_link(link, LinkValue.INITIAL_SETTING, setting)
        else:
            self._project.set_link(link, LinkValue.INITIAL_STATUS, status)

    def _runs(self, link: int, speed: float) -> bool:
        """Return whether a pump's speed says something: a file that closes a pump leaves it a speed of 0."""
        return speed > 0.0 or self._status_given[link] > 0


def _take_out_controls(project: Project) -> None:
    for control in range(project.kit.integer("getcount", Count.CONTROLS), 0, -1):
        project.kit.call("deletecontrol", control)
    for rule in range(project.kit.integer("getcount", Count.RULES), 0, -1):
        project.kit.call("deleterule", rule)


def _take_out_patterns(project: Project, network: Network) -> None:
    kit = project.kit
    kit.set_option(Option.DEMAND_MULTIPLIER, 1.0)
    # A demand without a pattern follows the default one; without that, it is constant.
    kit.set_option(Option.DEMAND_PATTERN, 0.0)
    for node in range(1, project.nodes + 1):
        kind = network.node_kind[node - 1]
        if kind == JUNCTION:
            for category in range(kit.integer("getnumdemands", node), 1, -1):
                kit.call("deletedemand", node, category)
            if kit.integer("getnumdemands", node) == 0:
                kit.add_demand(node)
            kit.call("setdemandpattern", node, 1, 0)
        elif kind != TANK:
            kit.set("setnodevalue", node, NodeValue.PATTERN, 0)
    for link in np.flatnonzero(network.link_kind == PUMP):
        kit.set("setlinkvalue", int(link) + 1, LinkValue.PATTERN, 0)
