"""The coming day: the 24 hours after the window, as the readings have the network.

Tanks fill and empty by what is believed to be drawn, not by what the file says is: ten litres a second that it lacks
take a tank 24 m wide down by a decimetre in an hour and a quarter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hydro.attribution import Resize
from hydro.conditions import Conditions
from hydro.departures import depart
from hydro.evidence import Place
from hydro.hypothesis import Hypothesis
from hydro.network import TANK
from hydro.readings import Floats
from hydro.resolve import Case
from hydro.state import State
from hydro.window import DAY

HOUR, HALF_AN_HOUR = 3600.0, 1800.0
LATE = 6
"""How many of the last steps say how demand stands today."""


def coming_day(case: Case, place: Place, hypothesis: Hypothesis, laid: Sequence[Resize]) -> list[State]:
    """Return the states in the middle of the 24 hours of the network's day, as they come next.

    Demand is a usual day's with the departures at ``place``, above or below it as it has been of late; the faults are
    there all the time, and mains are ``laid`` anew. Tanks fill and empty from where the last step left them, and what
    the file controls is controlled; other boundaries are those of the step nearest in the time of day.
    """
    now = float(case.window.network_time()[-1])
    ahead = _half_hours(now)
    plain = [case.plain[-1], *(_usual(case, float(time)) for time in ahead)]
    states = case.engine.extended(
        np.append(now, ahead), [_believed(case, one, place, hypothesis, laid) for one in plain]
    )
    middles = {time % DAY: state for time, state in zip(ahead, states[1:], strict=True) if time % HOUR}
    return [middles[time] for time in sorted(middles)]


def _half_hours(now: float) -> Floats:
    """Return (48,) the network times [s] of a day's half hours on the clock after ``now``: bounds and middles."""
    return np.asarray(HALF_AN_HOUR * (np.floor(now / HALF_AN_HOUR) + np.arange(1.0, 49.0)))


def _usual(case: Case, time: float) -> Conditions:
    """Return a usual day's conditions at a network time [s], tanks and what the file controls left to themselves."""
    engine, window = case.engine, case.window
    apart = np.abs(window.network_time() % DAY - time % DAY)
    near = case.plain[int(np.argmin(np.minimum(apart, DAY - apart)))]
    controlled = np.isin(np.arange(len(near.status)), list(engine.controlled))
    plain = engine.default_conditions(time)
    return replace(
        plain,
        demand=plain.demand * np.exp(case.hourly[int(time % DAY // HOUR)][case.assets.zone]),
        head=np.where(engine.network.node_kind == TANK, np.nan, near.head),
        status=np.where(controlled, np.nan, near.status),
        setting=near.setting,
    )


def _believed(
    case: Case, plain: Conditions, place: Place, hypothesis: Hypothesis, laid: Sequence[Resize]
) -> Conditions:
    """Return conditions with the departures at ``place``, the faults, and mains laid anew."""
    network = case.engine.network
    late = place.zones[-LATE:].mean(axis=0)
    condition = depart(plain, case.departures, case.departures.theta(place.departures), late, case.assets, network)
    for fault in hypothesis:
        condition = fault.kind.apply(condition, fault.candidate, fault.severity, network)
    for resize in laid:
        condition = resize.apply(condition)
    return condition
