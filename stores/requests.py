"""Requests that were answered: who asks the same again under the same key gets the same answer, and nothing doubles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, select

from stores.records_database import Database
from stores.records_schema import REQUESTS

KEPT = timedelta(days=7)
"""How long an answer is remembered."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was given: the digest of what was asked, the status and the body."""

    digest: str
    status: int
    body: str


class Requests:
    """Answers by user and key. Written in the transaction of what they answer, so that a kill leaves both or none."""

    def __init__(self, database: Database, wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._wall_clock = wall_clock

    def answered(self, user: str, key: str) -> Answered | None:
        """Return the answer that a key was given; None for a new one."""
        query = select(REQUESTS).where(REQUESTS.c.user == user, REQUESTS.c.key == key)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Answered(row.digest, row.status, row.body)

    def keep(self, user: str, key: str, answer: Answered) -> None:
        """Remember an answer, and forget those that are old."""
        now = self._wall_clock()
        with self._database.write() as connection:
            connection.execute(delete(REQUESTS).where(REQUESTS.c.written < now - KEPT))
            connection.execute(
                insert(REQUESTS).values(
                    user=user, key=key, digest=answer.digest, status=answer.status, body=answer.body, written=now
                )
            )
