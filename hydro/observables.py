"""What points see of a state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.network import Network
from hydro.readings import Floats
from hydro.state import State

PRESSURE, HEAD, FLOW, DEMAND, INFLOW = range(5)
"""Pressure or head at a node, flow of a link, demand delivered at a node, inflow of a source into the network."""

LEAST_PRESSURE = -10.0
"""No gauge shows less than a vacuum [m]; what EPANET says of nodes that are cut off means nothing."""


@dataclass(frozen=True, slots=True)
class Observables:
    """S observed values: ``kind``: (S,) one of the words above, ``index``: (S,) of the node or link."""

    kind: NDArray[np.int8]
    index: NDArray[np.intp]

    def values(self, state: State, network: Network) -> Floats:
        """Return (S,) what the points would read [m, m³/s]."""
        result = np.empty(len(self.kind))
        for row, (kind, index) in enumerate(zip(self.kind, self.index, strict=True)):
            if kind == PRESSURE:
                result[row] = max(state.pressure[index], LEAST_PRESSURE)
            elif kind == HEAD:
                result[row] = max(state.head[index], network.elevation[index] + LEAST_PRESSURE)
            elif kind == FLOW:
                result[row] = state.flow[index]
            elif kind == DEMAND:
                result[row] = state.demand[index]
            else:
                out, into = network.start == index, network.end == index
                result[row] = state.flow[out].sum() - state.flow[into].sum()
        return result
