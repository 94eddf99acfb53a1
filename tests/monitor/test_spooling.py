from __future__ import annotations

from datetime import UTC, datetime

from models.alarm import AlarmKind
from monitor.spooling import spool_conditions
from stores.spool import Loss, SpoolState

NOON = datetime(2026, 7, 11, 12, tzinfo=UTC)


def state(lost: int = 0, set_aside: int = 0, full_share: float = 0.1) -> SpoolState:
    losses = (Loss("the spool was full", lost, NOON, NOON),) if lost else ()
    return SpoolState(5, 1, full_share, set_aside, losses)


def test_spool_that_stands_well_raises_nothing() -> None:
    assert spool_conditions(None, state()) == []
    assert spool_conditions(state(7, 3), state(7, 3)) == []


def test_losses_and_refusals_of_before_the_first_look_are_old_news() -> None:
    assert spool_conditions(None, state(7, 3)) == []


def test_samples_that_are_lost_or_refused_are_alarmed_with_their_count() -> None:
    dropped, refused = spool_conditions(state(7, 3), state(9, 4))
    assert (dropped.key, dropped.kind, dropped.details["samples"]) == ("spool/dropped", AlarmKind.SPOOL, 9)
    assert dropped.details["why"] == "the spool was full"
    assert (refused.key, refused.details["samples"]) == ("spool/refused", 4)


def test_spool_that_fills_is_alarmed_before_it_is_full() -> None:
    assert spool_conditions(None, state(full_share=0.79)) == []
    (filling,) = spool_conditions(None, state(full_share=0.85))
    assert (filling.key, filling.details["full_percent"]) == ("spool/filling", 85.0)
