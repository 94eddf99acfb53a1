"""``hydro collect`` as a process, on bad days: devices that go, files that are broken, processes that are killed."""

from __future__ import annotations

import asyncio
import math
import random
import re
import signal
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from collectors.collector import _newest
from models.sample import Quality, Sample
from models.site import InfluxSettings
from models.site_file import load_site
from stores.embedded import EmbeddedStore
from stores.influx import InfluxStore
from stores.spool import Spool

PATIENCE_S = 30.0
NOBODY = 9
"""A port of the discard service, where nobody listens."""
COMMAND = (sys.executable, "-m", "cli.main", "collect")


@dataclass(frozen=True)
class Box:
    """A site's folder and what has come of it."""

    folder: Path

    @property
    def telemetry(self) -> Path:
        return self.folder / "data" / "telemetry.sqlite"

    @property
    def spool(self) -> Path:
        return self.folder / "data" / "spool.sqlite"

    def samples(self) -> list[Sample]:
        if not self.telemetry.exists():
            return []
        store = EmbeddedStore(self.telemetry)
        long_ago, far_ahead = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2100))
        found = store.range(["A", "B", "L"], long_ago, far_ahead)
        store.close()
        return found

    def count(self, point: str, quality: Quality) -> int:
        return sum(sample.point == point and sample.quality is quality for sample in self.samples())

    def backlog(self) -> int:
        spool = Spool(self.spool)
        waiting = spool.backlog()
        spool.close()
        return waiting


@asynccontextmanager
async def outstation(value: int, port: int = 0, clock: Callable[[], datetime] | None = None) -> AsyncIterator[int]:
    """Serve ``value`` in register 7, and perhaps a clock in registers 0 to 3, and yield the port."""

    async def answer(
        _function: int, start: int, _address: int, _count: int, registers: list[int], _values: object
    ) -> ExcCodes | None:
        if clock is not None and start == 0:
            stamp = round(clock().timestamp() * 1e3).to_bytes(8, "big")
            registers[0:4] = [int.from_bytes(stamp[place : place + 2], "big") for place in (0, 2, 4, 6)]
        return None

    bits = [SimData(0, values=[False], datatype=DataType.BITS)]
    registers = [SimData(0, values=[0] * 7 + [value], datatype=DataType.REGISTERS)]
    unit = SimDevice(1, simdata=(bits, bits, registers, registers), action=answer)
    server = ModbusTcpServer([unit], address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def make_box(tmp_path: Path) -> Callable[..., Box]:
    """Makes a site with point A at the first port and point B at the second, ten readings a second.

    With ``speed`` the site goes by its devices' clocks, and ten readings a second of the wall are planned for that.
    """

    def make(first: int, second: int, speed: float = 0.0) -> Box:
        folder = tmp_path / "site"
        folder.mkdir()
        devices = "".join(
            f'[[devices]]\nname = "{name}"\nprotocol = "modbus-tcp"\nport = {port}\ntimeout_s = 0.3\n'
            + ('clock_address = "holding/0"\n' if speed else "")
            for name, port in (("rtu-a", first), ("rtu-b", second))
        )
        period = 0.1 * (speed or 1.0)
        top = f'name = "Box"\ntime_zone = "Asia/Shanghai"\nclock = "{"device" if speed else "wall"}"\n'
        (folder / "site.toml").write_text(top + devices, encoding="utf-8")
        (folder / "points.csv").write_text(
            "name,element,quantity,unit,device,address,data_type,period_s\n"
            f"A,J1,pressure,m,rtu-a,holding/7,uint16,{period}\nB,J2,pressure,m,rtu-b,holding/7,uint16,{period}\n",
            encoding="utf-8",
        )
        (folder / "network.inp").write_text("[END]\n", encoding="utf-8")
        return Box(folder)

    return make


@asynccontextmanager
async def collecting(box: Box) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(*COMMAND, str(box.folder), stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(process: Process, asked: signal.Signals | None = signal.SIGTERM) -> tuple[int | None, str, str]:
    """Return status, output and messages of a process that was asked to end."""
    if asked is not None:
        process.send_signal(asked)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return process.returncode, out.decode(), err.decode()


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not met():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("asked", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_collector_that_is_asked_to_end_leaves_nothing_in_the_spool(
    make_box: Callable[..., Box], asked: signal.Signals, status: int
) -> None:
    async with outstation(31) as first, outstation(32) as second:
        box = make_box(first, second)
        async with collecting(box) as process:
            await until(lambda: min(box.count("A", Quality.GOOD), box.count("B", Quality.GOOD)) > 5)
            returned, out, err = await ended(process, asked)
    assert (returned, out) == (status, "")
    assert "Traceback" not in err
    assert box.backlog() == 0
    assert {(sample.point, sample.value) for sample in box.samples()} == {("A", 31.0), ("B", 32.0)}


async def test_device_that_is_off_at_start_has_bad_points_and_the_other_goes_on(
    make_box: Callable[..., Box],
) -> None:
    async with outstation(31) as first:
        box = make_box(first, NOBODY)
        async with collecting(box) as process:
            await until(lambda: box.count("A", Quality.GOOD) > 10 and box.count("B", Quality.BAD) > 10)
            returned, _, err = await ended(process)
    assert returned == 0
    # Said once, however often it was tried.
    assert len(re.findall(r"device rtu-b: does not answer", err)) == 1
    assert {one.reason.partition(" (")[0] for one in box.samples() if one.point == "B"} == {"device does not answer"}
    assert box.count("A", Quality.BAD) == 0


async def test_device_that_dies_goes_bad_comes_back_and_disturbs_nobody(make_box: Callable[..., Box]) -> None:
    async with outstation(31) as first:
        second = outstation(32)
        port = await second.__aenter__()
        box = make_box(first, port)
        async with collecting(box) as process:
            await until(lambda: box.count("B", Quality.GOOD) > 3)
            await second.__aexit__(None, None, None)
            await until(lambda: box.count("B", Quality.BAD) > 3)
            before = box.count("B", Quality.GOOD)
            async with outstation(32, port):
                await until(lambda: box.count("B", Quality.GOOD) > before + 3)
                returned, _, err = await ended(process)
    assert returned == 0
    assert re.findall(r"device rtu-b: (\w+)", err) == ["answers", "does", "answers"]
    assert box.count("A", Quality.BAD) == 0


@pytest.mark.parametrize("speed", [1.0, 600.0, 1800.0])
async def test_time_of_the_plant_goes_on_while_every_device_is_away(make_box: Callable[..., Box], speed: float) -> None:
    start, begun = datetime(2026, 7, 10, 16, tzinfo=UTC), time.monotonic()

    def plant() -> datetime:
        return start + timedelta(seconds=(time.monotonic() - begun) * speed)

    async with AsyncExitStack() as servers:
        ports = [await servers.enter_async_context(outstation(value, clock=plant)) for value in (31, 32)]
        box = make_box(*ports, speed)
        async with collecting(box) as process:
            await until(lambda: min(box.count("A", Quality.GOOD), box.count("B", Quality.GOOD)) > 20)
            await servers.aclose()
            gone = plant()
            await until(lambda: min(box.count("A", Quality.BAD), box.count("B", Quality.BAD)) > 10)
            assert (await ended(process))[0] == 0
            over = plant()
    good, bad = ([one.time for one in box.samples() if one.quality is kind] for kind in (Quality.GOOD, Quality.BAD))
    # A second of the wall, for a clock that is only learnt.
    slack = timedelta(seconds=speed)
    assert start <= min(good) <= max(good) <= gone
    assert max(good) - slack <= min(bad) <= max(bad) <= over + slack


async def test_killed_collector_loses_nothing_that_it_kept_and_goes_on(make_box: Callable[..., Box]) -> None:
    chance = random.Random(11)
    async with outstation(31) as first, outstation(32) as second:
        box = make_box(first, second)
        held: set[Sample] = set()
        for _ in range(4):
            wanted = len(held) + 5
            async with collecting(box) as process:
                await until(lambda wanted=wanted: len(box.samples()) > wanted)  # type: ignore[misc]
                seen = set(box.samples())
                await asyncio.sleep(chance.uniform(0.0, 0.2))
                process.kill()
                await process.communicate()
            assert held <= seen <= set(box.samples())
            held = set(box.samples())
        wanted = len(held) + box.backlog()
        async with collecting(box) as process:
            await until(lambda: len(box.samples()) > wanted + 5)
            assert (await ended(process))[0] == 0
    assert held <= set(box.samples())


async def test_samples_that_wait_in_the_spool_are_stored_at_the_next_start(make_box: Callable[..., Box]) -> None:
    box = make_box(NOBODY, NOBODY)
    left = Sample("A", datetime.now(UTC).replace(microsecond=0) - timedelta(days=1), 30.0)
    spool = Spool(box.spool)
    spool.append([left])
    spool.close()
    async with collecting(box) as process:
        await until(lambda: box.count("A", Quality.GOOD) == 1)
        assert (await ended(process))[0] == 0
    assert box.samples()[0] == left


@pytest.mark.parametrize("name", ["telemetry.sqlite", "spool.sqlite"])
async def test_corrupt_file_is_one_clear_line_and_stays_as_it_is(make_box: Callable[..., Box], name: str) -> None:
    box = make_box(NOBODY, NOBODY)
    path = box.folder / "data" / name
    path.parent.mkdir()
    path.write_bytes(b"no database at all, " * 1000)
    async with collecting(box) as process:
        returned, out, err = await ended(process, None)
    assert (returned, out) == (3, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith(f"{path}: is damaged")
    assert path.read_bytes() == b"no database at all, " * 1000


async def test_store_that_another_process_holds_stops_no_poll(make_box: Callable[..., Box]) -> None:
    async with outstation(31) as first, outstation(32) as second:
        box = make_box(first, second)
        async with collecting(box) as process:
            await until(lambda: box.count("A", Quality.GOOD) > 3)
            other = sqlite3.connect(box.telemetry, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            before = len(box.samples())
            await until(lambda: box.backlog() > 20)
            other.execute("ROLLBACK")
            other.close()
            await until(lambda: len(box.samples()) > before + 20)
            assert (await ended(process))[0] == 0
    assert box.backlog() == 0
    assert {sample.quality for sample in box.samples()} == {Quality.GOOD}


async def test_wrong_site_is_bad_input(make_box: Callable[..., Box]) -> None:
    box = make_box(NOBODY, NOBODY)
    with (box.folder / "points.csv").open("a", encoding="utf-8") as file:
        file.write("C,J3,pressure,furlong,rtu-a,holding/9,uint16,0.1\n")
    async with collecting(box) as process:
        returned, out, err = await ended(process, None)
    assert (returned, out) == (3, "")
    assert f"{box.folder / 'points.csv'}:4: point C: unit" in err
    assert "Traceback" not in err


async def test_site_that_changes_while_it_is_collected_begins_only_what_changed_anew(
    make_box: Callable[..., Box],
) -> None:
    async with outstation(31) as first, outstation(32) as second:
        box = make_box(first, second)
        points = box.folder / "points.csv"
        whole = points.read_text(encoding="utf-8")
        async with collecting(box) as process:
            await until(lambda: min(box.count("A", Quality.GOOD), box.count("B", Quality.GOOD)) > 3)
            points.write_text(whole.replace("rtu-b,holding/7", "rtu-b,nowhere/7"), encoding="utf-8")
            await asyncio.sleep(2.0)
            before = box.count("B", Quality.GOOD)
            await until(lambda: box.count("B", Quality.GOOD) > before + 3)
            # A comment moves every line of the file; only B itself is another one.
            points.write_text(whole.replace("\nA,", "\n# moved\nA,").replace("B,J2", "B,J9"), encoding="utf-8")
            await asyncio.sleep(2.0)
            points.write_text(whole.replace("\nB,J2", "\nC,J2"), encoding="utf-8")
            await asyncio.sleep(2.0)
            before, held = box.count("B", Quality.GOOD), box.count("A", Quality.GOOD)
            await until(lambda: box.count("A", Quality.GOOD) > held + 5)
            assert box.count("B", Quality.GOOD) == before
            returned, _, err = await ended(process)
    assert returned == 0
    assert re.findall(r"device (rtu-\w): answers", err) == ["rtu-a", "rtu-b", "rtu-b", "rtu-b"]
    assert "goes on as it was" in err
    assert f'{points}:3: point B: address "nowhere/7"' in err
    assert box.count("A", Quality.BAD) == 0


async def test_store_that_never_answers_delays_no_poll_and_ends_no_collector_late(
    make_box: Callable[..., Box],
) -> None:
    """A server that takes connections and is silent, as one behind a dead disk is: asking it takes half a minute."""
    async with outstation(31) as first, outstation(32) as second:
        box, held = make_box(first, second), list[asyncio.StreamWriter]()
        server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        site = box.folder / "site.toml"
        (box.folder / "token").write_text("a-token")
        site.write_text(
            site.read_text(encoding="utf-8") + '[stores]\ntelemetry = "influxdb"\n[stores.influxdb]\n'
            f'url = "http://127.0.0.1:{port}"\norg = "hydro"\nbucket = "b"\ntoken_file = "token"\n',
            encoding="utf-8",
        )
        async with collecting(box) as process:
            async with asyncio.timeout(20.0):
                # The first question and the first batch are still unanswered.
                while not box.spool.exists() or box.backlog() < 10 or len(held) < 2:
                    await asyncio.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(1.0)
            for writer in held:
                writer.close()
            returned, _, err = await ended(process, None)
        server.close()
    assert returned == 0
    assert len(held) == 2
    assert "samples wait in the spool" in err
    assert box.backlog() >= 10


async def test_point_that_comes_in_files_can_be_added_while_it_is_collected_and_is_asked_for_nowhere(
    make_box: Callable[..., Box],
) -> None:
    async with outstation(31) as first, outstation(32) as second:
        box = make_box(first, second)
        site, points, dropped = box.folder / "site.toml", box.folder / "points.csv", box.folder / "dropped"
        site.write_text(site.read_text(encoding="utf-8") + '[stores]\ndropped_files = "dropped"\n', encoding="utf-8")
        async with collecting(box) as process:
            await until(lambda: box.count("A", Quality.GOOD) > 0)
            points.write_text(points.read_text(encoding="utf-8") + "L,J3,pressure,m,,,,\n", encoding="utf-8")
            await asyncio.sleep(2.0)
            (dropped / "logger.csv").write_text("time,point,value\n2026-07-11T00:00:00Z,L,31.5\n", encoding="utf-8")
            await until(lambda: not (dropped / "logger.csv").exists())
            returned, _, err = await ended(process)
    assert returned == 0
    assert "no device begins anew" in err
    assert [one.value for one in box.samples() if one.point == "L"] == [31.5]


async def test_what_was_read_last_is_known_from_the_spool_while_the_store_is_away(make_box: Callable[..., Box]) -> None:
    """Or what a device remembers of the time while nobody collected would never be read."""
    box = make_box(NOBODY, NOBODY)
    site = load_site(box.folder)
    store, spool = InfluxStore(InfluxSettings("http://127.0.0.1:9", "o", "b", "t")), Spool(box.spool)
    begun = datetime(2026, 7, 11, 7, tzinfo=UTC)
    assert await _newest(store, spool, site) == {}
    for second in range(10):
        spool.append([Sample("A", begun + timedelta(seconds=second), 1.0)])
    spool.append([Sample("B", begun, math.nan, Quality.BAD, "timeout")])
    spool.append([Sample("A", begun + timedelta(seconds=20), math.nan, Quality.BAD, "timeout")])
    assert await _newest(store, spool, site) == {"rtu-a": begun + timedelta(seconds=9)}
    store.close()
    kept = EmbeddedStore(box.telemetry)
    kept.write([Sample("A", begun + timedelta(seconds=5), 1.0), Sample("B", begun + timedelta(seconds=5), 1.0)])
    assert await _newest(kept, spool, site) == {
        "rtu-a": begun + timedelta(seconds=9),
        "rtu-b": begun + timedelta(seconds=5),
    }
    kept.close()
    spool.close()
