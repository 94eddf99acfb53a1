from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collectors.schedule import Backoff, Schedule
from models.point import Point
from models.quantity import Quantity

START = datetime(2026, 7, 11, 7, tzinfo=UTC)


def point(name: str, period_s: float) -> Point:
    return Point(name, "P1", Quantity.FLOW, "l/s", "rtu", "holding/0", period_s=period_s)


def names(points: tuple[Point, ...]) -> set[str]:
    return {one.name for one in points}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_everything_is_due_at_first_and_then_on_the_grid_of_its_period() -> None:
    schedule = Schedule.of([point("a", 60), point("b", 60), point("c", 300)])
    assert schedule.left_s(at(17)) == 0.0
    assert names(schedule.take(at(17))) == {"a", "b", "c"}
    assert schedule.left_s(at(17)) == 43.0
    assert schedule.take(at(59.9)) == ()
    assert names(schedule.take(at(60))) == {"a", "b"}
    assert names(schedule.take(at(300.5))) == {"a", "b", "c"}


@given(st.lists(st.floats(0.0, 90.0), min_size=1), st.sampled_from([1.0, 60.0, 300.0]))
def test_every_slot_that_is_looked_at_is_served_once(pauses: list[float], period_s: float) -> None:
    schedule = Schedule.of([point("a", period_s)])
    now, slots = 0.0, []
    for pause in pauses:
        now += pause
        if schedule.take(at(now)):
            slots.append(at(now).timestamp() // period_s)
    assert slots == sorted(set(slots))
    assert len(slots) == len({at(sum(pauses[: end + 1])).timestamp() // period_s for end in range(len(pauses))})


def test_missed_slots_are_not_made_up() -> None:
    schedule = Schedule.of([point("a", 60)])
    schedule.take(at(0))
    assert names(schedule.take(at(600))) == {"a"}
    assert schedule.take(at(601)) == ()


def test_clock_set_back_does_not_stop_the_polls() -> None:
    schedule = Schedule.of([point("a", 60)])
    schedule.take(at(3600))
    assert names(schedule.take(at(0))) == {"a"}
    assert names(schedule.take(at(60))) == {"a"}


def test_slot_that_the_device_had_not_reached_is_served_again() -> None:
    schedule = Schedule.of([point("a", 60), point("b", 300)])
    schedule.take(at(0))
    assert names(schedule.take(at(300.2))) == {"a", "b"}
    schedule.put_back(at(299))
    assert schedule.left_s(at(299)) == 1.0
    assert names(schedule.take(at(300.1))) == {"a", "b"}
    schedule.put_back(at(300.1))
    assert schedule.left_s(at(300.1)) == at(360).timestamp() - at(300.1).timestamp()


def test_backoff_doubles_to_its_end_and_forgets() -> None:
    backoff = Backoff(0.5, 5.0)
    assert [backoff.failed() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.succeeded()
    assert backoff.failed() == 0.5
