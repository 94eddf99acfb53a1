from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.expectation import forecast_pressure

FIRST = datetime.fromisoformat("2026-07-11T16:30:00+00:00")
CURE = {
    "through_the_day": [
        {"time": (FIRST + timedelta(hours=hour)).isoformat(), "before_m": 5.0, "after_m": 30.0 + hour}
        for hour in range(24)
    ]
}


@pytest.mark.parametrize(
    ("time", "pressure"),
    [
        ("2026-07-12T17:00:00+00:00", 30.0),
        ("2026-07-11T01:00:00+00:00", 38.0),
        # A quarter of the hour that the gauge hung lies in the next one.
        ("2026-07-11T01:15:00+00:00", 38.25),
        ("2026-07-11T09:30:00+08:00", 38.5),
        # Half in the last hour, half in the first one.
        ("2026-07-11T16:30:00+00:00", 41.5),
    ],
)
def test_forecast_is_the_cures_own_pressure_at_that_time_of_any_day(time: str, pressure: float) -> None:
    assert forecast_pressure(CURE, datetime.fromisoformat(time)) == pytest.approx(pressure)
