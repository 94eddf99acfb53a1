from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.alarm import Acknowledge, AlarmKind, AlarmState, Shelve
from monitor.alarms import (
    Annunciator,
    Condition,
    Unknown,
    blind_condition,
    device_condition,
    diagnosis_conditions,
    model_condition,
)
from stores.records import Records

NOON = datetime(2026, 7, 11, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOW = Condition("limit/PT-07/low", AlarmKind.LIMIT, "PT-07", "low_limit", details={"value": 9.5})
CAUSE = Condition(
    "diagnosis/blocked_link/P-88",
    AlarmKind.DIAGNOSIS,
    "P-88",
    "blocked_link",
    raise_after=5 * MINUTE,
    clear_after=10 * MINUTE,
)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with Records(str(tmp_path / "records.sqlite")) as opened:
        yield opened


def states(records: Records) -> dict[str, AlarmState]:
    return {alarm.key: alarm.state for alarm in records.open_alarms()}


def events(records: Records) -> list[str]:
    return [entry.event for entry in records.alarm_entries()]


def test_condition_found_is_raised_and_condition_gone_is_cleared(records: Records) -> None:
    annunciator = Annunciator(records)
    annunciator.cycle(NOON, [LOW])
    assert states(records) == {LOW.key: AlarmState.UNACKNOWLEDGED}
    annunciator.cycle(NOON + MINUTE, [])
    assert states(records) == {LOW.key: AlarmState.RETURNED}


def test_continuing_condition_writes_nothing_but_news(records: Records) -> None:
    annunciator = Annunciator(records)
    annunciator.cycle(NOON, [LOW])
    assert annunciator.cycle(NOON + MINUTE, [LOW]) == ()
    (touched,) = annunciator.cycle(NOON + 2 * MINUTE, [replace(LOW, details={"value": 8.0})])
    assert touched.details == {"value": 8.0}
    assert events(records) == ["raise"]


def test_condition_with_a_delay_waits_and_a_gap_starts_it_anew(records: Records) -> None:
    annunciator = Annunciator(records)
    for minute in range(5):
        annunciator.cycle(NOON + minute * MINUTE, [CAUSE])
    annunciator.cycle(NOON + 5 * MINUTE, [])
    assert states(records) == {}
    for minute in range(6, 12):
        annunciator.cycle(NOON + minute * MINUTE, [CAUSE])
    assert states(records) == {CAUSE.key: AlarmState.UNACKNOWLEDGED}


def test_alarm_with_a_delay_outlasts_a_short_absence(records: Records) -> None:
    annunciator = Annunciator(records)
    now = dict(enumerate(NOON + minute * MINUTE for minute in range(60)))
    for minute in range(6):
        annunciator.cycle(now[minute], [CAUSE])
    for minute in range(6, 15):
        annunciator.cycle(now[minute], [])
    annunciator.cycle(now[15], [CAUSE])
    for minute in range(16, 26):
        annunciator.cycle(now[minute], [])
    assert states(records) == {CAUSE.key: AlarmState.UNACKNOWLEDGED}
    annunciator.cycle(now[26], [])
    assert states(records) == {CAUSE.key: AlarmState.RETURNED}


def test_what_could_not_be_looked_at_is_neither_raised_nor_cleared(records: Records) -> None:
    annunciator = Annunciator(records)
    for minute in range(6):
        annunciator.cycle(NOON + minute * MINUTE, [CAUSE, LOW])
    blind = Unknown(frozenset({AlarmKind.DIAGNOSIS}), frozenset({LOW.key}))
    for minute in range(6, 40):
        annunciator.cycle(NOON + minute * MINUTE, [blind_condition("PS1", "stale")], blind)
    assert states(records) == {
        CAUSE.key: AlarmState.UNACKNOWLEDGED,
        LOW.key: AlarmState.UNACKNOWLEDGED,
        "blind/PS1": AlarmState.UNACKNOWLEDGED,
    }


def test_blindness_in_between_does_not_restart_a_delay(records: Records) -> None:
    annunciator = Annunciator(records)
    annunciator.cycle(NOON, [CAUSE])
    annunciator.cycle(NOON + 3 * MINUTE, [], Unknown(frozenset({AlarmKind.DIAGNOSIS})))
    annunciator.cycle(NOON + 6 * MINUTE, [CAUSE])
    assert states(records) == {CAUSE.key: AlarmState.UNACKNOWLEDGED}


def test_open_alarm_goes_on_after_a_restart(records: Records) -> None:
    Annunciator(records).cycle(NOON, [LOW])
    records.apply(records.open_alarms()[0], Acknowledge(NOON, "Li"))
    Annunciator(records).cycle(NOON + MINUTE, [LOW])
    assert states(records) == {LOW.key: AlarmState.ACKNOWLEDGED}
    assert events(records) == ["raise", "acknowledge"]


def test_shelf_is_emptied_when_its_time_has_come(records: Records) -> None:
    annunciator = Annunciator(records)
    annunciator.cycle(NOON, [LOW])
    records.apply(records.open_alarms()[0], Shelve(NOON, "Li", "flushing", NOON + 5 * MINUTE))
    annunciator.cycle(NOON + 4 * MINUTE, [LOW])
    assert states(records) == {LOW.key: AlarmState.SHELVED}
    annunciator.cycle(NOON + 5 * MINUTE, [LOW])
    assert states(records) == {LOW.key: AlarmState.UNACKNOWLEDGED}


def test_each_cycle_tells_the_plants_time(records: Records) -> None:
    Annunciator(records).cycle(NOON, [])
    assert records.plant_time() == NOON


def test_silent_device_and_unsolved_model_are_alarms_of_their_own(records: Records) -> None:
    conditions = [device_condition("rtu-north", "timeout", NOON), model_condition("junction J-5: no way to a source")]
    Annunciator(records).cycle(NOON, conditions)
    assert set(states(records)) == {"device/rtu-north", "model/network"}


def cause(kind: str, element: str, probability: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "elements": [element],
        "valve_ids": ["V-031"],
        "probability": probability,
        "severity": {"head_lost_m": 6.1234, "at": "C-017"},
        "onset": "2026-07-11T05:00:00+08:00",
    }


def document(*causes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"causes": list(causes), "can_say": True, "unexplained_probability": 0.0, "indistinguishable": [], **more}


def test_causes_at_the_alarm_probability_become_conditions() -> None:
    found = diagnosis_conditions(
        document(cause("demand_growth", "J-1", 0.8), cause("blocked_link", "P-88", 0.5), cause("leak", "J-2", 0.49)),
        0.5,
    )
    assert [condition.key for condition in found] == ["diagnosis/demand_growth/J-1", "diagnosis/blocked_link/P-88"]
    assert found[1].details == {
        "elements": ["P-88"],
        "valve_ids": ["V-031"],
        "probability": 0.5,
        "joint_probability": 0.5,
        "alike": [],
        "head_lost_m": 6.12,
        "at": "C-017",
        "onset": "2026-07-11T05:00:00+08:00",
    }


def test_diagnosis_that_cannot_say_blames_nobody() -> None:
    assert diagnosis_conditions(document(cause("blocked_link", "P-88", 0.9), can_say=False), 0.5) == ()


def test_cause_that_moves_within_its_group_stays_one_alarm(records: Records) -> None:
    annunciator = Annunciator(records)
    group = [[{"kind": "blocked_link", "elements": [link]} for link in ("P-88", "P-89")]]
    for minute, link in enumerate(["P-88", "P-89", "P-88"]):
        found = document(cause("blocked_link", link, 0.8), indistinguishable=group)
        annunciator.cycle(NOON + minute * MINUTE, diagnosis_conditions(found, 0.5, records.open_alarms()))
    assert states(records) == {"diagnosis/blocked_link/P-88": AlarmState.UNACKNOWLEDGED}
    assert events(records) == ["raise"]


def test_causes_that_share_their_probability_are_one_alarm_together() -> None:
    group = [[{"kind": "blocked_link", "elements": [link]} for link in ("P-88", "P-89")]]
    causes = [cause("blocked_link", "P-88", 0.44), cause("blocked_link", "P-89", 0.42), cause("leak", "J-2", 0.4)]
    (found,) = diagnosis_conditions(document(*causes, indistinguishable=group), 0.5)
    assert found.key == "diagnosis/blocked_link/P-88"
    assert found.details["joint_probability"] == 0.86
    assert found.details["alike"] == ["P-89"]


def test_blocked_link_that_turns_out_closed_stays_one_alarm() -> None:
    found = diagnosis_conditions(document(cause("closed_link", "P-88", 0.8), cause("blocked_link", "P-88", 0.7)), 0.5)
    assert [(condition.key, condition.code) for condition in found] == [("diagnosis/blocked_link/P-88", "closed_link")]


def test_fault_of_no_known_kind_is_said() -> None:
    (found,) = diagnosis_conditions(document(unexplained_probability=0.7), 0.5)
    assert found.code == "unexplained"
