"""A network as arrays, in SI, in EPANET's own order of nodes and links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.readings import Floats

JUNCTION, RESERVOIR, TANK = 0, 1, 2
CV_PIPE, PIPE, PUMP, PRV, PSV, PBV, FCV, TCV, GPV, PCV = range(10)
AT_LIMIT = 1e-6
"""A tank so near its limit is at it [m]."""
OFF_LIMIT = 1e-3
"""A tank that is neither full nor empty is at least so far off [m]."""
PIPES = (CV_PIPE, PIPE)
"""Kinds of link that are pipes, with a check valve or without."""


@dataclass(frozen=True, slots=True)
class PressureDemand:
    """Demand against pressure: none at ``minimum`` [m], all at ``required`` [m], with an exponent between."""

    required: float = 14.0
    minimum: float = 0.0
    exponent: float = 0.5

    def fraction(self, pressure: Floats) -> Floats:
        """Return (N,) delivered share of the full demand."""
        part = np.clip((pressure - self.minimum) / (self.required - self.minimum), 0.0, 1.0)
        return np.asarray(part**self.exponent)

    def slope(self, pressure: Floats) -> Floats:
        """Return (N,) derivative of the share by pressure [1/m]."""
        span = self.required - self.minimum
        part = (pressure - self.minimum) / span
        inside = (part > 0.0) & (part < 1.0)
        safe = np.where(inside, np.maximum(part, 1e-3), 1.0)
        return np.asarray(np.where(inside, self.exponent * safe ** (self.exponent - 1.0) / span, 0.0))


@dataclass(frozen=True, slots=True)
class PumpCurve:
    """Head gain of a pump at full speed: ``shutoff − resistance·flow^exponent`` [m, m³/s].

    Where ``power`` is above zero it is constant instead (in the file's unit); where ``flow`` and ``head`` hold points
    [m³/s, m], straight lines join them.
    """

    shutoff: float
    resistance: float
    exponent: float
    power: float = 0.0
    flow: Floats | None = None
    head: Floats | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """What a network file says.

    Nodes (N,): ``node_kind``, ``elevation`` [m] (a tank's bottom), ``x``, ``y`` (NaN when missing), ``base_demand``
    [m³/s] over all categories, ``least_head``, ``greatest_head`` of tanks [m] (NaN elsewhere). Links (L,):
    ``link_kind``, ``start``, ``end`` (node indices), ``length``, ``diameter`` [m], ``roughness`` (the formula's unit; m
    for Darcy–Weisbach), ``minor_loss`` [-], ``initially_closed``; ``curves``: flow [m³/s] and headloss [m] of general
    purpose valves. ``viscosity`` [m²/s], ``emitter_exponent`` [-]. ``remembers``: whether the state of an instant hangs
    on what was before, through tanks, controls or rules. Times [s].
    """

    name: str
    node_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    node_index: Mapping[str, int]
    link_index: Mapping[str, int]
    node_kind: NDArray[np.int8]
    elevation: Floats
    x: Floats
    y: Floats
    base_demand: Floats
    least_head: Floats
    greatest_head: Floats
    link_kind: NDArray[np.int8]
    start: NDArray[np.intp]
    end: NDArray[np.intp]
    length: Floats
    diameter: Floats
    roughness: Floats
    minor_loss: Floats
    initially_closed: NDArray[np.bool_]
    headloss_formula: str
    viscosity: float
    emitter_exponent: float
    pressure_demand: PressureDemand | None
    pumps: Mapping[int, PumpCurve]
    curves: Mapping[int, tuple[Floats, Floats]]
    remembers: bool
    duration_s: int
    hydraulic_step_s: int
    pattern_step_s: int
    pattern_start_s: int
    report_step_s: int
    start_clocktime_s: int

    @property
    def fixed(self) -> NDArray[np.intp]:
        """Return the indices of reservoirs and tanks, whose heads are given."""
        return np.flatnonzero(self.node_kind != JUNCTION)
