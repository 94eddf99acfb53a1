"""The conditions a snapshot is solved under."""

from __future__ import annotations

from dataclasses import dataclass

from hydro.readings import Floats


@dataclass(frozen=True, slots=True)
class Conditions:
    """Given values of one instant. NaN leaves a value as the network file has it.

    ``demand``: (N,) full demand [m³/s], before pressure limits it; ``head``: (N,) of reservoirs and tanks [m];
    ``leak``: (N,) emitter coefficient [m³/s/m^½]; ``status``: (L,) 0 closed, 1 open (a valve: at work at its
    setting), 2 a valve held fully open; ``setting``: (L,) pump speed [-],
    valve setting [m, m³/s, -]; ``minor_loss`` [-], ``diameter`` [m], ``roughness``: (L,) in place of the file's.
    """

    demand: Floats
    head: Floats
    leak: Floats
    status: Floats
    setting: Floats
    minor_loss: Floats
    diameter: Floats
    roughness: Floats
