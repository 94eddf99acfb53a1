"""Extended periods: EPANET goes through time, tanks fill and empty, controls and rules act."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hydro.conditions import Conditions
from hydro.errors import SolveError
from hydro.network import CV_PIPE, PIPE, PUMP, Network, PressureDemand
from hydro.project import ACTIVE, Project
from hydro.readings import Floats
from hydro.scenario import Scenario
from hydro.state import State
from hydro.steady import Steady
from hydro.toolkit import FRESH_FLOWS, Action, Count, LinkValue, Option, Time

Undo = Callable[[], object]
_ACTION = {True: 1, False: 2}
"""What a rule calls an open and a closed link."""
_NO_SETTING = -1e10
"""What EPANET takes for no setting at all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run is given up: a network whose controls chatter takes a step a second and never ends."""

    steps: int = 100_000
    seconds: float = 300.0
    clock: Callable[[], float] = time.monotonic


class _Watch:
    """Counts the steps of one run and gives it up in time."""

    def __init__(self, limits: Limits, name: str) -> None:
        self._limits, self._name = limits, name
        self._steps, self._began = 0, limits.clock()

    def step(self, now: float) -> None:
        self._steps += 1
        if self._steps > self._limits.steps:
            spent = f"{self._limits.steps} steps"
        elif self._limits.clock() - self._began > self._limits.seconds:
            spent = f"{self._limits.seconds:g} s"
        else:
            return
        raise SolveError(
            f"{self._name}: got only as far as {_hours(now)} in {spent} ({self._steps} steps); "
            "expected fewer steps: a control or rule switches to and fro"
        )


def follow(
    steady: Steady, network: Network, times: Floats, since: Floats, conditions: Sequence[Conditions], limits: Limits
) -> list[State]:
    """Return the states at times [s], what their conditions leave open moving as the file says.

    Conditions hold from their ``since`` [s], no later than their own time, to the next ones', over however many steps
    EPANET takes between them; the level of a tank is where it stands at their time, from which it moves.
    """
    kit, watch = steady.project.kit, _Watch(limits, network.name)
    usual = kit.time(Time.HYDRAULIC_STEP)
    begun = float(times[0])
    kit.set_time(Time.DURATION, int(times[-1] - begun) + 1)
    # Controls by time and by the clock are to act when the file says.
    kit.set_time(Time.START_CLOCKTIME, int(network.start_clocktime_s + begun) % 86400)
    steady.set(conditions[0])
    kit.call("initH", FRESH_FLOWS)
    states: list[State] = []
    while len(states) < len(times):
        now = begun + kit.time(Time.NOW)
        watch.step(now)
        due = len(states) < len(times) and times[len(states)] <= now + 0.5
        current = conditions[len(states) if due else int(np.searchsorted(since, now + 0.5, side="right")) - 1]
        steady.set_demand(current.demand)
        steady.set_heads(current.head, afresh=due)
        steady.hold(current)
        state = steady.project.run(network)
        while due and len(states) < len(times) and times[len(states)] <= now + 0.5:
            states.append(state)
        if len(states) == len(times):
            break
        coming = since[since > now + 0.5]
        ahead = min([times[len(states)], *coming[:1]]) - now
        kit.set_time(Time.HYDRAULIC_STEP, max(min(usual, round(float(ahead))), 1))
        if kit.long("nextH") <= 0:
            break
    kit.set_time(Time.HYDRAULIC_STEP, usual)
    return states + [states[-1]] * (len(times) - len(states))


class Extended:
    """A project that runs the file as it is, under one scenario after another."""

    def __init__(self, project: Project, network: Network, law: PressureDemand | None) -> None:
        self._project, self._network = project, network
        project.set_options(law)
        self._duration = project.kit.time(Time.DURATION)
        self._controls = _controls(project)
        self._rules = _rules(project)

    @property
    def controlled(self) -> frozenset[int]:
        """Return the links that some control or rule acts on."""
        return frozenset(self._controls.values()) | {one.link for actions in self._rules.values() for one in actions}

    def close(self) -> None:
        """Give the project back."""
        self._project.close()

    def run(self, times: Floats, scenario: Scenario, limits: Limits) -> list[State]:
        """Return the states in force at ascending times [s] from the network's time 0."""
        undo = self._apply(scenario, delete=False)
        try:
            self._project.kit.set_time(Time.DURATION, max(self._duration, int(times[-1]) + 86400))
            self._project.open_solver()
            return self._through(times, _Watch(limits, self._network.name))
        finally:
            self._project.close_solver()
            for take_back in reversed(undo):
                take_back()
            self._project.kit.set_time(Time.DURATION, self._duration)

    def save(self, path: str, scenario: Scenario, until: float) -> None:
        """Write the network under a scenario, to last at least ``until`` [s]; this project is then of no more use."""
        self._apply(scenario, delete=True)
        self._project.kit.set_time(Time.DURATION, max(self._duration, int(until)))
        self._project.kit.call("saveinpfile", path.encode())

    def _through(self, times: Floats, watch: _Watch) -> list[State]:
        kit = self._project.kit
        kit.call("initH", FRESH_FLOWS)
        states: list[State] = []
        now, step = 0, 1
        while step > 0 and len(states) < len(times):
            now = kit.time(Time.NOW)
            watch.step(now)
            warning = kit.run()
            # A solution stands until the next one, at most a hydraulic step later; only what is asked for is read.
            near = times[len(states)] <= now + self._network.hydraulic_step_s
            state = self._project.state(self._network, warning) if near else None
            step = kit.long("nextH")
            while state is not None and len(states) < len(times) and times[len(states)] < now + max(step, 1):
                states.append(state)
        if len(states) < len(times):
            raise SolveError(
                f"{self._network.name}: EPANET stopped at {_hours(now)}, expected to reach {_hours(times[-1])}"
            )
        return states

    def _apply(self, scenario: Scenario, delete: bool) -> list[Undo]:
        """Set a scenario's changes and return what takes them back; ``delete`` controls in the way for good."""
        undo: list[Undo] = []
        if scenario.empty:
            return undo
        changes = scenario.links(self._network)
        for prop, values in (
            (LinkValue.DIAMETER, changes.diameter),
            (LinkValue.ROUGHNESS, changes.roughness),
            (LinkValue.MINOR_LOSS, changes.minor_loss),
        ):
            for link in np.flatnonzero(np.isfinite(values)).tolist():
                undo.append(self._set_link(link, prop, float(values[link])))
        held = {link: changes.status[link] > 0 for link in np.flatnonzero(np.isfinite(changes.status)).tolist()}
        undo += self._silence_controls(held, delete) + self._silence_rules(held, delete)
        for link, opened in held.items():
            undo += self._hold(link, opened)
        for node, wanted in scenario.base_demand.items():
            undo += self._set_demand(self._network.node_index[node], wanted)
        return undo

    def _set_link(self, link: int, prop: LinkValue, value: float) -> Undo:
        before = self._project.link(link, prop)
        self._project.set_link(link, prop, value)
        return partial(self._project.set_link, link, prop, before)

    def _hold(self, link: int, opened: bool) -> list[Undo]:
        project, kind = self._project, self._network.link_kind[link]
        if kind == CV_PIPE:
            # EPANET does not let go the status of a check valve: closed, it is a plain closed pipe.
            project.set_link_type(link, PIPE)
            project.set_link(link, LinkValue.INITIAL_STATUS, 0.0)
            return [partial(project.set_link_type, link, CV_PIPE)]
        status = project.link(link, LinkValue.INITIAL_STATUS)
        setting = project.link(link, LinkValue.INITIAL_SETTING)
        project.set_link(link, LinkValue.INITIAL_STATUS, float(opened))
        undo: list[Undo] = [partial(project.set_link, link, LinkValue.INITIAL_STATUS, min(status, 1.0))]
        if kind == PUMP and opened and status > 0:
            # A pump told to run forgets its speed.
            project.set_link(link, LinkValue.INITIAL_SETTING, setting)
        if kind == PUMP or status == ACTIVE:
            undo.insert(0, partial(project.set_link, link, LinkValue.INITIAL_SETTING, setting))
        return undo

    def _set_demand(self, node: int, wanted: float) -> list[Undo]:
        """Scale every category of a node; one that draws nothing gets it all in its first."""
        project = self._project
        before = project.base_demands(node)
        total = sum(before)
        multiplier = self._project.kit.option(Option.DEMAND_MULTIPLIER)
        after = [one * wanted / multiplier / total for one in before] if total else [wanted / multiplier, *before[1:]]
        project.set_base_demands(node, after)
        return [partial(project.set_base_demands, node, before)]

    def _silence_controls(self, held: Mapping[int, bool], delete: bool) -> list[Undo]:
        kit = self._project.kit
        undo: list[Undo] = []
        for control in sorted((one for one, link in self._controls.items() if link in held), reverse=True):
            if delete:
                kit.call("deletecontrol", control)
            elif kit.integer("getcontrolenabled", control):
                kit.call("setcontrolenabled", control, 0)
                undo.append(partial(kit.call, "setcontrolenabled", control, 1))
        return undo

    def _silence_rules(self, held: Mapping[int, bool], delete: bool) -> list[Undo]:
        """Switch off rules that act on held links alone; in others, let the action say what holds anyway."""
        kit = self._project.kit
        undo: list[Undo] = []
        for rule in sorted(self._rules, reverse=True):
            actions = self._rules[rule]
            touched = [one for one in actions if one.link in held]
            if not touched:
                continue
            if len(touched) < len(actions):
                for one in touched:
                    kit.set_action(rule, replace(one, status=_ACTION[held[one.link]], setting=_NO_SETTING))
                    undo.append(partial(kit.set_action, rule, one))
            elif delete:
                kit.call("deleterule", rule)
            elif kit.integer("getruleenabled", rule):
                kit.call("setruleenabled", rule, 0)
                undo.append(partial(kit.call, "setruleenabled", rule, 1))
        return undo


def _hours(time_s: float) -> str:
    return f"{int(time_s // 3600):02d}:{int(time_s % 3600 // 60):02d}"


def _controls(project: Project) -> dict[int, int]:
    """Return the link that each simple control acts on."""
    count = project.kit.integer("getcount", Count.CONTROLS)
    return {one: project.kit.control_link(one) - 1 for one in range(1, count + 1)}


def _rules(project: Project) -> dict[int, list[Action]]:
    """Return what each rule does."""
    count = project.kit.integer("getcount", Count.RULES)
    return {one: project.kit.actions(one) for one in range(1, count + 1)}
