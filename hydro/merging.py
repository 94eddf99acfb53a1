"""Merging: quarter hours of one hour in which nothing happens are one step, told by their mean.

A day of quarter hours has a hundred steps to solve for every hypothesis, and their means hold what they say one by one.
Where readings jump or something is switched there is a border: the mean of before and after is like neither.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hydro.engine import Engine
from hydro.readings import Floats
from hydro.window import Window

HOUR_S = 3600.0
USUAL = 1.4826
"""Standard deviation of a Gaussian, in units of the median of its size."""
JUMP = 3.5
"""A reading that moves by this many times what it moves usually has jumped."""
STIRRED = 1.8
"""All readings together that move by this many times what they move usually have jumped."""
SWITCHED = 0.3
"""A demand that changes by this part of the mean from step to step was switched, not drawn a little more [-]."""


def merged(engine: Engine, window: Window) -> Window:
    """Return the window with the steps of each clock hour in which nothing happens put together."""
    if window.steps < 2:
        return window
    borders = np.append(np.flatnonzero(_apart(engine, window)) + 1, window.steps)
    hours = [np.arange(first, end) for first, end in pairwise([0, *borders.tolist()])]
    return _together(window, hours)


def _apart(engine: Engine, window: Window) -> NDArray[np.bool_]:
    """Return (T-1,) whether a step and the next are not to be put together."""
    hour = np.floor(window.time / HOUR_S)
    same_hour = hour[1:] == hour[:-1]
    return np.asarray(_jumps(window, same_hour) | _switched(engine, window) | ~same_hour)


def _jumps(window: Window, same_hour: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (T-1,) whether readings jump from a step to the next, against what they do within hours."""
    value = window.value[np.isfinite(window.value).any(axis=1)]
    deviation = window.deviation[np.isfinite(window.value).any(axis=1)]
    if not same_hour.any() or len(value) == 0:
        return np.zeros(len(same_hour), dtype=bool)
    moved = np.abs(np.diff(value, axis=1))
    least = np.sqrt(2.0) * np.nanmedian(deviation, axis=1)
    within = np.where(np.isfinite(moved[:, same_hour]), moved[:, same_hour], 0.0)
    usual = np.maximum(USUAL * np.median(within, axis=1), least)
    size = np.where(np.isfinite(moved), moved, 0.0) / usual[:, None]
    # A reading that comes or goes is no jump, but the mean of the two would not be one reading's either.
    changed = np.any(np.isfinite(window.value[:, 1:]) != np.isfinite(window.value[:, :-1]), axis=0)
    return np.asarray((size.max(axis=0) > JUMP) | (np.sqrt(np.mean(size**2, axis=0)) > STIRRED) | changed)


def _switched(engine: Engine, window: Window) -> NDArray[np.bool_]:
    """Return (T-1,) whether a status, a setting or the file's own demand changes from a step to the next."""
    given = [engine.default_conditions(float(time)) for time in window.network_time()]
    demand = np.stack([one.demand for one in given])
    settings = np.stack([one.setting for one in given])
    measured = np.hstack([np.nan_to_num(one, nan=-1.0) for one in (window.status, window.setting, settings)])
    scale = np.maximum(np.abs(demand[1:]) + np.abs(demand[:-1]), 1e-9).sum(axis=1) / 2.0
    drawn = np.abs(np.diff(demand, axis=0)).sum(axis=1)
    return np.asarray(np.any(np.diff(measured, axis=0) != 0.0, axis=1) | (drawn > SWITCHED * scale))


def _together(window: Window, groups: list[NDArray[np.intp]]) -> Window:
    """Return the window with the steps of each group put together."""
    weight = np.array([len(one) for one in groups], dtype=np.float64)

    def mean(values: Floats) -> Floats:
        return np.stack([values[one].mean(axis=0) for one in groups])

    first = np.array([one[0] for one in groups], dtype=np.intp)
    return Window(
        time=mean(window.time),
        origin=window.origin,
        points=window.points,
        observables=window.observables,
        value=mean(window.value.T).T,
        deviation=mean(window.deviation.T).T / np.sqrt(weight),
        head=mean(window.head),
        head_deviation=window.head_deviation,
        status=window.status[first],
        setting=window.setting[first],
        parts=tuple(np.concatenate([window.parts[step] for step in one]) for one in groups),
    )
