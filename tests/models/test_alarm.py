from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.alarm import (
    LONGEST_SHELF,
    Acknowledge,
    Alarm,
    AlarmEvent,
    AlarmKind,
    AlarmState,
    Clear,
    Comment,
    Expire,
    HoldKind,
    PersonEvent,
    Raise,
    Release,
    RemoveFromService,
    ReturnToService,
    Shelve,
    Suppress,
    Unshelve,
    diagnosis_key,
    limit_key,
    step,
)
from models.problem import Refused

NOON = datetime(2026, 7, 11, 12, tzinfo=UTC)
NEW = Alarm(limit_key("PT-07", "low"), AlarmKind.LIMIT, "PT-07", "low_limit")

MAKERS: dict[str, Callable[[datetime], AlarmEvent]] = {
    "raise": lambda t: Raise(t, {"value": 9.5, "unit": "m"}),
    "clear": Clear,
    "acknowledge": lambda t: Acknowledge(t, "Li"),
    "shelve": lambda t: Shelve(t, "Li", "flushing", t + timedelta(hours=2)),
    "unshelve": lambda t: Unshelve(t, "Li"),
    "expire": Expire,
    "expire much later": lambda t: Expire(t + LONGEST_SHELF),
    "suppress": lambda t: Suppress(t, "works"),
    "release": Release,
    "remove": lambda t: RemoveFromService(t, "Li", "gauge broken"),
    "return": lambda t: ReturnToService(t, "Li"),
    "comment": lambda t: Comment(t, "Li", "called the crew"),
}
words = st.lists(st.sampled_from(sorted(MAKERS)), max_size=30)


def play(names: list[str], alarm: Alarm = NEW) -> list[Alarm]:
    """Return the alarm after each event; what is refused changes nothing."""
    seen = [alarm]
    for minute, name in enumerate(names):
        try:
            seen.append(step(seen[-1], MAKERS[name](NOON + timedelta(minutes=minute))))
        except Refused:
            seen.append(seen[-1])
    return seen


def after(*names: str) -> Alarm:
    return play(list(names))[-1]


@given(words)
def test_state_always_agrees_with_condition_person_and_hold(names: list[str]) -> None:
    for alarm in play(names):
        match alarm.state:
            case AlarmState.NORMAL | AlarmState.RETURNED:
                assert not alarm.active
                assert alarm.hold is None
            case AlarmState.UNACKNOWLEDGED:
                assert alarm.active
                assert alarm.pending
            case AlarmState.ACKNOWLEDGED:
                assert alarm.active
                assert alarm.acknowledged_by
            case AlarmState.SHELVED:
                assert alarm.hold is not None
                assert alarm.hold.until is not None
                assert alarm.hold.by
                assert alarm.hold.reason
            case AlarmState.OUT_OF_SERVICE:
                assert alarm.hold is not None
                assert alarm.hold.by
            case AlarmState.SUPPRESSED:
                assert alarm.hold is not None
                assert alarm.hold.reason


@given(words)
def test_no_state_is_a_trap(names: list[str]) -> None:
    alarm = play(names)[-1]
    way_out = ["release", "unshelve", "return", "clear", "acknowledge"]
    assert play(way_out, alarm)[-1].state is AlarmState.NORMAL


def test_every_state_can_be_reached() -> None:
    frontier, reached = {AlarmState.NORMAL: NEW}, {AlarmState.NORMAL}
    while frontier:
        found: dict[AlarmState, Alarm] = {}
        for alarm in frontier.values():
            for name in MAKERS:
                following = play([name], alarm)[-1]
                if following.state not in reached:
                    found[following.state] = following
        reached |= set(found)
        frontier = found
    assert reached == set(AlarmState)


@given(words, st.sampled_from(["raise", "clear", "suppress", "release", "expire"]))
def test_what_the_plant_says_twice_counts_once(names: list[str], name: str) -> None:
    alarm = play(names)[-1]
    once = step(alarm, MAKERS[name](NOON))
    assert step(once, MAKERS[name](NOON + timedelta(minutes=1))) == once


@given(words)
def test_only_a_named_person_ends_an_announcement(names: list[str]) -> None:
    steps = play(names)
    for name, before, now in zip(names, steps, steps[1:], strict=False):
        if before.pending and not now.pending:
            assert isinstance(MAKERS[name](NOON), PersonEvent)


@given(words)
def test_version_counts_changes_but_not_refreshed_details(names: list[str]) -> None:
    steps = play(names)
    for name, before, now in zip(names, steps, steps[1:], strict=False):
        same = replace(now, details=before.details) == before
        assert now.version == before.version + (0 if same and name != "comment" else 1) or now is before


@pytest.mark.parametrize("by", ["", "   "])
def test_acknowledgement_needs_a_name(by: str) -> None:
    with pytest.raises(Refused, match="no name given"):
        step(after("raise"), Acknowledge(NOON, by))


def test_second_acknowledgement_is_told_who_was_first() -> None:
    with pytest.raises(Refused, match="acknowledged by Li since 2026-07-11T12:01"):
        step(after("raise", "acknowledge"), Acknowledge(NOON, "Wang"))


def test_acknowledged_alarm_that_returns_is_normal() -> None:
    assert after("raise", "acknowledge", "clear").state is AlarmState.NORMAL


def test_unacknowledged_alarm_that_returns_waits_for_a_person() -> None:
    assert after("raise", "clear").state is AlarmState.RETURNED
    assert after("raise", "clear", "acknowledge").state is AlarmState.NORMAL


def test_alarm_that_comes_again_is_announced_again() -> None:
    again = after("raise", "acknowledge", "clear", "raise")
    assert again.state is AlarmState.UNACKNOWLEDGED
    assert again.acknowledged_by == ""
    assert again.raised == NOON + timedelta(minutes=3)


def test_shelved_alarm_is_announced_when_its_time_is_over_and_the_condition_is_still_there() -> None:
    shelved = after("raise", "shelve")
    until = NOON + timedelta(minutes=1, hours=2)
    assert step(shelved, Expire(until - timedelta(seconds=1))).state is AlarmState.SHELVED
    assert step(shelved, Expire(until)).state is AlarmState.UNACKNOWLEDGED


def test_condition_that_ended_on_the_shelf_needs_nobody() -> None:
    assert after("raise", "shelve", "clear", "unshelve").state is AlarmState.NORMAL


def test_occurrence_within_a_suppression_is_not_announced_later() -> None:
    assert after("suppress", "raise", "clear", "release").state is AlarmState.NORMAL


def test_occurrence_before_a_suppression_still_waits_after_it() -> None:
    assert after("raise", "suppress", "clear", "release").state is AlarmState.RETURNED


def test_suppression_does_not_touch_what_is_out_of_service() -> None:
    hold = after("remove", "suppress").hold
    assert hold is not None
    assert hold.kind is HoldKind.OUT_OF_SERVICE


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Shelve(NOON, "Li", " ", NOON + timedelta(hours=1)), "no reason"),
        (Shelve(NOON, "Li", "works", NOON), "at most 7 days"),
        (Shelve(NOON, "Li", "works", NOON + timedelta(days=8)), "at most 7 days"),
        (Unshelve(NOON, "Li"), "not shelved"),
        (ReturnToService(NOON, "Li"), "not out of service"),
        (RemoveFromService(NOON, "Li", ""), "no reason"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_fact(event: AlarmEvent, words: str) -> None:
    with pytest.raises(Refused, match=words):
        step(after("raise"), event)


def test_naive_time_is_an_error() -> None:
    with pytest.raises(ValueError, match="naive"):
        step(NEW, Clear(datetime(2026, 7, 11)))  # noqa: DTZ001


def test_blocked_and_closed_link_are_one_alarm() -> None:
    assert diagnosis_key("closed_link", ["P-2", "P-1"]) == diagnosis_key("blocked_link", ["P-1", "P-2"])
