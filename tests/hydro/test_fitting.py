"""A hypothesis fitted where it explains most: severities and what else may have strayed move together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.evidence import Place, expected
from hydro.faults import KINDS, Scene
from hydro.fitting import polished
from hydro.hypothesis import Fault, Priors
from hydro.resolve import at_rest, placed, settle
from hydro.weighing import Question, stood
from tests.hydro.conftest import CaseMaker

GROWN = 0.5
"""What all customers draw more from the sixth hour on [-]."""


def test_growth_taken_for_strayed_demand_is_given_back(town: Engine, case_of: CaseMaker) -> None:
    def grown(conditions: Conditions) -> Conditions:
        return replace(conditions, demand=(1.0 + GROWN) * conditions.demand)

    case = case_of(grown)
    rest = at_rest(case)
    network, window = town.network, case.window
    scene = Scene(network, case.assets, window.points, window.observables, frozenset(), None)
    kind = next(one for one in KINDS if one.name == "demand_growth")
    zones = [one for one in kind.candidates(scene) if len(one.elements) > 1]
    priors = Priors()
    asked = Question(case, scene, priors.of(scene), priors, None, 0.0, expected(rest), settle(case))
    onset = int(np.flatnonzero(window.time > 6 * 3600.0)[0])
    usual = [float(network.base_demand[list(one.indices)].sum()) for one in zones]
    little = tuple(Fault(one, 0.1 * base, onset) for one, base in zip(zones, usual, strict=True))
    # A tenth is called growth, all the rest of it demand that has strayed from that hour on.
    strayed = np.zeros((window.steps, len(case.assets.zone_names)))
    strayed[onset:] = np.log((1.0 + GROWN) / 1.1)
    there = placed(case, little, rest, Place(rest.place.departures, strayed))
    begun = stood(asked, little, 0.0, there)
    fitted = polished(asked, begun)
    assert fitted.told > begun.told + 5.0
    for fault, base in zip(fitted.hypothesis, usual, strict=True):
        assert 0.35 < fault.severity / base < 0.65
