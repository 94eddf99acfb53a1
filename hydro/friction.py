"""Friction of one pipe against that of another at the same flow."""

from __future__ import annotations

import numpy as np

from hydro.gradients import swamee_jain
from hydro.network import Network
from hydro.readings import Floats


def friction_ratio(
    network: Network,
    flow: Floats,
    before: tuple[Floats, Floats],
    after: tuple[Floats, Floats],
) -> Floats:
    """Return (k,) friction loss after over before at the same flow (k,) [m³/s].

    ``before``, ``after``: diameter (k,) [m] and roughness (k,) in the network's own unit.
    """
    (old, rough), (new, smooth) = before, after
    if network.headloss_formula == "H-W":
        return np.asarray((rough / smooth) ** 1.852 * (old / new) ** 4.871)
    if network.headloss_formula == "C-M":
        return np.asarray((smooth / rough) ** 2 * (old / new) ** 5.333)
    now = swamee_jain(flow, old, rough, network.viscosity)
    then = swamee_jain(flow, new, smooth, network.viscosity)
    return np.asarray(then / now * (old / new) ** 5)
