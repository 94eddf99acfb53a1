"""Windows: steps, and what is read in them."""

from __future__ import annotations

import numpy as np
import pytest

from hydro.engine import Engine
from hydro.readings import Series
from hydro.window import build_window, step_edges

HOUR, MINUTE = 3600.0, 60.0


@pytest.mark.parametrize("end", [7.0 * HOUR + 5.0 * MINUTE, 7.0 * HOUR])
def test_the_last_step_ends_with_the_window(end: float) -> None:
    edges = step_edges(0.0, end)
    assert edges[-1] == end
    assert np.all(np.diff(edges) > 0.0)
    assert set(edges[:-1] % 900.0) == {0.0}


def test_a_level_of_the_last_minutes_stands_for_those_minutes(town: Engine) -> None:
    end = 7.0 * HOUR + 4.0 * MINUTE
    at = np.arange(0.0, end + 1.0, MINUTE)
    series = [
        Series("T1", "T1", "level", at, at / HOUR),
        Series("J1", "J1", "pressure", at, np.full(len(at), 30.0)),
    ]
    window = build_window(town.network, series, origin=0.0, start=0.0, end=end)
    tank = town.network.node_index["T1"]
    level = window.head[:, tank] - town.network.elevation[tank]
    assert window.network_time()[-1] == pytest.approx(7.0 * HOUR + 2.0 * MINUTE)
    # The mean of minutes that count from their beginning is half a minute early.
    assert level * HOUR == pytest.approx(window.network_time(), abs=MINUTE)


def test_what_is_read_at_the_very_end_counts(town: Engine) -> None:
    end = 7.0 * HOUR + 4.0 * MINUTE
    last = Series("J1", "J1", "pressure", np.array([end]), np.array([31.0]))
    window = build_window(town.network, [last], origin=0.0, start=0.0, end=end)
    assert window.value.tolist() == [[31.0]]
