"""Cursors: where a page ended, as a word that a client gives back and need not understand."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Query

from api.problems import ApiProblem, ProblemType

Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=600, description="`next` of the page before; left out for the first page.")
]
Kept = TypeVar("Kept")
LARGEST = 2**31 - 1


def number_of(cursor: str | None) -> int | None:
    """Return the number in a cursor; None for the first page."""
    if cursor is None:
        return None
    value = place_of(cursor, 1)[0]
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST:
        return value
    raise _unreadable(cursor)


def place_of(cursor: str, parts: int) -> list[object]:
    """Return the parts of a cursor.

    Raises
    ------
    ApiProblem
        It is none that this service gave.
    """
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, UnicodeError):
        raise _unreadable(cursor) from None
    if not isinstance(value, list) or len(value) != parts:
        raise _unreadable(cursor)
    return value


def time_of(said: object) -> datetime:
    """Return the time in a part of a cursor; raises ``ApiProblem`` when it is none."""
    try:
        time = datetime.fromisoformat(str(said))
    except ValueError:
        raise _unreadable(str(said)) from None
    if time.tzinfo is None or not 1900 <= time.year <= 2200:
        raise _unreadable(str(said))
    return time.astimezone(UTC)


def cursor_of(*place: object) -> str:
    """Return the cursor of a place."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def cut(
    found: Sequence[Kept], limit: int, place: Callable[[Kept], tuple[object, ...]]
) -> tuple[list[Kept], str | None]:
    """Return at most ``limit`` of what was found (one more than that was asked for) and the cursor that goes on."""
    page = list(found[:limit])
    return page, cursor_of(*place(page[-1])) if len(found) > limit else None


def _unreadable(cursor: str) -> ApiProblem:
    return ApiProblem(ProblemType.INVALID, f"cursor {cursor[:40]!r}: is none that this service gave")
