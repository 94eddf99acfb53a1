"""Instants on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

from models.problem import BadInput


def moment_of(text: str | None) -> datetime | None:
    """Return the instant of an ISO 8601 text in UTC, None for none.

    Raises
    ------
    BadInput
        It is no time, or has no offset.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput.of(f'time "{text}", expected ISO 8601 such as 2026-07-11T07:00:00+08:00') from None
    if moment.tzinfo is None:
        raise BadInput.of(f'time "{text}" is naive, expected an offset such as +08:00')
    return moment.astimezone(UTC)
