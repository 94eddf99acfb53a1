"""What if: a network before and after a scenario, solved exactly by EPANET."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.connection import cut_off
from hydro.engine import Engine
from hydro.errors import InputError
from hydro.network import JUNCTION, Network
from hydro.readings import Floats
from hydro.scenario import NO_CHANGE, Scenario, change
from hydro.state import State

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class WhatIf:
    """States of the same instants before and after a scenario: ``before``, ``after`` at ``times_s`` (T,) [s]."""

    network: Network
    scenario: Scenario
    times_s: Floats
    before: tuple[State, ...]
    after: tuple[State, ...]

    def worst(self, required: Floats) -> tuple[int, int]:
        """Return (node, instant) of the junction that lies deepest below ``required`` (N,) pressure [m] afterwards.

        Only junctions that draw water count; all of them where none does.
        """
        spare = pressures(self.network, self.after) - required
        # A node cut off from every source has nothing left to lie below.
        spare = np.where(np.isnan(spare), -np.inf, spare)
        spare[:, ~_counted(self.network, self.before, self.after)] = np.inf
        instant, node = np.unravel_index(int(np.argmin(spare)), spare.shape)
        return int(node), int(instant)


def what_if(
    engine: Engine, scenario: Scenario, times_s: Sequence[float] | Floats, before: Sequence[State] | None = None
) -> WhatIf:
    """Return what a scenario changes at ascending network times [s].

    Where tanks, controls or rules make an instant hang on what was before, both networks run from time 0 as EPANET runs
    them, with the scenario in place from the start; elsewhere each instant is one steady solve. ``before`` are the
    states of the unchanged network at the same times, if they are known from an earlier call.

    Raises
    ------
    InputError
        The network does not bear the scenario; the message holds every reason, a line each.
    SolveError
        EPANET finds no state.
    """
    times = np.asarray(times_s, dtype=np.float64)
    _refuse(scenario, engine.network)
    if engine.network.remembers:
        runs = engine.run_many(times, [scenario] if before is not None else [NO_CHANGE, scenario])
        known, after = (before if before is not None else runs[0]), runs[-1]
        return WhatIf(engine.network, scenario, times, tuple(known), tuple(after))
    plain = [engine.default_conditions(float(time)) for time in times]
    changed = [
        change(one, scenario, engine.network, engine.pattern_at(float(time)))
        for one, time in zip(plain, times, strict=True)
    ]
    solved = engine.solve_many(changed if before is not None else [*plain, *changed])
    known = before if before is not None else solved[: len(times)]
    return WhatIf(engine.network, scenario, times, tuple(known), tuple(solved[-len(times) :]))


def what_if_under(
    engine: Engine, scenario: Scenario, conditions: Conditions, time_s: float = 0.0, before: State | None = None
) -> WhatIf:
    """Return what a scenario changes at one instant whose tank levels, statuses and demands are given.

    Set, solve, read, take back: milliseconds on an open engine. ``conditions`` are those of the unchanged network, as
    ``Engine.conditions_at`` or the monitor gives them; ``time_s`` says which pattern a node follows that drew nothing.

    Raises
    ------
    InputError
        The network does not bear the scenario.
    SolveError
        EPANET finds no state.
    """
    changed = change(conditions, scenario, engine.network, engine.pattern_at(time_s))
    known = engine.solve(conditions) if before is None else before
    return WhatIf(engine.network, scenario, np.array([time_s]), (known,), (engine.solve(changed),))


def peak_time(engine: Engine) -> float:
    """Return the first network time of greatest total demand in the file's duration, at least a day [s]."""
    step = float(max(engine.network.pattern_step_s, 1))
    times = np.arange(0.0, max(engine.network.duration_s, DAY_S), step)
    totals = np.array([engine.demand_at(float(time)).sum() for time in times])
    # Sums of the same demands differ in their last digits.
    return float(times[int(np.argmax(totals >= totals.max() * (1.0 - 1e-9)))])


def clock_time(network: Network, hours: int, minutes: int) -> float:
    """Return the first network time [s] at which the file's clock shows a time; hours from 24 on are later days.

    Raises
    ------
    InputError
        There is no such time.
    """
    if hours < 0 or not 0 <= minutes < 60:
        raise InputError(f"time {hours:02d}:{minutes:02d}, expected hours and minutes such as 07:30")
    time = float(hours * 3600 + minutes * 60 - network.start_clocktime_s)
    return time if time >= 0.0 else time + DAY_S


def period(network: Network, duration_s: float) -> Floats:
    """Return the instants of a span from time 0 on: every report step, at least a quarter of an hour apart."""
    step = max(network.report_step_s, 900)
    return np.arange(0.0, duration_s + 1.0, step)


def pressures(network: Network, states: Sequence[State]) -> Floats:
    """Return (T, N) pressures [m], NaN at nodes cut off from every source: EPANET's number there means nothing."""
    return np.stack([np.where(cut_off(network, one.status), np.nan, one.pressure) for one in states])


def _counted(network: Network, before: Sequence[State], after: Sequence[State]) -> NDArray[np.bool_]:
    draws = np.any([state.demand > 0.0 for state in (*before, *after)], axis=0) & (network.node_kind == JUNCTION)
    return np.asarray(draws if draws.any() else network.node_kind == JUNCTION)


def _refuse(scenario: Scenario, network: Network) -> None:
    problems = scenario.problems(network)
    if problems:
        raise InputError("\n".join(problems))
