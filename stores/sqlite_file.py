"""A SQLite file that may be damaged, full, locked or not there: one clear message each, and nothing is deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.problem import Unavailable

BUSY_S = 10.0
"""How long a writer waits for another process."""


def open_file(path: Path, schema: str, synchronous: str = "NORMAL") -> sqlite3.Connection:
    """Return a connection in WAL mode with ``schema`` applied; usable from any one thread at a time.

    Raises
    ------
    Unavailable
        The file is damaged, no database, not writable or locked.
    """
    with plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.executescript(schema)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say of a file into one message with its path."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        said = str(error)
        if "malformed" in said or "not a database" in said:
            raise Unavailable(
                f"{path}: is damaged ({said}); it was left as it is. Move it away to start anew, or restore a copy"
            ) from error
        if "full" in said:
            raise Unavailable(f"{path}: the disk is full ({said}); what was kept before is still there") from error
        raise Unavailable(f"{path}: {said}") from error
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror or error}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what happens inside, or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
