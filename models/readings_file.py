"""Readings in a CSV file: of network elements (``hydro diagnose``), or of a site's points (a historian's export)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from math import isfinite, isnan
from pathlib import Path

from models.fields import Fields
from models.point import Point
from models.problem import BadInput, Problem
from models.quantity import STATES, UNITS, Quantity
from models.sample import Quality, Sample
from models.table_file import read_table

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these lie the times of samples: what is outside was written with a clock that was wrong."""
MOST_PROBLEMS = 20
"""A file of a million rows that is wrong throughout is reported by its first problems."""


AHEAD = timedelta(days=1)
"""How far a clock that writes readings may be ahead of this machine's."""


def read_readings(path: Path, now: datetime) -> tuple[tuple[Point, ...], list[Sample]]:
    """Return points named ``element/quantity`` and their samples from ``time,element,quantity,value,unit[,quality]``.

    A reading that is there twice counts once; the other comes with the reason ``repeated``. None may be of a time after
    ``now``.

    Raises
    ------
    BadInput
        Rows are wrong or contradict each other (all problems, at most the first twenty), or nothing is left.
    """
    problems: list[Problem] = []
    points: dict[str, Point] = {}
    samples: list[Sample] = []
    lines = array("q")
    names: dict[tuple[str, str, str], str] = {}
    for values, line in read_table(path, ("time", "element", "quantity", "value", "unit"), ("quality",), problems):
        if len(problems) >= MOST_PROBLEMS:
            break
        key = values["element"], values["quantity"], values["unit"]
        sample = _plain(values, names.get(key), now)
        if sample is None:
            row = Fields(values, str(path), line, f"reading of {values['element']}", problems)
            before = len(problems)
            point = _point(row, points, line)
            time, value, quality = _time(row, now), _value(row), _quality(row)
            if len(problems) > before or time is None:
                continue
            names[key] = points.setdefault(point.name, point).name
            sample = Sample(point.name, time, value, quality)
        samples.append(sample)
        lines.append(line)
    if not problems:
        samples = _once(samples, lines, path, problems)
    _refuse(problems, samples, path)
    return tuple(points.values()), samples


def _point(row: Fields, points: Mapping[str, Point], line: int) -> Point:
    quantity = row.choice("quantity", [str(one) for one in Quantity], str(Quantity.PRESSURE), required=True)
    unit = row.text("unit")
    if unit not in UNITS[Quantity(quantity)]:
        row.note(f'unit "{unit}" is not known for {quantity}, expected one of {", ".join(UNITS[Quantity(quantity)])}')
    element = row.text("element", required=True)
    name = f"{element}/{quantity}"
    point = points.get(name) or Point(name, element, Quantity(quantity), unit, "", "", line=line)
    if point.unit != unit:
        row.note(f'unit "{unit}", but {point.unit} in line {point.line}: one series has one unit')
    return point


def _plain(values: Mapping[str, str], name: str | None, now: datetime) -> Sample | None:
    """Return the sample of a row that is as most are: of a point known already, with nothing to remark."""
    if name is None or values.get("quality", "") not in ("", "good"):
        return None
    try:
        time, value = datetime.fromisoformat(values["time"]), float(values["value"])
    except ValueError:
        return None
    if time.tzinfo is None or not isfinite(value) or not EARLIEST <= time <= now:
        return None
    return Sample(name, time.astimezone(UTC), value)


def _once(samples: list[Sample], lines: Sequence[int], path: Path, problems: list[Problem]) -> list[Sample]:
    """Return the samples, those that say the same again marked as such; a number that differs is a problem."""
    first: dict[str, dict[datetime, int]] = {}
    result = []
    for place, sample in enumerate(samples):
        if sample.quality is not Quality.GOOD or isnan(sample.value):
            result.append(sample)
            continue
        known = first.setdefault(sample.point, {}).setdefault(sample.time, place)
        other = samples[known].value
        if other != sample.value and len(problems) < MOST_PROBLEMS:
            text = (
                f"{sample.point} at {sample.time.isoformat()}: {sample.value:g}, but {other:g} in line {lines[known]}"
            )
            problems.append(Problem(f"{text}, expected one value at a time", str(path), lines[place]))
        result.append(sample if known == place else replace(sample, quality=Quality.BAD, reason="repeated"))
    return result


def first_offset(path: Path) -> tzinfo:
    """Return the offset from UTC of the first reading in time of a file that has been read well."""
    rows = read_table(path, ("time",), (), [])
    first = min((datetime.fromisoformat(values["time"].strip()) for values, _ in rows), key=lambda one: one.timestamp())
    return first.tzinfo or UTC


def read_history(path: Path, points: Iterable[Point]) -> list[Sample]:
    """Return samples of a site's points from ``time,point,value[,quality,reason]``, values in the points' units.

    Raises
    ------
    BadInput
        Rows are wrong, or nothing is left.
    """
    problems: list[Problem] = []
    known = {point.name for point in points}
    samples: list[Sample] = []
    for values, line in read_table(path, ("time", "point", "value"), ("quality", "reason"), problems):
        if len(problems) >= MOST_PROBLEMS:
            break
        row = Fields(values, str(path), line, f"reading of {values['point']}", problems)
        before = len(problems)
        name = row.text("point", required=True)
        if name not in known:
            row.note(f'point "{name}" is not in points.csv')
        time, value, quality = _time(row), _value(row), _quality(row)
        if len(problems) == before and time is not None:
            samples.append(Sample(name, time, value, quality, row.text("reason")))
    _refuse(problems, samples, path)
    return samples


def _refuse(problems: list[Problem], samples: list[Sample], path: Path) -> None:
    if problems:
        raise BadInput(problems)
    if not samples:
        raise BadInput.of("holds no readings", str(path))


def _time(row: Fields, now: datetime | None = None) -> datetime | None:
    text = row.text("time", required=True)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        row.note(f'time "{text}", expected ISO 8601 such as 2026-07-11T07:00:00+08:00')
        return None
    if time.tzinfo is None:
        row.note(f'time "{text}" is naive, expected an offset such as +08:00')
        return None
    if not EARLIEST <= time < LATEST:
        row.note(f'time "{text}", expected one from {EARLIEST:%Y} on and before {LATEST:%Y}')
        return None
    if now is not None and time > now + AHEAD:
        row.note(f'time "{text}" is in the future, expected one before {now:%Y-%m-%d %H:%M}Z')
        return None
    return time.astimezone(UTC)


def _value(row: Fields) -> float:
    word = row.text("value").lower()
    if word in STATES:
        row.taken.add("value")
        return STATES[word]
    if word in ("nan", ""):
        return float("nan")
    number = row.number("value")
    return float("nan") if number is None else number


def _quality(row: Fields) -> Quality:
    word = row.choice("quality", [str(one) for one in Quality], str(Quality.GOOD))
    return Quality(word)
