"""A solved instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hydro.readings import Floats


@dataclass(frozen=True, slots=True)
class State:
    """What the water does.

    ``head``, ``pressure``: (N,) [m]; ``demand``: (N,) delivered, ``leak``: (N,) lost through emitters [m³/s];
    ``flow``: (L,) [m³/s]; ``headloss``: (L,) head at start less head at end [m]; ``velocity``: (L,) [m/s]; ``status``:
    (L,) whether it is open; ``active``: (L,) whether a valve is at work at its setting; ``setting``: (L,);
    ``warnings``: what EPANET remarked.
    """

    head: Floats
    pressure: Floats
    demand: Floats
    leak: Floats
    flow: Floats
    headloss: Floats
    velocity: Floats
    status: NDArray[np.bool_]
    active: NDArray[np.bool_]
    setting: Floats
    warnings: tuple[str, ...] = ()
