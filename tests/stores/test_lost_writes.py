"""Spool and store when the power goes: whatever the disk had not been told to sync may be missing, in any part.

A process appends to a spool, or moves on to a store too; a preloaded recorder writes down each write and sync. From the
record the files are built as they might be found after a power cut at a random moment: what was synced is there, of
what was not, random sectors.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.sample import Sample
from stores.embedded import EmbeddedStore
from stores.spool import Spool
from stores.sqlite_file import Synchronous

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
CUTS = 40
SECTOR = 512
APPENDS = 100
WRITER = """
import os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from models.sample import Sample
from stores.spool import Spool
folder, start = Path(sys.argv[1]), datetime(2026, 7, 11, 7, tzinfo=UTC)
spool, said = Spool(folder / "spool.sqlite", sys.argv[2]), os.open(folder / "said", os.O_WRONLY | os.O_CREAT)
for number in range(int(sys.argv[3])):
    spool.append([Sample("P", start + timedelta(seconds=50 * number + n), n * 0.37) for n in range(50)])
    os.pwrite(said, (number + 1).to_bytes(8, "little"), 0)
    if number % 20 == 19:
        # Said before it is done: no more than this may be gone.
        gone = spool.peek(200)
        os.pwrite(said, (number + 1).to_bytes(8, "little") + (gone[-1].id + 1).to_bytes(8, "little"), 0)
        spool.forget(gone)
os._exit(0)
"""

MOVER = """
import asyncio, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from collectors.forwarder import Forwarder
from models.sample import Sample
from models.site import StoreSettings
from stores.spool import open_spool
from stores.telemetry import open_telemetry
folder, start = Path(sys.argv[1]), datetime(2026, 7, 11, 7, tzinfo=UTC)
files = folder / "telemetry.sqlite", folder / "spool.sqlite"
settings = StoreSettings("embedded", *files, "", spool_synchronous=sys.argv[2])
spool, store = open_spool(settings), open_telemetry(settings)
said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT)
for number in range(int(sys.argv[3])):
    spool.append([Sample("P", start + timedelta(seconds=50 * number + n), n * 0.37) for n in range(50)])
    os.pwrite(said, (number + 1).to_bytes(8, "little"), 0)
    if number % 5 == 4:
        forwarder = Forwarder(spool, store)
        forwarder.end()
        asyncio.run(forwarder.run())
os._exit(0)
"""


@dataclass(frozen=True)
class Act:
    """What was done to a file."""

    op: str
    path: str
    place: int
    data: bytes


@dataclass
class Disk:
    """A file: what is surely there, and what was done to it since its last sync."""

    synced: bytearray = field(default_factory=bytearray)
    loose: list[Act] = field(default_factory=list)

    def settle(self) -> None:
        for act in self.loose:
            apply(self.synced, act, 0, len(act.data))
        self.loose.clear()


def apply(content: bytearray, act: Act, first: int, last: int) -> None:
    if act.op == "T":
        del content[act.place :]
        content.extend(bytes(act.place - len(content)))
        return
    end = act.place + last
    content.extend(bytes(max(0, end - len(content))))
    content[act.place + first : end] = act.data[first:last]


def acts(path: Path) -> Iterator[Act]:
    raw, place = path.read_bytes(), 0
    while place < len(raw):
        op, size = struct.unpack_from("<cH", raw, place)
        name = raw[place + 3 : place + 3 + size].decode()
        where, length = struct.unpack_from("<qI", raw, place + 3 + size)
        begin = place + 15 + size
        yield Act(op.decode(), name, where, raw[begin : begin + length])
        place = begin + length


def after_a_cut(record: list[Act], moment: int, chance: random.Random) -> tuple[dict[str, bytes], int, int]:
    """Return the files as they might be found, how many appends were acknowledged, and the first batch due there."""
    disks: dict[str, Disk] = {}
    said, first = 0, 1
    for act in record[:moment]:
        name = Path(act.path).name
        if name == "said":
            said = int.from_bytes(act.data[:8], "little")
            first = int.from_bytes(act.data[8:], "little") or first
        elif act.op == "U":
            disks.pop(name, None)
        elif act.op == "S":
            disks.setdefault(name, Disk()).settle()
        else:
            disks.setdefault(name, Disk()).loose.append(act)
    for disk in disks.values():
        for act in disk.loose:
            for begin in range(0, max(len(act.data), 1), SECTOR):
                if chance.random() < 0.5:
                    apply(disk.synced, act, begin, min(begin + SECTOR, len(act.data)))
    return {name: bytes(disk.synced) for name, disk in disks.items()}, said, first


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        missing = "no C compiler on this machine: what a power cut loses is not tested"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    library = tmp_path_factory.mktemp("recorder") / "recorder.so"
    source = Path(__file__).parent / "lost_writes" / "recorder.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


def recorded(tmp_path: Path, recorder: Path, synchronous: Synchronous, program: str = WRITER) -> list[Act]:
    folder, record = tmp_path / "disk", tmp_path / "record"
    folder.mkdir()
    environment = os.environ | {
        "LD_PRELOAD": str(recorder), "RECORD_FOLDER": f"{folder}/", "RECORD_TO": str(record),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    command = [sys.executable, "-c", program, str(folder), synchronous, str(APPENDS)]
    subprocess.run(command, env=environment, check=True, timeout=100)
    return list(acts(record))


def found(folder: Path, files: dict[str, bytes]) -> list[Sample]:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    spool = Spool(folder / "spool.sqlite")
    # This is for reading only: what is found is found, and the disk need not be waited for.
    spool._connection.execute("PRAGMA synchronous = OFF")
    waiting = [sample for batch in spool.peek(10**9) for sample in batch.samples]
    assert spool.state().set_aside == 0
    spool.close()
    return waiting


@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_power_that_goes_takes_nothing_acknowledged_with_full_and_breaks_no_file_with_either(
    tmp_path: Path, recorder: Path, synchronous: Synchronous
) -> None:
    record = recorded(tmp_path, recorder, synchronous)
    begun = next(place for place, act in enumerate(record) if Path(act.path).name == "said")
    chance, lost = random.Random(17), 0
    for cut in range(CUTS):
        files, said, first = after_a_cut(record, chance.randint(begun, len(record)), chance)
        samples = found(tmp_path / f"after-{cut}", files)
        numbers = [(sample.time - START) // timedelta(seconds=50) for sample in samples]
        # Whole appends in their order, without a gap, whatever is missing at the end.
        assert len(samples) % 50 == 0
        assert numbers[::50] == list(range(numbers[0], numbers[0] + len(samples) // 50)) if samples else True
        assert all(sample.value == place % 50 * 0.37 for place, sample in enumerate(samples))
        last = numbers[-1] + 1 if samples else 0
        lost += max(0, said - last)
        if synchronous == "full":
            assert last >= said
            assert not samples or numbers[0] <= first - 1
    # That the cuts do cut: without a sync at each commit, some of what was acknowledged is gone.
    assert (lost > 0) == (synchronous == "normal")


@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_power_that_goes_takes_nothing_that_has_moved_on_to_the_embedded_store_with_full(
    tmp_path: Path, recorder: Path, synchronous: Synchronous
) -> None:
    record = recorded(tmp_path, recorder, synchronous, MOVER)
    begun = next(place for place, act in enumerate(record) if Path(act.path).name == "said")
    chance, lost = random.Random(18), 0
    for cut in range(CUTS):
        files, said, _ = after_a_cut(record, chance.randint(begun, len(record)), chance)
        folder = tmp_path / f"after-{cut}"
        waiting = {sample.time for sample in found(folder, files)}
        store = EmbeddedStore(folder / "telemetry.sqlite")
        kept = {sample.time for sample in store.range(["P"], START, START + timedelta(days=1))}
        store.close()
        acknowledged = {START + timedelta(seconds=second) for second in range(50 * said)}
        lost += len(acknowledged - waiting - kept)
    # That the cuts do cut: without a sync at each commit, some of what was acknowledged is gone.
    assert (lost > 0) == (synchronous == "normal")
