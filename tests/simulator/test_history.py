from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from models.problem import BadInput
from models.sample import Quality, Sample
from models.site import Site
from simulator.history import history_of

START = datetime(2026, 7, 9, 22, tzinfo=UTC)


def series(steps: list[tuple[datetime, list[Sample]]], point: str) -> list[Sample]:
    return [sample for _, samples in steps for sample in samples if sample.point == point]


def test_history_gives_every_point_at_every_step_and_repeats_with_its_seed(site: Site) -> None:
    steps = list(history_of(site, "healthy", seed=1, hours=2))
    assert [time for time, _ in steps] == [START + timedelta(minutes=5 * step) for step in range(25)]
    assert all([sample.point for sample in samples] == [point.name for point in site.points] for _, samples in steps)
    assert all(sample.time == time and sample.quality is Quality.GOOD for time, samples in steps for sample in samples)
    assert steps == list(history_of(site, "healthy", seed=1, hours=2))
    assert steps != list(history_of(site, "healthy", seed=2, hours=2))


def test_values_are_what_the_registers_can_hold(site: Site) -> None:
    steps = list(history_of(site, "healthy", hours=1))
    quantised = [sample.value for sample in series(steps, "PT-2")]
    assert all(value * 2 == pytest.approx(round(value * 2)) for value in quantised)
    assert all(sample.value in (0.0, 1.0) for sample in series(steps, "PU1-on"))
    kpa, metres = series(steps, "PT-5"), series(steps, "PT-6")
    assert 250 < kpa[0].value < 400
    assert 25 < metres[0].value < 40


def test_span_may_be_anywhere_and_events_keep_their_times(site: Site) -> None:
    early = list(history_of(site, "documented", seed=1, start=START - timedelta(days=7), hours=4))
    story = list(history_of(site, "documented", seed=1, hours=4))
    assert early[0][0] == START - timedelta(days=7)
    assert len(story) == 49
    before, after = series(story, "PT-6")[20].value, series(story, "PT-6")[-1].value
    assert after < before - 3
    assert series(early, "PT-6")[-1].value > after + 3


def test_points_with_a_longer_period_come_when_they_are_due(site: Site) -> None:
    steps = list(history_of(site, "healthy", hours=1, step_s=30))
    assert len(series(steps, "PT-6")) == 61


def test_dead_gauge_and_absent_device_are_bad_and_frozen_ones_repeat_themselves(site: Site) -> None:
    begin = START.isoformat()
    later = (START + timedelta(minutes=30)).isoformat()
    events = [("gauge_dead", "point", "PT-6"), ("gauge_freeze", "point", "PT-5"), ("device_off", "device", "scada")]
    text = f'start = "{begin}"\nduration_h = 1\n'
    text += "".join(f'[[events]]\nat = "{later}"\nkind = "{kind}"\n{key} = "{name}"\n' for kind, key, name in events)
    (site.folder / "plant" / "episodes" / "ailing.toml").write_text(text)
    steps = list(history_of(site, "ailing"))
    dead, frozen, gone = (series(steps, name)[7:] for name in ("PT-6", "PT-5", "Level"))
    assert all(math.isnan(sample.value) and sample.quality is Quality.BAD for sample in dead + gone)
    assert {sample.reason for sample in dead} == {"sensor failure"}
    assert {sample.reason for sample in gone} == {"device off"}
    assert len({sample.value for sample in frozen}) == 1
    assert len({sample.value for sample in series(steps, "PT-5")[:6]}) == 6


def test_wrong_requests_are_refused(site: Site) -> None:
    with pytest.raises(BadInput, match="expected one of: documented, healthy"):
        list(history_of(site, "nothing"))
    with pytest.raises(ValueError, match="step 301"):
        list(history_of(site, "healthy", step_s=301))
    with pytest.raises(ValueError, match="naive"):
        list(history_of(site, "healthy", start=datetime(2026, 7, 1)))  # noqa: DTZ001
