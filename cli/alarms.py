"""``hydro alarms``: list alarms, acknowledge, shelve and comment them in a person's name."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.alarm import Alarm, PersonEvent
    from models.site import Site
    from stores.records import Records

ACTIONS = {
    "ack": "acknowledge an alarm",
    "shelve": "put an alarm aside until a time, with a reason",
    "unshelve": "take an alarm off the shelf",
    "out-of-service": "take an alarm out of service, with a reason",
    "in-service": "put an alarm back into service",
    "comment": "say something about an alarm",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    actions.add_parser("list", parents=[shared], help="list the alarms that are not normal (the default)")
    log = actions.add_parser("log", parents=[shared], help="list what happened, of one alarm or of all")
    log.add_argument("id", nargs="?", default="", help="the alarm's key")
    for name, words in ACTIONS.items():
        action = actions.add_parser(name, parents=[shared], help=words, description=words)
        action.add_argument("id", help="the alarm's key, or a part of it that no other open alarm has")
        action.add_argument("--by", required=True, metavar="NAME", help="the person who acts")
        action.add_argument("--time", metavar="ISO8601", help="when, with an offset (default: now at the site)")
        if name in ("shelve", "out-of-service"):
            action.add_argument("--reason", required=True, help="why")
        if name == "shelve":
            action.add_argument("--hours", type=float, default=8.0, help="for how long (default 8, at most 168)")
        if name in ("ack", "comment"):
            action.add_argument("--words", required=name == "comment", default="", help="what there is to say")


def run(args: argparse.Namespace) -> int:
    """List the alarms, or do one thing to one of them."""
    from cli.records_json import moment, open_records
    from models.site_file import load_site

    site = load_site(args.site)
    with open_records(site) as records:
        if args.action == "log":
            _log(records, args)
        elif args.action in ACTIONS:
            event = _event(args, moment(site, records, args.time))
            _answer(records.apply(_find(records, args.id), event), site, args)
        else:
            _list(records, site, args)
    return 0


def _log(records: Records, args: argparse.Namespace) -> None:
    from cli.records_json import entry_document, write_json

    entries = records.alarm_entries(args.id)
    if args.json:
        write_json({"entries": [entry_document(entry) for entry in entries]})
        return
    for entry in entries:
        by = f" by {entry.by}" if entry.by else ""
        sys.stdout.write(f"{entry.time.isoformat()}  {entry.key}  {entry.event}{by} → {entry.state}\n")


def _list(records: Records, site: Site, args: argparse.Namespace) -> None:
    from cli.records_json import alarm_document, write_json

    alarms = records.open_alarms()
    if args.json:
        write_json({"alarms": [alarm_document(alarm) for alarm in alarms]})
    else:
        sys.stdout.write("".join(_line(alarm, site) for alarm in alarms) or "no alarms\n")


def _answer(alarm: Alarm, site: Site, args: argparse.Namespace) -> None:
    from cli.records_json import alarm_document, write_json

    if args.json:
        write_json(alarm_document(alarm))
    else:
        sys.stdout.write(_line(alarm, site))


def _event(args: argparse.Namespace, time: datetime) -> PersonEvent:
    from models.alarm import Acknowledge, Comment, RemoveFromService, ReturnToService, Shelve, Unshelve

    match args.action:
        case "ack":
            return Acknowledge(time, args.by, args.words)
        case "shelve":
            return Shelve(time, args.by, args.reason, time + timedelta(hours=args.hours))
        case "unshelve":
            return Unshelve(time, args.by)
        case "out-of-service":
            return RemoveFromService(time, args.by, args.reason)
        case "in-service":
            return ReturnToService(time, args.by)
        case _:
            return Comment(time, args.by, args.words)


def _find(records: Records, text: str) -> Alarm:
    """Return the alarm of that key, else the one open alarm whose key has that part."""
    from models.problem import BadInput

    exact = records.alarm(text)
    if exact is not None:
        return exact
    found = [alarm for alarm in records.open_alarms() if text in alarm.key]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadInput.of(f"alarm {text}: no open alarm has that in its key")
    raise BadInput.of(f"alarm {text}: is one of several, say which: {', '.join(alarm.key for alarm in found)}")


def _line(alarm: Alarm, site: Site) -> str:
    from zoneinfo import ZoneInfo

    from models.alarm import describe_state

    details = ", ".join(
        f"{name} {_said(value)}" for name, value in alarm.details.items() if value not in ("", None, [])
    )
    raised = alarm.raised.astimezone(ZoneInfo(site.time_zone)).strftime("%m-%d %H:%M") if alarm.raised else "-" * 11
    return f"{raised}  {alarm.priority:6}  {alarm.key}: {alarm.code}; {describe_state(alarm)}; {details}\n"


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
