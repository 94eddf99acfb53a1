"""Worlds that are drawn about what is likeliest."""

from __future__ import annotations

import numpy as np
import pytest

from hydro.departures import LEAST, in_proportion
from hydro.evidence import likely_departures
from hydro.resolve import at_rest
from tests.hydro.conftest import CaseMaker


def test_factors_are_off_as_a_linear_model_has_them_and_never_nothing() -> None:
    assert np.exp(in_proportion(np.array([-0.3, 0.0, 0.4]))) == pytest.approx([0.7, 1.0, 1.4])
    assert np.exp(in_proportion(np.array([-1.5]))) == pytest.approx(LEAST)


def test_worlds_drawn_draw_in_the_middle_what_the_likeliest_one_draws(case_of: CaseMaker) -> None:
    case = case_of(None)
    departures = case.departures
    likely = likely_departures(departures, at_rest(case)) + 0.5
    drawn = likely[:, None] + np.random.default_rng(3).standard_normal((len(likely), 4000))
    even = departures.evened(drawn, likely)
    factors = np.exp(departures.deviation[:, None] * (even - likely[:, None]))
    counted = departures.nodes + departures.zones + departures.links
    uncertain = departures.deviation[:counted] > 0.0
    assert factors[:counted][uncertain].mean() == pytest.approx(1.0, abs=1e-3)
    assert np.exp(departures.deviation[:, None] * (drawn - likely[:, None]))[:counted][uncertain].mean() > 1.005
    # Heads and datums are metres already.
    assert even[counted:] == pytest.approx(drawn[counted:])
