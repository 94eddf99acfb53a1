"""The units of a network file, and their values in SI.

The file's units stay inside EPANET. Asking it to convert (``EN_setflowunits``) is no way out: EPANET 2.3.5 then runs
pumps of constant power at a wrong power (14 m of head on ky10) and leaves the levels in rules as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydro.network import FCV, PBV, PRV, PSV
from hydro.readings import Floats
from hydro.toolkit import LinkValue, NodeValue, Option, Toolkit

_FOOT = 0.3048
# EPANET's own constants where they are not physics: what it multiplied by is divided by.
_PSI_PER_FOOT = 0.4333
_KPA_PER_PSI = 6.895
_BAR_PER_PSI = 0.068948
_FLOW = (
    _FOOT**3,
    _FOOT**3 / 448.831,
    _FOOT**3 / 0.64632,
    _FOOT**3 / 0.5382,
    _FOOT**3 / 1.9837,
    1e-3,
    1e-3 / 60.0,
    1e3 / 86400.0,
    1.0 / 3600.0,
    1.0 / 86400.0,
    1.0,
)
"""m³/s in a CFS, GPM, MGD, IMGD, AFD, LPS, LPM, MLD, CMH, CMD, CMS: EPANET's codes 0 to 10."""
_FIRST_METRIC = 5
FLOW_WORDS = ("CFS", "GPM", "MGD", "IMGD", "AFD", "LPS", "LPM", "MLD", "CMH", "CMD", "CMS")


@dataclass(frozen=True, slots=True)
class FileUnits:
    """SI value of one of the file's units: m³/s, m, m (a diameter's), m of water, a roughness's, an emitter's."""

    flow: float
    length: float
    diameter: float
    pressure: float
    roughness: float
    emitter: float

    def node(self, prop: NodeValue) -> float:
        """Return the SI value of one unit of a node's property."""
        match prop:
            case NodeValue.ELEVATION | NodeValue.TANK_LEVEL | NodeValue.LEAST_LEVEL | NodeValue.GREATEST_LEVEL:
                return self.length
            case NodeValue.HEAD:
                return self.length
            case NodeValue.BASE_DEMAND | NodeValue.EMITTER_FLOW | NodeValue.LEAKAGE_FLOW | NodeValue.DELIVERED:
                return self.flow
            case NodeValue.EMITTER:
                return self.emitter
            case _:
                return 1.0

    def link(self, prop: LinkValue) -> float:
        """Return the SI value of one unit of a link's property other than a setting."""
        match prop:
            case LinkValue.DIAMETER:
                return self.diameter
            case LinkValue.LENGTH | LinkValue.VELOCITY:
                return self.length
            case LinkValue.ROUGHNESS:
                return self.roughness
            case LinkValue.FLOW:
                return self.flow
            case _:
                return 1.0

    def settings(self, kind: np.ndarray) -> Floats:
        """Return (L,) SI value of one unit of each link's setting: a pressure, a flow, or a number without unit."""
        held = np.isin(kind, [PRV, PSV, PBV])
        return np.where(held, self.pressure, np.where(kind == FCV, self.flow, 1.0))


def file_units(kit: Toolkit) -> FileUnits:
    """Return the units of an open network file."""
    code = kit.integer("getflowunits")
    length = 1.0 if code >= _FIRST_METRIC else _FOOT
    # A psi, a kPa and a bar carry a head of the file's own fluid; a metre and a foot are heads already.
    psi = _FOOT / (_PSI_PER_FOOT * kit.option(Option.SPECIFIC_GRAVITY))
    pressure = (psi, psi / _KPA_PER_PSI, 1.0, psi / _BAR_PER_PSI, _FOOT)[int(kit.option(Option.PRESSURE_UNITS))]
    # Emitters are in psi in a US file and in metres in a metric one, whatever the unit of its pressures.
    exponent = kit.option(Option.EMITTER_EXPONENT)
    emitter = _FLOW[code] / (1.0 if code >= _FIRST_METRIC else psi) ** exponent
    return FileUnits(
        flow=_FLOW[code],
        length=length,
        diameter=1e-3 if code >= _FIRST_METRIC else _FOOT / 12.0,
        pressure=pressure,
        # Darcy–Weisbach: mm, or thousandths of a foot.
        roughness=1e-3 * length if int(kit.option(Option.HEADLOSS_FORMULA)) == 1 else 1.0,
        emitter=emitter,
    )
