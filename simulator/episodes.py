"""Episodes: timelines of what happens at the plant, one file each under ``plant/episodes``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from models.problem import BadInput, Problem
from simulator.events import Event, read_event, read_time


@dataclass(frozen=True, slots=True)
class Episode:
    """A named timeline. The plant runs on after its end; the duration says how long the story is."""

    name: str
    start: datetime
    duration: timedelta
    events: tuple[Event, ...] = ()
    description: str = ""


def load_episode(folder: Path, name: str) -> Episode:
    """Return the episode ``name`` of the site in ``folder``.

    Raises
    ------
    BadInput
        There is no such episode, or its file is wrong: every problem at once.
    """
    episodes = folder / "plant" / "episodes"
    known = sorted(file.stem for file in episodes.glob("*.toml"))
    if name not in known:
        raise BadInput.of(f"episode {name!r} is not there, expected one of: {', '.join(known) or 'none'}", str(folder))
    path = episodes / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    table = read_toml(text, path)
    problems: list[Problem] = []
    start, duration = _span(table, str(path), problems)
    events = _events(table, text, str(path), problems)
    problems += [
        Problem(f"unknown key {key}, expected description, start, duration_h, events", str(path))
        for key in table
        if key not in ("description", "start", "duration_h", "events")
    ]
    if problems or start is None:
        raise BadInput(problems)
    return Episode(name, start, duration, events, str(table.get("description", "")))


def read_toml(text: str, path: Path) -> dict[str, Any]:
    """Return the table in ``text``; raises ``BadInput`` with the place TOML names when it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        raise BadInput.of(str(error), str(path), int(place[1]) if place else 0) from error


def _span(table: Mapping[str, Any], file: str, problems: list[Problem]) -> tuple[datetime | None, timedelta]:
    start, duration = None, timedelta(hours=24)
    try:
        start = read_time(table.get("start"))
    except ValueError as error:
        problems.append(Problem(f"start {error}", file))
    hours = table.get("duration_h", 24.0)
    if isinstance(hours, int | float) and not isinstance(hours, bool) and hours > 0:
        duration = timedelta(hours=hours)
    else:
        problems.append(Problem(f"duration_h {hours!r}, expected hours > 0", file))
    return start, duration


def _events(table: Mapping[str, Any], text: str, file: str, problems: list[Problem]) -> tuple[Event, ...]:
    tables = table.get("events", [])
    if not isinstance(tables, list) or not all(isinstance(entry, dict) for entry in tables):
        problems.append(Problem("events, expected a list of tables [[events]]", file))
        return ()
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*events\s*\]\]", line)]
    lines += [0] * (len(tables) - len(lines))
    events: list[Event] = []
    for entry, line in zip(tables, lines, strict=False):
        event, faults = read_event(entry, file=file, line=line)
        problems += faults
        if event is not None:
            events.append(event)
    return tuple(events)
