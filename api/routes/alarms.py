"""Alarms: lists, and what a named person does to one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query

from api.access import Engineer, Operator, Serving, Viewer
from api.context import Context
from api.paging import Cursor, Limit, cut, number_of, place_of, time_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.schemas.alarms import (
    Acknowledging,
    AlarmEventView,
    AlarmView,
    Commenting,
    Removing,
    Returning,
    Shelving,
)
from api.schemas.view import Page
from api.views import AlarmTeller, alarm_event_view, alarm_key
from models.alarm import (
    Acknowledge,
    Alarm,
    AlarmKind,
    AlarmState,
    Comment,
    PersonEvent,
    Priority,
    RemoveFromService,
    ReturnToService,
    Shelve,
    Unshelve,
    describe_state,
)
from models.problem import Changed

ROUTER = router("alarms")
AlarmId = Annotated[str, Path(max_length=450, description="The key, `/` written `~1` and `~` written `~0`.")]
Acting = responses(ProblemType.MISSING, ProblemType.CHANGED)


@ROUTER.get("/alarms")
def list_alarms(
    _person: Viewer,
    context: Serving,
    state: Annotated[list[AlarmState] | None, Query(description="Left out: all but normal ones.")] = None,
    kind: Annotated[list[AlarmKind] | None, Query()] = None,
    priority: Annotated[list[Priority] | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AlarmView]:
    """Alarms, the latest change first."""
    found = context.pages.alarms(state or (), kind or (), priority or (), _place(cursor), limit + 1)
    page, following = cut(found, limit, lambda one: (one.changed.isoformat() if one.changed else "", one.key))
    tell = AlarmTeller(context)
    return Page(items=[tell(alarm) for alarm in page], next=following)


@ROUTER.get("/alarms/{alarm_id}", responses=responses(ProblemType.MISSING))
def get_alarm(_person: Viewer, context: Serving, alarm_id: AlarmId) -> AlarmView:
    """One alarm, a normal one too."""
    return AlarmTeller(context)(_alarm(context, alarm_id))


@ROUTER.get("/alarm-events")
def list_alarm_events(
    _person: Viewer,
    context: Serving,
    alarm_id: Annotated[str, Query(max_length=450)] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AlarmEventView]:
    """The log of alarm events, the newest first, of one alarm or of all."""
    found = context.pages.alarm_entries(alarm_key(alarm_id), number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda entry: (entry.number,))
    return Page(items=[alarm_event_view(entry) for entry in page], next=following)


@ROUTER.post("/alarms/{alarm_id}/acknowledge", responses=Acting)
def acknowledge_alarm(person: Operator, context: Serving, alarm_id: AlarmId, asked: Acknowledging) -> AlarmView:
    """Say that one has seen it. Of two at once one wins, and the other is told who."""
    return _act(context, alarm_id, asked.version, Acknowledge(context.now(), person.full_name, asked.comment))


@ROUTER.post("/alarms/{alarm_id}/shelve", responses=Acting)
def shelve_alarm(person: Operator, context: Serving, alarm_id: AlarmId, asked: Shelving) -> AlarmView:
    """Put it aside until a time, at most seven days ahead."""
    return _act(context, alarm_id, asked.version, Shelve(context.now(), person.full_name, asked.reason, asked.until))


@ROUTER.post("/alarms/{alarm_id}/unshelve", responses=Acting)
def unshelve_alarm(person: Operator, context: Serving, alarm_id: AlarmId, asked: Returning) -> AlarmView:
    """Take it off the shelf."""
    return _act(context, alarm_id, asked.version, Unshelve(context.now(), person.full_name))


@ROUTER.post("/alarms/{alarm_id}/remove-from-service", responses=Acting)
def remove_alarm_from_service(person: Engineer, context: Serving, alarm_id: AlarmId, asked: Removing) -> AlarmView:
    """Take it out of service."""
    return _act(context, alarm_id, asked.version, RemoveFromService(context.now(), person.full_name, asked.reason))


@ROUTER.post("/alarms/{alarm_id}/return-to-service", responses=Acting)
def return_alarm_to_service(person: Engineer, context: Serving, alarm_id: AlarmId, asked: Returning) -> AlarmView:
    """Put it back into service."""
    return _act(context, alarm_id, asked.version, ReturnToService(context.now(), person.full_name))


@ROUTER.post("/alarms/{alarm_id}/comment", responses=Acting)
def comment_alarm(person: Operator, context: Serving, alarm_id: AlarmId, asked: Commenting) -> AlarmView:
    """Say something about it; its state stays."""
    return _act(context, alarm_id, asked.version, Comment(context.now(), person.full_name, asked.words))


def _act(context: Context, alarm_id: str, version: int, event: PersonEvent) -> AlarmView:
    """Apply an event to the alarm as the person saw it."""
    alarm = _alarm(context, alarm_id)
    try:
        if alarm.version != version:
            raise Changed.of(f"alarm {alarm.key}: has changed meanwhile, it is now {describe_state(alarm)}")
        after = context.records.apply(alarm, event)
    except Changed as error:
        now = AlarmTeller(context)(_alarm(context, alarm_id))
        raise ApiProblem(ProblemType.CHANGED, str(error), current=now.model_dump(mode="json")) from error
    return AlarmTeller(context)(after)


def _alarm(context: Context, alarm_id: str) -> Alarm:
    key = alarm_key(alarm_id)
    alarm = context.records.alarm(key)
    if alarm is None:
        raise ApiProblem(ProblemType.MISSING, f"alarm {key}: there is none of that key")
    return alarm


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    changed, key = place_of(cursor, 2)
    return time_of(changed), str(key)
