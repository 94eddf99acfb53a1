"""Where the network stands in which faults are looked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hydro.conditions import Conditions
from hydro.resolve import BENT, at_rest
from tests.hydro.conftest import HOURS, CaseMaker


@pytest.mark.parametrize(("factor", "stands"), [(1.0, False), (1.3, False), (1.55, True)])
def test_zones_move_with_what_demand_does_by_itself_but_not_with_what_moves_all_points(
    case_of: CaseMaker, factor: float, stands: bool
) -> None:
    def grown(conditions: Conditions) -> Conditions:
        return replace(conditions, demand=factor * conditions.demand)

    case = case_of(grown)
    zones = at_rest(case).place.zones
    usual = float(np.hypot(case.swing.zone, case.swing.drift))
    assert np.all(zones == 0.0) == stands
    assert np.sqrt(np.mean(zones**2)) <= BENT * usual


def test_steps_of_a_small_town_that_differ_are_linearised_each(case_of: CaseMaker) -> None:
    case = case_of(None)
    assert len(case.middles) == case.regimes.max() + 1
    # Demand in the file changes by the hour.
    assert len(case.middles) == HOURS
    assert len(np.unique(case.few)) <= len(case.middles)
