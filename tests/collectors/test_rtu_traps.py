"""What serial lines and gateways do to a master: replies that come late, units that are silent, noise, an echo."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collectors.driver import NoAnswer
from collectors.modbus.driver import ModbusDriver
from collectors.modbus.frame import crc16
from collectors.modbus.wires import Wires
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality
from models.site import Device, SerialSettings

TIMEOUT_S = 0.3


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


@dataclass
class Bus:
    """Units on one serial line, each register holding its own number; answers leave in order, as on a real line.

    ``late_s`` is by how much a unit's answers are late; ``mute`` units say nothing.
    """

    late_s: dict[int, float] = field(default_factory=dict)
    mute: set[int] = field(default_factory=set)
    before: bytes = b""
    echo: bool = False
    refused: set[int] = field(default_factory=set)
    asked: list[tuple[int, int, int]] = field(default_factory=list)
    held: bytes = b""
    leaving: float = 0.0

    def hear(self, data: bytes, say: Callable[[bytes], object]) -> None:
        self.held += data
        while len(self.held) >= 8:
            request, self.held = self.held[:8], self.held[8:]
            unit, start, count = request[0], int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
            self.asked.append((unit, start, count))
            if self.echo:
                say(request)
            if unit in self.mute:
                continue
            held = b"".join(number.to_bytes(2, "big") for number in range(start, start + count))
            body = bytes([unit, request[1], len(held)]) + held
            if count in self.refused:
                body = bytes([unit, request[1] | 0x80, 2])
            loop = asyncio.get_running_loop()
            self.leaving = max(self.leaving, loop.time() + self.late_s.get(unit, 0.0))
            loop.call_at(self.leaving, say, self.before + framed(body))


@asynccontextmanager
async def gateway(bus: Bus) -> AsyncIterator[Callable[[int], Device]]:
    """The bus behind a gateway that passes RTU frames on over TCP; yields what makes its devices."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(256):
                # Whoever is connected now hears what the line says, though another one has asked.
                bus.hear(data, lambda said: writers[-1].write(said))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield lambda unit: Device(f"unit-{unit}", "modbus-rtu-tcp", port=port, unit_id=unit, timeout_s=TIMEOUT_S)
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@pytest.fixture
def ptys(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The two ends of a line between two serial ports."""
    near, far = tmp_path / "near", tmp_path / "far"
    with subprocess.Popen(["socat", f"pty,raw,echo=0,link={near}", f"pty,raw,echo=0,link={far}"]) as socat:
        try:
            end = time.monotonic() + 10.0
            while not (near.exists() and far.exists()):
                assert time.monotonic() < end
                time.sleep(0.02)
            yield near, far
        finally:
            socat.terminate()


@asynccontextmanager
async def serial_line(bus: Bus, ptys: tuple[Path, Path]) -> AsyncIterator[Callable[[int], Device]]:
    """The bus at the far end of a serial line."""
    near, far = ptys
    file = os.open(far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    loop.add_reader(file, lambda: bus.hear(os.read(file, 256), lambda said: os.write(file, said)))
    settings = SerialSettings(str(near), 115200, "none", 1)
    try:
        yield lambda unit: Device(f"unit-{unit}", "modbus-rtu", unit_id=unit, timeout_s=TIMEOUT_S, serial=settings)
    finally:
        loop.remove_reader(file)
        os.close(file)


@asynccontextmanager
async def line_of(kind: str, bus: Bus, ptys: tuple[Path, Path]) -> AsyncIterator[Callable[[int], Device]]:
    if kind == "serial":
        async with serial_line(bus, ptys) as made:
            yield made
    else:
        async with gateway(bus) as made:
            yield made


@asynccontextmanager
async def drivers(*devices: Device) -> AsyncIterator[list[ModbusDriver]]:
    wires = Wires(devices)
    made = [ModbusDriver(device, wires.of(device), wires.units(device)) for device in devices]
    try:
        yield made
    finally:
        for driver in made:
            await driver.close()


def point(start: int, data_type: str = "uint16") -> Point:
    return Point(f"P{start}", "J1", Quantity.PRESSURE, "m", "rtu", f"holding/{start}", data_type)


async def value(driver: ModbusDriver, start: int) -> float:
    await driver.connect()
    (reading,) = (await driver.read([point(start)])).readings
    assert reading.quality is Quality.GOOD
    return reading.value


BOTH = pytest.mark.parametrize("kind", ["gateway", "serial"])


@BOTH
async def test_values_come_over_the_line(kind: str, ptys: tuple[Path, Path]) -> None:
    bus = Bus()
    async with line_of(kind, bus, ptys) as device, drivers(device(1), device(2)) as (first, second):
        assert [await value(first, 1000), await value(second, 7), await value(first, 0)] == [1000.0, 7.0, 0.0]
    assert [unit for unit, _, _ in bus.asked] == [1, 2, 1]


@BOTH
@pytest.mark.parametrize("closes", [False, True], ids=["stays open", "opened again"])
async def test_late_reply_is_never_taken_for_the_answer_to_a_later_request(
    kind: str, closes: bool, ptys: tuple[Path, Path]
) -> None:
    """Every request is for one register: nothing in a late reply but its length could tell it from the right one."""
    bus = Bus(late_s={1: 2.5 * TIMEOUT_S})
    async with line_of(kind, bus, ptys) as device, drivers(device(1)) as (driver,):
        await driver.connect()
        with pytest.raises(NoAnswer, match="timeout"):
            await driver.read([point(10)])
        bus.late_s.clear()
        for start in range(1000, 1020):
            if closes:
                await driver.close()
            with suppress(NoAnswer):
                # Whether answered or not: what is given out is that register's value.
                assert await value(driver, start) == float(start)
        assert await value(driver, 2000) == 2000.0


@BOTH
async def test_device_that_is_always_late_gives_no_wrong_value(kind: str, ptys: tuple[Path, Path]) -> None:
    bus = Bus(late_s={1: 1.3 * TIMEOUT_S})
    async with line_of(kind, bus, ptys) as device, drivers(device(1)) as (driver,):
        for start in range(20, 30):
            with suppress(NoAnswer):
                assert await value(driver, start) == float(start)
        bus.late_s.clear()
        await asyncio.sleep(2.0 * TIMEOUT_S)
        assert await value(driver, 99) == 99.0


async def test_unit_that_refuses_what_would_bring_it_into_step_is_waited_out(ptys: tuple[Path, Path]) -> None:
    bus = Bus(late_s={1: 1.5 * TIMEOUT_S}, refused={2})
    async with gateway(bus) as device, drivers(device(1)) as (driver,):
        await driver.connect()
        with pytest.raises(NoAnswer):
            await driver.read([point(10)])
        bus.late_s.clear()
        assert await value(driver, 1000) == 1000.0


async def test_silent_unit_does_not_keep_its_neighbours_waiting_for_long() -> None:
    bus = Bus(mute={2})
    async with gateway(bus) as device, drivers(device(1), device(2)) as (alive, dead):
        await alive.connect()
        await dead.connect()

        async def ask_the_dead() -> None:
            with pytest.raises(NoAnswer):
                await dead.read([point(start) for start in range(0, 400, 40)])

        asking = asyncio.create_task(ask_the_dead())
        await asyncio.sleep(0.01)
        assert await value(alive, 5) == 5.0
        await asking
    # Asked once, though it has ten blocks, and not asked again before its neighbour has had its turn.
    assert [unit for unit, _, _ in bus.asked] == [2, 1]


async def test_shared_wire_is_tried_more_seldom_for_a_silent_unit_than_one_alone() -> None:
    async with gateway(Bus()) as device, drivers(device(1)) as (alone,), drivers(device(1), device(2)) as (first, _):
        assert alone.longest_rest_s == 5.0
        assert first.longest_rest_s == pytest.approx(max(5.0, 20.0 * TIMEOUT_S))


@BOTH
async def test_noise_and_an_echo_of_the_request_are_passed_over(kind: str, ptys: tuple[Path, Path]) -> None:
    bus = Bus(before=b"\x00\xff\x01\x03\x7f", echo=True)
    async with line_of(kind, bus, ptys) as device, drivers(device(1)) as (driver,):
        for start in (3, 1000, 3):
            assert await value(driver, start) == float(start)


async def test_serial_port_that_is_not_there_or_no_serial_port_is_no_answer(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    for path, why in ((tmp_path / "gone", "No such file"), (plain, "no serial port")):
        device = Device("rtu", "modbus-rtu", serial=SerialSettings(str(path)), timeout_s=TIMEOUT_S)
        async with drivers(device) as (driver,):
            with pytest.raises(NoAnswer, match=why):
                await driver.connect()


async def test_serial_port_is_one_collectors_alone(ptys: tuple[Path, Path]) -> None:
    async with serial_line(Bus(), ptys) as device, drivers(device(1)) as (mine,), drivers(device(1)) as (other,):
        assert await value(mine, 1) == 1.0
        with pytest.raises(NoAnswer, match="no connection"):
            await other.connect()
