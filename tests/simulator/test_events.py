from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.problem import BadInput
from simulator.condition import ChangedDemand, condition_at
from simulator.episodes import load_episode
from simulator.events import (
    KINDS,
    Blockage,
    Close,
    DemandChange,
    DeviceOff,
    DeviceOn,
    Event,
    GaugeDead,
    GaugeDrift,
    GaugeRestore,
    Open,
    Repair,
    read_event,
)

NOW = datetime(2026, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_later_event_on_the_same_link_replaces_the_earlier() -> None:
    events = [Event(NOW, Blockage("P1", 5)), Event(NOW + HOUR, Blockage("P1", 9))]
    assert condition_at(events, NOW - HOUR).minor_loss == {}
    assert condition_at(events, NOW).minor_loss == {"P1": 5}
    assert condition_at(reversed(events), NOW + HOUR).minor_loss == {"P1": 9}


def test_ended_event_leaves_what_was_there_before_it() -> None:
    events = [Event(NOW, Close("P1")), Event(NOW + HOUR, Open("P1"), until=NOW + 2 * HOUR)]
    assert [condition_at(events, NOW + hours * HOUR).is_open["P1"] for hours in range(3)] == [False, True, False]


def test_repair_ends_blockage_and_closure_and_keeps_what_earlier_repairs_laid() -> None:
    events = [
        Event(NOW, Blockage("P1", 5)),
        Event(NOW, Close("P1")),
        Event(NOW + HOUR, Repair("P1", diameter_mm=90.0)),
        Event(NOW + 2 * HOUR, Repair("P1", minor_loss=0.1)),
    ]
    condition = condition_at(events, NOW + 2 * HOUR)
    assert (condition.minor_loss, condition.is_open) == ({}, {})
    assert condition.laid == {"P1": Repair("P1", diameter_mm=90.0, minor_loss=0.1)}


def test_demand_changes_compose_along_their_ramps() -> None:
    events = [
        Event(NOW, DemandChange("J1", demand_l_s=4.0), ramp_h=2),
        Event(NOW + HOUR, DemandChange("J1", factor=3.0)),
    ]
    assert condition_at(events, NOW + HOUR).demand == {"J1": ChangedDemand(1.5, 6.0)}
    assert condition_at(events, NOW + 2 * HOUR).demand == {"J1": ChangedDemand(0.0, 12.0)}


def test_gauge_drifts_until_it_is_restored_and_devices_come_back() -> None:
    events = [
        Event(NOW, GaugeDrift("PT", -0.5)),
        Event(NOW, DeviceOff("rtu")),
        Event(NOW + 3 * HOUR, GaugeRestore("PT")),
        Event(NOW + 3 * HOUR, DeviceOn("rtu")),
    ]
    condition = condition_at(events, NOW + 2 * HOUR)
    assert condition.gauges["PT"].drift == -1.0
    assert condition.devices_off == {"rtu"}
    condition = condition_at(events, NOW + 3 * HOUR)
    assert (condition.gauges, condition.devices_off) == ({}, set())


def test_dead_gauge_may_be_uncertain() -> None:
    state = condition_at([Event(NOW, GaugeDead("PT", uncertain=True))], NOW).gauges["PT"]
    assert (state.dead, state.uncertain) == (False, True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "explosion"}, "explosion"),
        ({"kind": "close", "link": "P1"}, "no time"),
        ({"kind": "close", "link": "P1", "at": "2026-07-10T07:00:00"}, "naive"),
        ({"kind": "close", "link": "P1", "at": "soon"}, "soon"),
        ({"kind": "close", "at": "2026-07-10T07:00:00+08:00"}, "no link"),
        ({"kind": "close", "link": 7, "at": "2026-07-10T07:00:00Z"}, "expected a text"),
        ({"kind": "blockage", "link": "P1", "minor_loss": -1, "at": "2026-07-10T07:00:00Z"}, "must be ≥ 0"),
        ({"kind": "blockage", "link": "P1", "minor_loss": "big", "at": "2026-07-10T07:00:00Z"}, "expected a number"),
        ({"kind": "repair", "link": "P1", "diameter_mm": 0, "at": "2026-07-10T07:00:00Z"}, "must be > 0"),
        ({"kind": "demand", "node": "J1", "at": "2026-07-10T07:00:00Z"}, "either"),
        ({"kind": "demand", "node": "J1", "factor": 2, "demand_l_s": 1, "at": "2026-07-10T07:00:00Z"}, "either"),
        ({"kind": "close", "link": "P1", "at": "2026-07-10T07:00:00Z", "ramp_h": 1}, "at once"),
        ({"kind": "close", "link": "P1", "at": "2026-07-10T07:00:00Z", "until": "2026-07-10T07:00:00Z"}, "until"),
        ({"kind": "close", "link": "P1", "at": "2026-07-10T07:00:00Z", "hatch": 1}, "unknown key hatch"),
        ({"kind": "gauge_dead", "point": "PT", "uncertain": 1, "at": "2026-07-10T07:00:00Z"}, "true or false"),
    ],
)
def test_event_that_is_none_says_why(table: dict[str, Any], words: str) -> None:
    event, problems = read_event(table, file="e.toml", line=3)
    assert event is None
    assert words in str(problems[0])
    assert str(problems[0]).startswith("e.toml:3: ")


def test_every_kind_has_its_own_type() -> None:
    assert len(set(KINDS.values())) == len(KINDS) == 14


def write(folder: Path, text: str) -> Path:
    episodes = folder / "plant" / "episodes"
    episodes.mkdir(parents=True)
    (episodes / "story.toml").write_text(text, encoding="utf-8")
    return folder


def test_episode_is_read(tmp_path: Path) -> None:
    text = """
    description = "a story"
    start = 2026-07-10T06:00:00+08:00
    duration_h = 2.5
    [[events]]
    at = 2026-07-10T07:00:00+08:00
    until = "2026-07-10T08:00:00+08:00"
    kind = "close"
    link = "P1"
    """
    episode = load_episode(write(tmp_path, text), "story")
    start = datetime(2026, 7, 9, 22, tzinfo=UTC)
    assert (episode.start, episode.duration) == (start, 2.5 * HOUR)
    assert episode.events == (Event(start + HOUR, Close("P1"), start + 2 * HOUR),)


def test_episode_tells_all_its_problems_with_their_lines(tmp_path: Path) -> None:
    text = 'start = 2026-07-10T06:00:00\nduration_h = -1\nend = 1\n[[events]]\nkind="x"\n\n[[ events ]]\nkind="close"\n'
    with pytest.raises(BadInput) as caught:
        load_episode(write(tmp_path, text), "story")
    problems = caught.value.problems
    assert [problem.line for problem in problems] == [0, 0, 4, 7, 7, 0]
    assert "naive" in problems[0].message


def test_episode_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected one of: story"):
        load_episode(write(tmp_path, ""), "history")


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load_episode(write(tmp_path, "start = 2026\n\n[[events\n"), "story")
    assert caught.value.problems[0].line == 3
