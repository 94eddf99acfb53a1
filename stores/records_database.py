"""The database under the records: opened, migrated, and its faults said in one clear message with the path.

SQLite runs in WAL mode with a busy timeout, so that several processes read while one writes; writers take the lock when
they begin, because a reader that turns writer half-way cannot wait. ``synchronous`` stays FULL: records are few and
each one matters.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from models.problem import BadInput, Refused, Unavailable
from stores.records_schema import HEAD, VERSION_TABLE

BUSY_TIMEOUT_S = 10.0
_MIGRATION_LOCK = 0x48594452
"""Key of PostgreSQL's advisory lock under which one process migrates."""


class Database:
    """A migrated records database. Faults become :class:`Unavailable`, :class:`BadInput` or :class:`Refused`."""

    def __init__(self, url: str, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Open ``url`` (a file's path or a SQLAlchemy URL), create what is missing and migrate what is old."""
        parsed = _parse(url)
        self.name = parsed.database or ":memory:" if parsed.get_backend_name() == "sqlite" else str(parsed)
        self._busy_timeout_s = busy_timeout_s
        self._joined = threading.local()
        self._reader = self._engine(parsed)
        self._writer = self._reader.execution_options(begin="IMMEDIATE")
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database throughout."""
        joined = self._joined_connection()
        if joined is not None:
            yield joined
            return
        with self._faults_said(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept together, or not at all when the block raises."""
        joined = self._joined_connection()
        if joined is not None:
            yield joined
            return
        with self._faults_said(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of every read and write that this thread does inside: all of them are kept, or none."""
        with self.write() as connection:
            outer = self._joined_connection()
            self._joined.connection = connection
            try:
                yield
            finally:
                self._joined.connection = outer

    def _joined_connection(self) -> Connection | None:
        connection: Connection | None = getattr(self._joined, "connection", None)
        return connection

    def close(self) -> None:
        """Give the connections back."""
        self._reader.dispose()

    def _engine(self, url: URL) -> Engine:
        if url.get_backend_name() != "sqlite":
            try:
                return create_engine(url, pool_pre_ping=True, json_serializer=_json)
            except NoSuchModuleError as error:
                raise BadInput.of(f"records {self.name}: {error}") from error
            except ModuleNotFoundError as error:
                raise Unavailable(f"records {self.name}: the Python package {error.name} is not installed") from error
        if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
            self._make_folder(Path(url.database).parent)
        engine = create_engine(url, connect_args={"timeout": self._busy_timeout_s}, json_serializer=_json)
        event.listen(engine, "connect", _take_over_transactions)
        event.listen(engine, "begin", _begin)
        return engine

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"records {self.name}: folder {folder} cannot be made: {error.strerror}") from error

    def _prepare(self) -> None:
        sqlite = self._reader.dialect.name == "sqlite"
        if sqlite:
            self._enter_wal()
        with self.read() as connection:
            if _revision(connection) == HEAD:
                return
        with self.write() as connection:
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            self._migrate(connection)

    def _enter_wal(self) -> None:
        """Switch to WAL; SQLite does not wait for the switch by itself when two processes open a new file at once."""
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                with self._reader.connect() as connection:
                    raw = connection.connection.driver_connection
                    assert isinstance(raw, sqlite3.Connection)
                    raw.rollback()
                    raw.execute("PRAGMA journal_mode = WAL").close()
                return
            except (DBAPIError, sqlite3.Error) as error:
                if _sqlite_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise self._said(error) from error
            time.sleep(0.02)

    def _migrate(self, connection: Connection) -> None:
        revision = _revision(connection)
        if revision == HEAD:
            return
        tables = inspect(connection).get_table_names()
        if revision is None and tables and connection.dialect.name == "sqlite":
            raise BadInput.of(
                f"records {self.name}: is a database of something else (it has the table {tables[0]}), expected a new"
                " file or Hydro's records"
            )
        # Loading alembic takes longer than a short command does, and an up-to-date database needs none of it.
        from alembic import command
        from alembic.config import Config
        from alembic.util.exc import CommandError

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise BadInput.of(
                f"records {self.name}: has revision {revision}, which this Hydro (revision {HEAD}) does not know;"
                " it was written by a newer one"
            ) from error

    @contextmanager
    def _faults_said(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Refused.of(f"records {self.name}: not kept, {_first_line(error)}") from error
        except (DBAPIError, sqlite3.Error) as error:
            raise self._said(error) from error

    def _said(self, error: Exception) -> Exception:
        code = _sqlite_code(error)
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return BadInput.of(
                f"records {self.name}: the file is damaged or no database ({_first_line(error)}); nothing was changed."
                " Move it away or put a backup in its place"
            )
        facts = {
            sqlite3.SQLITE_BUSY: f"another process has held it for more than {self._busy_timeout_s:g} s",
            sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
            sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check the folder and its permissions",
            sqlite3.SQLITE_FULL: "the disk is full; this change was not kept, everything before it was",
            sqlite3.SQLITE_IOERR: "the disk reports an error; this change was not kept",
        }
        fact = facts.get(code, "") if code is not None else ""
        return Unavailable(f"records {self.name}: {fact or _first_line(error)}")


def _json(value: object) -> str:
    """Return JSON that every database reads: NaN is none, and Chinese stays legible in the file."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _parse(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except ArgumentError as error:
        raise BadInput.of("records: the URL cannot be read, expected e.g. postgresql+psycopg://host/name") from error


def _take_over_transactions(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes late and is never IMMEDIATE, so transactions are begun here.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _sqlite_code(error: Exception) -> int | None:
    """Return SQLite's primary result code behind an error, ``None`` where there is none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).strip().split("\n", 1)[0]
