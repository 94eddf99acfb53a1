"""A SQLite file that may be damaged, full, locked or not there: one clear message each, and nothing is deleted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.problem import Damaged, Unavailable

BUSY_S = 10.0
"""How long a writer waits for another process."""
Synchronous = Literal["normal", "full"]
"""What a commit survives: normal a killed process, full lost power too, for each waits for the disk."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is to hold: its mark and version in the header, its tables, and how it is named to people.

    ``since_last`` makes a file of this version of one of the version before, where that can be done.
    """

    name: str
    mark: int
    version: int
    schema: str
    since_last: str = ""


def open_file(path: Path, kind: FileKind, synchronous: Synchronous = "normal") -> sqlite3.Connection:
    """Return a connection in WAL mode to a file of a kind, made if it is not there; for one thread at a time.

    Raises
    ------
    Damaged
        The file is damaged, of another kind or of a version that is not this one's.
    Unavailable
        The file is not writable or locked.
    """
    with plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path, kind)
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path, kind: FileKind) -> None:
    # In one transaction: somebody else may be making the same file.
    connection.execute("BEGIN")
    mark, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    connection.execute("COMMIT")
    if (mark, version) == (kind.mark, kind.version):
        return
    if mark == kind.mark and version == kind.version - 1 and kind.since_last:
        # Written so that it may run twice: another process may have been quicker.
        connection.executescript(f"BEGIN IMMEDIATE; {kind.since_last} PRAGMA user_version = {kind.version}; COMMIT;")
        return
    if mark == kind.mark and version:
        raise Damaged(f"{path}: is a {kind.name} of version {version}, expected {kind.version}; it was left as it is")
    if mark or tables:
        raise Damaged(f"{path}: is no {kind.name} but another SQLite file; it was left as it is")
    _write_ahead(connection)
    connection.executescript(
        f"BEGIN IMMEDIATE; {kind.schema} PRAGMA application_id = {kind.mark}; PRAGMA user_version = {kind.version};"
        "COMMIT;"
    )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn to WAL mode. SQLite does not wait here as it does elsewhere when somebody else does the same."""
    patience = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say of a file into one message with its path."""
    try:
        yield
    except sqlite3.Error as error:
        said = str(error)
        if "malformed" in said or "not a database" in said:
            raise Damaged(
                f"{path}: is damaged ({said}); it was left as it is. Move it away to start anew, or restore a copy"
            ) from error
        if "full" in said or "disk I/O error" in said:
            raise Unavailable(
                f"{path}: the disk is full or broken ({said}); what was kept before is still there"
            ) from error
        raise Unavailable(f"{path}: {said}") from error
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror or error}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what happens inside, or none of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
