from __future__ import annotations

import gc
import math
from datetime import UTC, datetime, timedelta

import pytest

from models.sample import Quality, Sample, samples_of

START = datetime(2026, 7, 11, 7, tzinfo=UTC)


def test_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="sample of P: time 2026-07-11T07:00:00 is naive, expected an offset"):
        Sample("P", START.replace(tzinfo=None), 1.0)


def test_samples_of_columns_are_those_made_one_by_one() -> None:
    times = [START + timedelta(seconds=one) for one in range(3)]
    qualities = [Quality.GOOD, Quality.BAD, Quality.UNCERTAIN]
    made = samples_of(["A", "B", "A"], iter(times), [1.0, 2.0, 3.0], qualities, ["", "timeout", ""])
    assert made == [
        Sample("A", times[0], 1.0),
        Sample("B", times[1], 2.0, Quality.BAD, "timeout"),
        Sample("A", times[2], 3.0, Quality.UNCERTAIN),
    ]
    assert len(set(made)) == 3
    assert repr(made[0]) == repr(Sample("A", times[0], 1.0))
    assert samples_of([], [], [], [], []) == []


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_afterwards_as_before_whatever_happens(collects: bool) -> None:
    held = gc.isenabled()
    (gc.enable if collects else gc.disable)()
    try:
        samples_of(["A"], [START], [math.nan], [Quality.BAD], ["x"])
        assert gc.isenabled() is collects
        with pytest.raises(ZeroDivisionError):
            samples_of(["A"], (one for one in [1 / 0]), [1.0], [Quality.GOOD], [""])  # type: ignore[misc]
        assert gc.isenabled() is collects
    finally:
        (gc.enable if held else gc.disable)()
