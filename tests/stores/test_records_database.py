"""Bad days of the records database: each ends in one clear message, and nothing that was kept is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.pool import Pool

from models.alarm import Alarm, AlarmKind, Raise
from models.complaint import Complaint
from models.problem import BadInput, Unavailable
from stores.records import Records
from stores.records_schema import APPEND_ONLY, HEAD, METADATA, VERSION_TABLE

NOON = datetime(2026, 7, 11, 12, tzinfo=UTC)
COMPLAINT = Complaint("C-017", "J-112", NOON, "too low to produce")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


def keep_one(path: Path) -> None:
    with Records(str(path)) as records:
        records.register_complaint(COMPLAINT)


def test_migrations_lead_to_the_schema_in_the_code(path: Path) -> None:
    keep_one(path)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(ROOT / "stores" / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET time = '2020-01-01'"])
def test_logs_only_grow(path: Path, table: str, statement: str) -> None:
    with Records(str(path)) as records:
        records.apply(Alarm("device/rtu", AlarmKind.DEVICE, "rtu", "silent"), Raise(NOON))
        records.register_complaint(COMPLAINT)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO orders (state, version, created, link, valve_id, alarm_key, content)"
            " VALUES ('draft', 1, '2026-07-11', '', '', '', '{}')"
        )
        connection.execute(
            "INSERT INTO findings (order_id, kind, detail, by, time) VALUES (1, 'debris', '', 'x', '2026-07-11')"
        )
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} only grows"):
            connection.execute(statement.format(table))


def test_file_that_is_no_database_is_said_and_left_alone(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)
    before = path.read_bytes()
    with pytest.raises(BadInput, match=rf"records {path}: the file is damaged or no database"):
        Records(str(path))
    assert path.read_bytes() == before


def test_damaged_file_is_said_and_left_alone(path: Path) -> None:
    keep_one(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    with pytest.raises(BadInput, match=rf"records {path}: the file is damaged or no database"):
        Records(str(path))
    assert path.read_bytes() == bytes(content)


def test_database_of_another_program_is_not_built_upon(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE samples (x)")
    with pytest.raises(BadInput, match=r"a database of something else .*samples"):
        Records(str(path))


def test_database_of_a_newer_hydro_is_not_touched(path: Path) -> None:
    keep_one(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    with pytest.raises(BadInput, match=r"revision 9999, which this Hydro .* does not know"):
        Records(str(path))


def test_locked_database_is_said_after_the_busy_timeout(path: Path) -> None:
    keep_one(path)
    with Records(str(path), busy_timeout_s=0.2) as records, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=rf"records {path}: another process has held it"):
            records.register_complaint(COMPLAINT)
        assert len(records.complaints()) == 1, "reading goes on while another process writes"
        other.rollback()
        records.register_complaint(COMPLAINT)
        assert len(records.complaints()) == 2


def test_read_only_database_is_said(path: Path) -> None:
    keep_one(path)
    records = Records(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(Unavailable, match="read-only"):
        records.register_complaint(COMPLAINT)
    assert len(records.complaints()) == 1
    records.close()


@contextmanager
def disk_of(pages: int) -> Iterator[None]:
    """Let every database opened within grow no further than ``pages``; SQLite then says what it says of a full disk."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").close()

    event.listen(Pool, "connect", limit)
    try:
        yield
    finally:
        event.remove(Pool, "connect", limit)


def test_full_disk_is_said_and_keeps_what_was_kept(path: Path) -> None:
    keep_one(path)
    kept = 1
    with disk_of(60), Records(str(path)) as records:
        with pytest.raises(Unavailable, match=rf"records {path}: the disk is full"):
            for _ in range(1000):
                records.register_complaint(Complaint("C-017", "J-112", NOON, "low " * 500))
                kept += 1
        assert len(records.complaints()) == kept
    keep_one(path)
    with Records(str(path)) as records:
        assert len(records.complaints()) == kept + 1


def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=r"folder .*data cannot be made"):
        Records(str(tmp_path / "data" / "records.sqlite"))


def test_folder_in_place_of_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"records {tmp_path}: the file cannot be opened"):
        Records(str(tmp_path))


@pytest.mark.parametrize(
    ("url", "error", "fact"),
    [
        ("://", BadInput, "URL cannot be read"),
        ("oracle7://host/name", BadInput, "oracle7"),
        ("mssql+pyodbc://u:secret@host/name", Unavailable, "package pyodbc is not installed"),
    ],
)
def test_url_that_leads_nowhere_is_said_without_its_password(url: str, error: type[Exception], fact: str) -> None:
    with pytest.raises(error, match=fact) as caught:
        Records(url)
    assert "secret" not in str(caught.value)


WRITER = """
import sys
from datetime import UTC, datetime
from models.alarm import Alarm, AlarmKind, Clear, Raise
from models.complaint import Complaint
from stores.records import Records

with Records(sys.argv[1]) as records:
    for number in range(int(sys.argv[2])):
        time = datetime.now(UTC)
        alarm = Alarm(f"device/{sys.argv[3]}-{number}", AlarmKind.DEVICE, "rtu", "silent")
        records.apply(alarm, Raise(time))
        print(records.register_complaint(Complaint(sys.argv[3], "J-1", time, "low")).id, flush=True)
"""


def writer(path: Path, count: int, name: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(path), str(count), name]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_kill_9_loses_nothing_that_was_said_to_be_kept(path: Path) -> None:
    said = 0
    for round_number in range(4):
        child = writer(path, 100_000, f"C-{round_number}")
        assert child.stdout is not None
        for _ in range(20 + 13 * round_number):
            said = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        said = max([said, *map(int, child.stdout.read().split("\n")[:-1])])
        child.stdout.close()
        child.wait()
        with Records(str(path)) as records:
            assert [complaint.id for complaint in records.complaints()][:said] == list(range(1, said + 1))
            assert len(records.open_alarms()) >= said
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_processes_that_open_a_new_file_at_once_share_it(path: Path) -> None:
    children = [writer(path, 25, f"C-{number}") for number in range(4)]
    for child in children:
        child.communicate()
        assert child.returncode == 0
    with Records(str(path)) as records:
        assert len(records.complaints()) == 100
        assert len(records.open_alarms()) == 100
