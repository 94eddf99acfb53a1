"""What the utility knows of its assets beside the model: ages, valves, customers, zones. It weighs causes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.network import Network
from hydro.readings import Floats


@dataclass(frozen=True, slots=True)
class Valve:
    """An isolation valve on a link. Ages in years, NaN when unknown; ``end`` is ``start`` or ``end``."""

    valve_id: str
    link: int
    end: str
    age: float = float("nan")
    idle: float = float("nan")


@dataclass(frozen=True, slots=True)
class Assets:
    """Registers in the order of the network's arrays.

    ``link_age``: (L,) years, NaN unknown; ``link_nominal``: (L,) m, NaN unknown; ``link_material``: L names, empty
    unknown; ``customers``: (N,) how many are served; ``required_pressure``: (N,) m; ``zone``: (N,) index into
    ``zone_names``; ``valves`` those of the register.
    """

    link_age: Floats
    link_nominal: Floats
    link_material: tuple[str, ...]
    customers: NDArray[np.intp]
    required_pressure: Floats
    zone: NDArray[np.intp]
    zone_names: tuple[str, ...]
    valves: tuple[Valve, ...] = ()

    @classmethod
    def unknown(cls, network: Network, required_pressure: float) -> Assets:
        """Return what holds when no register is there: one zone, a customer wherever the model draws water."""
        nodes, links = len(network.node_ids), len(network.link_ids)
        return cls(
            link_age=np.full(links, np.nan),
            link_nominal=np.full(links, np.nan),
            link_material=("",) * links,
            customers=(network.base_demand > 0).astype(np.intp),
            required_pressure=np.full(nodes, required_pressure),
            zone=np.zeros(nodes, dtype=np.intp),
            zone_names=("network",),
        )

    def valves_on(self, link: int) -> tuple[Valve, ...]:
        """Return the registered valves on a link."""
        return tuple(valve for valve in self.valves if valve.link == link)
