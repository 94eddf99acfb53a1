"""A network's graph, and a state of it, as the benchmark sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from epanet import toolkit as en
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Elements:
    """The network's graph: N nodes, L links, as EPANET orders them. Lengths and elevations in m.

    ``guided``: links that a pump's, a control's or a rule's word opens and closes; their status is telemetry.
    """

    node_ids: tuple[str, ...]
    link_ids: tuple[str, ...]
    node_kind: NDArray[np.int64]
    link_kind: NDArray[np.int64]
    start: Places
    end: Places
    length: Floats
    elevation: Floats
    guided: Places

    @property
    def junctions(self) -> Places:
        """Return the indices of the junctions."""
        return np.flatnonzero(self.node_kind == en.JUNCTION)

    @property
    def tanks(self) -> Places:
        """Return the indices of the tanks."""
        return np.flatnonzero(self.node_kind == en.TANK)

    @property
    def reservoirs(self) -> Places:
        """Return the indices of the reservoirs."""
        return np.flatnonzero(self.node_kind == en.RESERVOIR)

    @property
    def pipes(self) -> Places:
        """Return the indices of the pipes without a check valve."""
        return np.flatnonzero(self.link_kind == en.PIPE)


@dataclass(frozen=True, slots=True)
class State:
    """What EPANET found at ``time`` [s]: heads (N,) [m], outflow (N,) [m³/s], status and setting of guided links."""

    time: int
    head: Floats
    outflow: Floats
    status: NDArray[np.bool_]
    setting: Floats
