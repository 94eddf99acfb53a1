"""A window: the readings a diagnosis looks at, in steps, split into what drives the model and what is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.network import JUNCTION, TANK, Network
from hydro.observables import DEMAND, FLOW, HEAD, INFLOW, PRESSURE, Observables
from hydro.readings import Floats, Noise, Series

DAY = 86400.0
UNREAD = 0.25
"""Deviation of a level that nobody reads, as a part of what the tank holds between empty and full [-]."""


@dataclass(frozen=True, slots=True)
class Window:
    """Readings in T steps.

    ``time``: (T,) mid of each step [s since 1970-01-01 UTC]; ``origin``: the instant of the network's time 0 [same].
    ``points``: names of the S compared signals, ``observables`` what they see; ``value``, ``deviation``: (S, T) [SI],
    NaN where nothing was read. ``head``: (T, N), ``status``, ``setting``: (T, L): what was measured of the boundaries,
    NaN where nothing was; ``head_deviation``: (N,) standard deviation of a step's head, read or guessed [m], else 0.
    ``parts``: for each step the middles of the steps that were put together in it, its own where it stands alone [s].
    """

    time: Floats
    origin: float
    points: tuple[str, ...]
    observables: Observables
    value: Floats
    deviation: Floats
    head: Floats
    head_deviation: Floats
    status: Floats
    setting: Floats
    parts: tuple[Floats, ...]

    @property
    def steps(self) -> int:
        """Number of steps T."""
        return len(self.time)

    @property
    def weight(self) -> Floats:
        """Return (T,) of how many steps each is the mean."""
        return np.array([len(one) for one in self.parts], dtype=np.float64)

    def network_time(self) -> Floats:
        """Return (T,) the network's own time of each step [s]."""
        return self.time - self.origin

    def keep(self, steps: NDArray[np.intp]) -> Window:
        """Return the window with these steps alone."""
        return replace(
            self,
            time=self.time[steps],
            value=self.value[:, steps],
            deviation=self.deviation[:, steps],
            head=self.head[steps],
            status=self.status[steps],
            setting=self.setting[steps],
            parts=tuple(self.parts[step] for step in steps),
        )

    def without(self, points: Sequence[str]) -> Window:
        """Return the window with these points' readings taken out (NaN)."""
        value = self.value.copy()
        for point in points:
            value[self.points.index(point)] = np.nan
        return replace(self, value=value)


def build_window(
    network: Network,
    series: Sequence[Series],
    *,
    origin: float,
    start: float,
    end: float,
    edges: Floats | None = None,
    noise: Noise | None = None,
) -> Window:
    """Average readings into steps and split them into boundaries and compared signals.

    ``edges``: ends of the steps [s since 1970-01-01 UTC]; :func:`step_edges` where it is None.

    A step in which a measured status changes is left out whole: its means mix two states of the network.
    """
    edges = step_edges(start, end) if edges is None else edges
    noise = noise or Noise()
    driving = [one for one in series if _drives(network, one)]
    compared = [(one, *_observable(network, one)) for one in series if not _drives(network, one)]
    head, head_deviation = _heads(network, driving, edges, noise)
    status, steady = _statuses(network, driving, edges)
    setting = np.full_like(status, np.nan)
    for one in driving:
        if one.quantity == "setting":
            setting[:, network.link_index[one.element]] = _held(_means(one, edges)[0])
    value, deviation = _compared(compared, edges, noise)
    time = (edges[:-1] + edges[1:]) / 2
    window = Window(
        time=time,
        origin=origin,
        points=tuple(one.point for one, _, _ in compared),
        observables=Observables(
            kind=np.array([kind for _, kind, _ in compared], dtype=np.int8),
            index=np.array([index for _, _, index in compared], dtype=np.intp),
        ),
        value=value,
        deviation=deviation,
        head=head,
        head_deviation=head_deviation,
        status=status,
        setting=setting,
        parts=tuple(time[:, None]),
    )
    seen = steady & np.any(np.isfinite(value), axis=0)
    return window.keep(np.flatnonzero(seen))


def step_edges(
    start: float, end: float, coarse: float = 3600.0, fine: float = 900.0, recent: float = 10800.0
) -> Floats:
    """Return edges of steps [s]: fine ones over the recent past, coarse ones before it, all on the clock's grid.

    What has just begun shows in minutes; what an hour long ago said, its mean says. On the grid, since demand patterns
    change on the hour: the mean of a step that straddles a change fits neither side. The last step ends with the
    window: what its first minutes say is not what will be in its middle.
    """
    border = max(np.floor((end - recent) / coarse) * coarse, np.floor(start / coarse) * coarse)
    old = np.arange(np.floor(start / coarse) * coarse, border - 1e-6, coarse)
    new = np.arange(border, np.ceil(end / fine) * fine + 1e-6, fine)
    return np.concatenate([old, np.minimum(new, max(end, border))])


def conditions_of(engine: Engine, window: Window, demand: Floats | None = None) -> list[Conditions]:
    """Return the conditions of every step: the INP's at that time, overridden by what was measured.

    ``demand``: (T, N) full demands [m³/s]; the INP's own where it is None. Tanks and links that nobody measures
    follow the INP's controls through the window.
    """
    plain = [_of_file(engine, one - window.origin) for one in window.parts]
    given = [
        replace(
            condition,
            demand=condition.demand if demand is None else demand[step],
            head=_over(window.head[step], condition.head),
            status=_over(window.status[step], condition.status),
            setting=_over(window.setting[step], condition.setting),
        )
        for step, condition in enumerate(plain)
    ]
    network = engine.network
    tanks = np.flatnonzero(network.node_kind == TANK)
    if np.all(np.isfinite(window.head[:, tanks])) and not unwatched(engine, window):
        return given
    middles = window.network_time()
    begins = np.append(middles[0], 0.5 * (middles[:-1] + middles[1:]))
    driven = [replace(one, head=window.head[step], status=window.status[step]) for step, one in enumerate(given)]
    followed = engine.extended(middles, driven, begins)
    fixed = np.flatnonzero(network.node_kind != JUNCTION)
    filled = []
    for condition, state in zip(given, followed, strict=True):
        known = condition.head.copy()
        known[fixed] = state.head[fixed]
        filled.append(replace(condition, head=known, status=_over(condition.status, state.status.astype(float))))
    return filled


def _of_file(engine: Engine, times: Floats) -> Conditions:
    """Return the file's conditions over some times [s]: demands and heads in the mean, settings as they are first."""
    every = [engine.default_conditions(float(time)) for time in times]
    if len(every) == 1:
        return every[0]
    demand, head = (np.mean([getattr(one, name) for one in every], axis=0) for name in ("demand", "head"))
    return replace(every[0], demand=demand, head=head)


def unwatched(engine: Engine, window: Window) -> list[int]:
    """Return the links that controls of the file act on and whose status nobody measures all the time."""
    return [link for link in sorted(engine.controlled) if not np.all(np.isfinite(window.status[:, link]))]


def switching(engine: Engine, window: Window, conditions: Sequence[Conditions]) -> NDArray[np.bool_]:
    """Return (T,) the steps beside which an unwatched link switches: when it does so to the minute is a guess."""
    status = np.stack([one.status for one in conditions])[:, unwatched(engine, window)]
    switched = np.any(np.nan_to_num(status[1:], nan=-1.0) != np.nan_to_num(status[:-1], nan=-1.0), axis=1)
    return np.asarray(np.append(switched, False) | np.append(False, switched), dtype=bool)


def _drives(network: Network, one: Series) -> bool:
    """Return whether readings drive the model; all others are compared with it."""
    node = network.node_index.get(one.element)
    is_source = node is not None and network.node_kind[node] != JUNCTION
    return one.quantity in ("status", "setting") or (one.quantity in ("level", "head") and is_source)


def _heads(network: Network, driving: Sequence[Series], edges: Floats, noise: Noise) -> tuple[Floats, Floats]:
    """Return (T, N) heads read of reservoirs and tanks [m], NaN elsewhere, and (N,) how well a step's are known [m]."""
    head = np.full((len(edges) - 1, len(network.node_ids)), np.nan)
    deviation = np.zeros(len(network.node_ids))
    for one in driving:
        if one.quantity in ("level", "head"):
            node = network.node_index[one.element]
            bottom = network.elevation[node] if one.quantity == "level" else 0.0
            means, count = _means(one, edges)
            head[:, node] = _held(means) + bottom
            single = noise.pressure_m if one.deviation is None else one.deviation
            deviation[node] = single / np.sqrt(max(float(np.median(count)), 1.0))
    # A level that nobody reads is the file's guess, good to a part of what the tank holds.
    unread = (network.node_kind == TANK) & np.all(np.isnan(head), axis=0)
    deviation[unread] = UNREAD * (network.greatest_head - network.least_head)[unread]
    return head, deviation


def _statuses(network: Network, driving: Sequence[Series], edges: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return (T, L) statuses read, NaN elsewhere, and (T,) whether none of them changed within the step."""
    status = np.full((len(edges) - 1, len(network.link_ids)), np.nan)
    steady = np.ones(len(status), dtype=bool)
    for one in driving:
        if one.quantity == "status":
            means = _means(one, edges)[0]
            steady &= ~((means > 0.0) & (means < 1.0))
            status[:, network.link_index[one.element]] = _held(means)
    return status, steady


def _observable(network: Network, one: Series) -> tuple[int, int]:
    """Return (kind, index) of what a compared series sees."""
    if one.quantity in ("pressure", "head"):
        return (PRESSURE if one.quantity == "pressure" else HEAD), network.node_index[one.element]
    if one.element in network.link_index and one.quantity == "flow":
        return FLOW, network.link_index[one.element]
    node = network.node_index[one.element]
    return (DEMAND if network.node_kind[node] == JUNCTION else INFLOW), node


def _means(one: Series, edges: Floats) -> tuple[Floats, Floats]:
    """Return (T,) mean per step (NaN where nothing was read) and the number of readings; the last holds its end too."""
    step = np.searchsorted(edges, one.time, side="right") - 1 - (one.time == edges[-1])
    inside = (step >= 0) & (step < len(edges) - 1) & np.isfinite(one.value)
    count = np.bincount(step[inside], minlength=len(edges) - 1).astype(float)
    total = np.bincount(step[inside], weights=one.value[inside], minlength=len(edges) - 1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0), count


def _held(values: Floats) -> Floats:
    """Return the values with gaps filled by the last one before (and the first one, at the start)."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0:
        return values
    last = np.maximum(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0)
    return np.asarray(values[known[last]])


def _over(measured: Floats, modelled: Floats) -> Floats:
    return np.where(np.isfinite(measured), measured, modelled)


def _compared(compared: list[tuple[Series, int, int]], edges: Floats, noise: Noise) -> tuple[Floats, Floats]:
    value = np.full((len(compared), len(edges) - 1), np.nan)
    deviation = np.full_like(value, np.nan)
    for row, (one, _, _) in enumerate(compared):
        mean, count = _means(one, edges)
        single = noise.deviation(one.quantity, mean) if one.deviation is None else np.full_like(mean, one.deviation)
        value[row] = mean
        deviation[row] = single / np.sqrt(np.maximum(count, 1.0))
    return value, deviation
