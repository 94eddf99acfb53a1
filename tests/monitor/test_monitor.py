"""A monitor that begins again: what was found and read before is not forgotten."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import sample_networks
from cli.calibrate import _samples
from models.alarm import AlarmKind
from models.complaint import Complaint
from models.measurement import HandReading
from models.problem import BadInput
from models.sample import Sample
from models.site import Site
from models.site_file import load_site
from monitor.diagnoser import Asked, Diagnoser
from monitor.expectation import HUNG, expected_pressure
from monitor.monitor import COMPLAINED, QUICK, Monitor
from stores.records import Records
from stores.telemetry import open_telemetry

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou"
ANSWER = Path(__file__).parents[1] / "cases" / "documented-morning" / "diagnosis.json"
SEVEN = datetime(2026, 7, 10, 23, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "jiaozhou"
    shutil.copytree(JIAOZHOU, folder, ignore=shutil.ignore_patterns("data", "plant"))
    return load_site(folder)


@pytest.fixture
def diagnoser(site: Site) -> Iterator[Diagnoser]:
    opened = Diagnoser(site, SEVEN)
    yield opened
    opened.close()


def monitor(site: Site, records: Records, diagnoser: Diagnoser) -> Monitor:
    return Monitor(site, open_telemetry(site.stores), records, diagnoser)


def answered(records: Records) -> Complaint:
    """Return a complaint that has been diagnosed: two causes of the answer are worth an alarm."""
    complaint = records.register_complaint(Complaint("C-FAN", "J-126", SEVEN, "no pressure", None, "hotline"))
    records.keep_diagnosis(json.loads(ANSWER.read_text()), f"complaint/{complaint.id}", complaint.id)
    return records.complaint(complaint.id)


def test_what_was_answered_before_a_restart_still_stands(site: Site, diagnoser: Diagnoser) -> None:
    with Records(site.stores.records_url) as records:
        complaint = answered(records)
        found = monitor(site, records, diagnoser)._complained
        assert any(one.key.startswith("diagnosis/blocked_link/") for one in found[complaint.id])
        records.close_complaint(complaint.id, "Li", SEVEN)
        assert monitor(site, records, diagnoser)._complained == {}


def test_reading_that_a_crew_entered_while_nobody_watched_is_answered(site: Site, diagnoser: Diagnoser) -> None:
    with Records(site.stores.records_url) as records:
        complaint = answered(records)
        assert monitor(site, records, diagnoser)._to_answer(SEVEN) == []
        records.keep_hand_reading(HandReading("J-123", SEVEN, 8.0, "Li", complaint_id=complaint.id))
        begun = monitor(site, records, diagnoser)
        assert [one.id for one in begun._to_answer(SEVEN)] == [complaint.id]
        assert begun._to_answer(SEVEN) == []


def test_point_that_the_network_has_no_place_for_is_refused_with_its_line(site: Site) -> None:
    points = site.folder / "points.csv"
    lines = points.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if ",pressure," in line)
    lines[place] = lines[place].replace(lines[place].split(",")[1], "P-144", 1)
    points.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadInput, match=f"points.csv:{place + 1}.*pressure at link P-144, expected"):
        Diagnoser(load_site(site.folder), SEVEN)


@pytest.mark.parametrize(("waited_s", "told"), [(5.0, set()), (20.0, {"device/pump-station", "device/rtu-south"})])
def test_device_that_had_no_chance_yet_is_not_called_silent(
    site: Site, diagnoser: Diagnoser, waited_s: float, told: set[str]
) -> None:
    """Six hundred plant seconds a wall second: hours of the plant pass while a device takes its first connection."""
    heard = [one.name for one in site.points if one.device == "rtu-north"]
    telemetry = open_telemetry(site.stores)
    with Records(site.stores.records_url) as records:
        watching = Monitor(site, telemetry, records, diagnoser)
        for minute in range(int(waited_s * 10) + 1):
            now = SEVEN + timedelta(minutes=minute)
            telemetry.write([Sample(name, now, 30.0) for name in heard])
            watching.cycle(now, wall_s=1000.0 + minute / 10)
        assert {alarm.key for alarm in records.open_alarms() if alarm.kind is AlarmKind.DEVICE} == told
    telemetry.close()


def test_complaint_that_cannot_be_diagnosed_is_told_once_and_left_alone_for_longer_and_longer(
    site: Site, diagnoser: Diagnoser, caplog: pytest.LogCaptureFixture
) -> None:
    with Records(site.stores.records_url) as records:
        complaint = records.register_complaint(Complaint("C-FAN", "J-126", SEVEN, "no pressure", None, "hotline"))
        watching, tried = monitor(site, records, diagnoser), []
        for minute in range(60):
            now = SEVEN + timedelta(minutes=minute)
            if watching._to_answer(now):
                tried.append(minute)
            assert watching.examine(now) == []
            watching.cycle(now)
        # The store is empty: there is nothing to compare with.
        assert tried == [0, 5, 15, 35]
        assert len([one for one in caplog.records if "complaint 1: no diagnosis" in one.message]) == 1
        (alarm,) = [one for one in records.open_alarms() if one.kind is AlarmKind.MODEL]
        assert (alarm.key, alarm.active) == (f"model/complaint/{complaint.id}", True)
        assert "no good readings between" in str(alarm.details["reason"])

        records.keep_hand_reading(HandReading("J-123", SEVEN, 8.0, "Li", complaint_id=complaint.id))
        assert [one.id for one in watching._to_answer(now)] == [complaint.id]

        begun = monitor(site, records, diagnoser)
        begun.cycle(now)
        assert (stands := records.alarm(alarm.key)) is not None and stands.active
        records.close_complaint(complaint.id, "Li", now)
        begun.examine(now)
        begun.cycle(now + timedelta(minutes=1))
        assert (ended := records.alarm(alarm.key)) is not None and not ended.active


def test_answer_says_which_boundaries_nobody_had_read_when_the_customer_rang(site: Site, diagnoser: Diagnoser) -> None:
    rang = datetime(2026, 7, 3, 23, tzinfo=UTC)
    start, lost = rang - timedelta(hours=5), rang - timedelta(hours=2)
    history = _samples(site.folder / "history.csv", site, start, rang + timedelta(hours=2))
    # The level comes again after the call, the pump has not been read at all.
    kept = [
        one
        for one in history
        if one.point != "PU-1-RUNS" and not (one.point == "TANK-LEVEL" and lost < one.time <= rang)
    ]
    asked = Asked(
        start.timestamp(),
        (rang + timedelta(minutes=5)).timestamp(),
        Complaint("C-FAN", "J-126", rang, "no pressure", None, "hotline", id=1),
    )
    document = diagnoser.diagnose(kept, asked, COMPLAINED, QUICK)
    assert document["stale_boundaries"] == [
        {"element": "PU-1", "points": ["PU-1-RUNS"], "newest": None, "age_s": None},
        {"element": "TANK-E", "points": ["TANK-LEVEL"], "newest": lost.isoformat(), "age_s": 7200.0},
    ]


def filled(samples: list[Sample], since: datetime) -> list[Sample]:
    """Return samples of a plant whose tank is all but full since a time: its level does not say whether it is shut."""
    return [replace(one, value=4.95) if one.point == "TANK-LEVEL" and one.time >= since else one for one in samples]


def test_a_cure_is_held_against_the_model_though_a_tank_may_be_shut_in_part_of_the_time(
    site: Site, diagnoser: Diagnoser
) -> None:
    at = datetime(2026, 7, 3, 19, tzinfo=UTC)
    samples = filled(_samples(site.folder / "history.csv", site, at - HUNG, at), at - HUNG / 4)
    window = diagnoser.window(samples, (at - HUNG).timestamp(), at.timestamp())
    assert np.any(diagnoser.case(window).window.deviation > window.deviation)
    pressure = expected_pressure(diagnoser, samples, at, "J-126", {"causes": []}, {"replace": []})
    assert 5.0 < pressure < 60.0
