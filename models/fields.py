"""Fields: named values of one row or table, taken out one by one, with every problem noted and none raised."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from models.problem import Problem

_YES = {"1", "true", "yes", "y"}
_NO = {"0", "false", "no", "n", ""}


@dataclass
class Fields:
    """The values of one thing in a file.

    ``subject`` is how messages name it (``point P-12``); ``lines`` gives a line for a key where the file has one each.
    """

    values: Mapping[str, Any]
    file: str
    line: int
    subject: str
    problems: list[Problem]
    lines: Mapping[str, int] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def note(self, message: str, key: str = "") -> None:
        """Note a problem with this thing."""
        text = f"{self.subject}: {message}" if self.subject else message
        self.problems.append(Problem(text, self.file, self.lines.get(key, self.line)))

    def text(self, key: str, default: str = "", required: bool = False) -> str:
        """Return a text, stripped."""
        value = self._raw(key)
        if value is None or str(value).strip() == "":
            if required:
                self.note(f"{key} is missing, expected a value", key)
            return default
        return str(value).strip()

    def choice(self, key: str, allowed: Collection[str], default: str = "", required: bool = False) -> str:
        """Return one of the allowed words."""
        value = self.text(key, default, required)
        if value in allowed or (value == default and not required):
            return value
        if value:
            self.note(f'{key} "{value}" is not known, expected {expected(value, allowed)}', key)
        return default

    def number(
        self,
        key: str,
        default: float | None = None,
        low: float = -math.inf,
        high: float = math.inf,
        required: bool = False,
    ) -> float | None:
        """Return a finite number within ``low`` and ``high``."""
        value = self._raw(key)
        if value is None or str(value).strip() == "":
            if required:
                self.note(f"{key} is missing, expected a number", key)
            return default
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            self.note(f'{key} "{value}" is no number', key)
            return default
        if not low <= number <= high:
            self.note(f"{key} {number:g}, expected {span(low, high)}", key)
            return default
        return number

    def positive(self, key: str, default: float, high: float = math.inf) -> float:
        """Return a number above zero and up to ``high``."""
        number = self.number(key, default, high=high)
        if number is None or number <= 0.0:
            self.note(f"{key} {number:g}, expected more than 0" if number is not None else f"{key} is missing", key)
            return default
        return number

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number within ``low`` and ``high``."""
        number = self.number(key, float(default), low, high)
        if number is None or number != int(number):
            self.note(f"{key} {number}, expected a whole number", key)
            return default
        return int(number)

    def flag(self, key: str) -> bool:
        """Return a yes or no."""
        value = str(self._raw(key) if self._raw(key) is not None else "").strip().lower()
        if value not in _YES | _NO:
            self.note(f'{key} "{value}", expected yes or no', key)
        return value in _YES

    def day(self, key: str) -> date | None:
        """Return a date; a bare year is its first of July."""
        value = self.text(key)
        if not value:
            return None
        try:
            return date(int(value), 7, 1) if value.isdigit() and len(value) == 4 else date.fromisoformat(value)
        except ValueError:
            self.note(f'{key} "{value}", expected a date such as 1996-05-31 or a year', key)
            return None

    def rest(self) -> None:
        """Note every key that nobody asked for."""
        for key in self.values:
            if key not in self.taken:
                self.note(f'"{key}" is not known, expected {expected(key, self.taken)}', key)

    def _raw(self, key: str) -> Any:
        self.taken.add(key)
        return self.values.get(key)


def expected(given: str, allowed: Collection[str]) -> str:
    """Return the allowed words, the one that was probably meant first."""
    words = sorted(word or "(empty)" for word in allowed)
    close = difflib.get_close_matches(given, words, n=1)
    return f"{close[0]}?" if close and len(words) > 8 else "one of " + ", ".join(words)


def span(low: float, high: float) -> str:
    """Return the allowed range in words."""
    if math.isinf(high):
        return f"at least {low:g}"
    if math.isinf(low):
        return f"at most {high:g}"
    return f"{low:g} to {high:g}"


def duplicates(rows: Sequence[tuple[str, int]], what: str, file: str) -> list[Problem]:
    """Return a problem for every name that stands a second time, with the line of the first."""
    first: dict[str, int] = {}
    found = []
    for name, line in rows:
        if name in first:
            found.append(Problem(f"{what} {name}: stands twice, first in line {first[name]}", file, line))
        first.setdefault(name, line)
    return found
