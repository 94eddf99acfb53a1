"""The network as arrays for a map: where everything lies, with an origin taken off before it becomes float32."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from api.arrays import Named, Packed, float_array, pack, text_array
from api.schemas.network import Bounds
from hydro.network import Network
from hydro.readings import Floats
from hydro.state import State

FINEST_M = 0.01
"""Places are rounded to about this [m]: no map shows less."""


def network_arrays(network: Network, revision: str) -> Packed:
    """Return places, ends, kinds, lengths and diameters of a network as one body."""
    bounds = bounds_of(network)
    x, y = (bounds.x_min, bounds.y_min) if bounds else (0.0, 0.0)
    # Gauss–Krüger eastings such as 38 512 345 have steps of 4 m in float32.
    finest = FINEST_M if bounds is None else max(1e-9, min(FINEST_M, _extent(bounds) / 2**22))
    meta = {
        "revision": revision,
        "origin": [x, y],
        "nodes": len(network.node_ids),
        "links": len(network.link_ids),
        "headloss_formula": network.headloss_formula,
    }
    diameter_mm = np.clip(np.round(1e3 * network.diameter), 0, 65535)
    return pack(
        meta,
        [
            float_array("node_x", network.x - x, "m", finest),
            float_array("node_y", network.y - y, "m", finest),
            Named("node_kind", network.node_kind.astype(np.uint8)),
            float_array("node_elevation", network.elevation, "m", FINEST_M),
            Named("link_start", _smallest(network.start)),
            Named("link_end", _smallest(network.end)),
            Named("link_kind", network.link_kind.astype(np.uint8)),
            Named("link_diameter", diameter_mm.astype(np.uint16), "mm"),
            float_array("link_length", network.length, "m", 0.1),
            text_array("node_ids", network.node_ids),
            text_array("link_ids", network.link_ids),
        ],
    )


def state_arrays(network: Network, state: State, meta: Mapping[str, object]) -> Packed:
    """Return a state as one body: pressure and demand of nodes; flow, velocity, unit headloss and status of links."""
    return pack(
        meta,
        [
            float_array("pressure", state.pressure, "m", 0.01),
            float_array("demand", 1e3 * state.demand, "l/s", 0.001),
            float_array("flow", 1e3 * state.flow, "l/s", 0.001),
            float_array("velocity", state.velocity, "m/s", 0.001),
            float_array("headloss", unit_headloss(network, state), "m/km", 0.01),
            Named("open", state.status.astype(np.uint8)),
        ],
        level=1,
    )


def unit_headloss(network: Network, state: State) -> Floats:
    """Return (L,) headloss per length [m/km]; 0 where a link has no length."""
    length = np.where(network.length > 0.0, network.length, np.inf)
    return np.asarray(1e3 * np.abs(state.headloss) / length)


def bounds_of(network: Network) -> Bounds | None:
    """Return where the network lies; None where no node has coordinates."""
    known = np.isfinite(network.x) & np.isfinite(network.y)
    if not known.any():
        return None
    x, y = network.x[known], network.y[known]
    return Bounds(x_min=float(x.min()), y_min=float(y.min()), x_max=float(x.max()), y_max=float(y.max()))


def _extent(bounds: Bounds) -> float:
    return max(bounds.x_max - bounds.x_min, bounds.y_max - bounds.y_min, 1e-6)


def _smallest(index: NDArray[np.intp]) -> NDArray[np.uint16] | NDArray[np.uint32]:
    return index.astype(np.uint16) if index.size and index.max() < 2**16 else index.astype(np.uint32)
