from __future__ import annotations

import asyncio
import os
import shutil
import struct
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from models.point import Point
from models.problem import Unavailable
from models.quantity import Quantity
from models.site import Device
from simulator.instruments import Reading
from simulator.outstation import Outstation
from simulator.port import free_port
from simulator.register_map import RegisterMap, map_registers

TIME = datetime(2026, 7, 10, 12, 34, 56, 789000, tzinfo=UTC)


def point(name: str, address: str, data_type: str = "uint16", byte_order: str = "ABCD", device: str = "a") -> Point:
    return Point(name, "P1", Quantity.FLOW, "l/s", device, address, data_type, byte_order)


POINTS = (
    point("u16", "holding/10"),
    point("i16", "holding/11", "int16"),
    point("f-abcd", "holding/20", "float32"),
    point("f-cdab", "holding/22", "float32", "CDAB"),
    point("f-badc", "input/0", "float32", "BADC"),
    point("f-dcba", "input/2", "float32", "DCBA"),
    point("total", "input/10", "uint32", "CDAB"),
    point("bit3", "holding/30.3", "bit"),
    point("bit9", "holding/30.9", "bit"),
    point("coil", "coil/5", "bit"),
    point("coil2", "coil/37", "bit"),
    point("discrete", "discrete/0", "bit"),
)
RAWS = {"u16": 65535, "i16": -2, "total": 4000000000, "bit3": 1, "bit9": 0, "coil": 1, "coil2": 1, "discrete": 0}
READINGS = {entry.name: Reading(RAWS.get(entry.name, 12.375)) for entry in POINTS} | {"b16": Reading(7)}


def layout(device: Device, *points: Point) -> RegisterMap:
    registers, problems = map_registers(device, points)
    assert not problems
    return registers


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def station(port: int) -> AsyncIterator[Outstation]:
    a = Device("a", "modbus-tcp", port=port, unit_id=1, clock_address="holding/0")
    b = Device("b", "modbus-tcp", port=port, unit_id=2)
    maps = [layout(a, *POINTS), layout(b, point("b16", "holding/10", device="b"))]
    server = Outstation(maps)
    await server.publish(TIME, READINGS, set())
    yield server
    await server.close()


@pytest.fixture
async def client(station: Outstation, port: int) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0)
    await client.connect()
    yield client
    client.close()


def f32(words: Sequence[int], order: str) -> float:
    data = b"".join(struct.pack(">H" if order in ("ABCD", "CDAB") else "<H", word) for word in words)
    data = data if order in ("ABCD", "BADC") else data[2:] + data[:2]
    return float(struct.unpack(">f", data)[0])


async def test_registers_hold_the_readings_in_every_order(client: AsyncModbusTcpClient) -> None:
    holding = (await client.read_holding_registers(10, count=2, device_id=1)).registers
    assert holding == [65535, 0xFFFE]
    holding = (await client.read_holding_registers(20, count=4, device_id=1)).registers
    assert [f32(holding[:2], "ABCD"), f32(holding[2:], "CDAB")] == [12.375, 12.375]
    inputs = (await client.read_input_registers(0, count=4, device_id=1)).registers
    assert [f32(inputs[:2], "BADC"), f32(inputs[2:], "DCBA")] == [12.375, 12.375]
    low, high = (await client.read_input_registers(10, count=2, device_id=1)).registers
    assert (high << 16) + low == 4000000000
    assert (await client.read_holding_registers(30, count=1, device_id=1)).registers == [1 << 3]


async def test_coils_and_discrete_inputs_hold_status_bits(client: AsyncModbusTcpClient) -> None:
    assert (await client.read_coils(5, count=1, device_id=1)).bits[0] is True
    assert (await client.read_coils(37, count=1, device_id=1)).bits[0] is True
    assert (await client.read_coils(6, count=1, device_id=1)).bits[0] is False
    assert (await client.read_discrete_inputs(0, count=1, device_id=1)).bits[0] is False


async def test_clock_registers_hold_the_plants_time(client: AsyncModbusTcpClient) -> None:
    words = (await client.read_holding_registers(0, count=4, device_id=1)).registers
    assert int.from_bytes(struct.pack(">4H", *words)) == round(TIME.timestamp() * 1e3)


async def test_units_behind_one_port_have_registers_of_their_own(client: AsyncModbusTcpClient) -> None:
    assert (await client.read_holding_registers(10, count=1, device_id=2)).registers == [7]
    assert (await client.read_holding_registers(11, count=1, device_id=2)).isError()


async def test_holes_are_refused_and_so_are_writes(client: AsyncModbusTcpClient) -> None:
    assert (await client.read_holding_registers(11, count=4, device_id=1)).exception_code == 2
    assert (await client.write_register(10, 5, device_id=1)).exception_code == 1
    assert (await client.write_coil(5, False, device_id=1)).exception_code == 1
    assert (await client.read_holding_registers(10, count=1, device_id=1)).registers == [65535]


async def test_unit_that_is_off_does_not_answer_while_its_neighbour_does(
    station: Outstation, client: AsyncModbusTcpClient
) -> None:
    await station.publish(TIME, READINGS, {"b"})
    assert (await client.read_holding_registers(10, count=1, device_id=2)).exception_code == 11
    assert (await client.read_holding_registers(10, count=1, device_id=1)).registers == [65535]
    await station.publish(TIME, READINGS, set())
    assert (await client.read_holding_registers(10, count=1, device_id=2)).registers == [7]


async def test_nobody_listens_while_all_are_off(station: Outstation, client: AsyncModbusTcpClient, port: int) -> None:
    await station.publish(TIME, READINGS, {"a", "b"})
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(ModbusException):
        await client.read_holding_registers(10, count=1, device_id=1)
    client.close()
    await station.publish(TIME, READINGS, set())
    again = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2)
    assert await again.connect()
    assert (await again.read_holding_registers(10, count=1, device_id=1)).registers == [65535]
    again.close()


async def test_an_answer_never_mixes_two_instants(station: Outstation, client: AsyncModbusTcpClient) -> None:
    async def change() -> None:
        for value in range(300):
            readings = READINGS | {"u16": Reading(value), "i16": Reading(value)}
            await station.publish(TIME, readings, set())
            await asyncio.sleep(0)

    changing = asyncio.create_task(change())
    while not changing.done():
        first, second = (await client.read_holding_registers(10, count=2, device_id=1)).registers
        assert first == second or (first, second) == (65535, 0xFFFE)
    await changing


async def test_port_in_use_is_told_in_one_line(station: Outstation, port: int) -> None:
    other = Outstation([layout(Device("c", "modbus-tcp", port=port), point("b16", "holding/10", device="c"))])
    with pytest.raises(Unavailable, match=f"device c: port {port} of 127.0.0.1 is in use"):
        await other.publish(TIME, READINGS, set())


def test_layouts_that_cannot_be_are_told_together() -> None:
    device = Device("a", "modbus-tcp", clock_address="holding/0")
    wrong = [
        point("clock", "holding/3"),
        point("one", "holding/10", "uint32"),
        point("two", "holding/11"),
        point("bits", "holding/20.1", "bit"),
        point("word", "holding/20"),
        point("same", "holding/20.1", "bit"),
        point("other bit", "holding/20.2", "bit"),
        point("number", "coil/1"),
        point("nowhere", "register/1"),
    ]
    _, problems = map_registers(device, wrong)
    words = ["clock: address holding/3 is taken by the clock", "two", "word", "same", "number", "nowhere"]
    assert [word in str(problem) for word, problem in zip(words, problems, strict=True)] == [True] * len(words)
    _, problems = map_registers(Device("a", "modbus-tcp", clock_address="coil/1"), [])
    assert "expected registers" in str(problems[0])


async def test_mbpoll_reads_the_same(station: Outstation, port: int) -> None:
    mbpoll = shutil.which("mbpoll")
    if mbpoll is None:
        if os.environ.get("CI"):
            pytest.fail("mbpoll is not installed: apt-get install mbpoll")
        pytest.skip("mbpoll is not installed (Debian: apt-get install mbpoll)")

    async def poll(*options: str) -> list[str]:
        command = [mbpoll, "-m", "tcp", "-p", str(port), "-1", "-0", *options, "127.0.0.1"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0
        lines = [line.split() for line in output.decode().splitlines()]
        return [line[1] for line in lines if line and line[0].startswith("[")]

    assert await poll("-a", "1", "-t", "4:float", "-B", "-r", "20", "-c", "1") == ["12.375"]
    assert await poll("-a", "1", "-t", "4:float", "-r", "22", "-c", "1") == ["12.375"]
    assert await poll("-a", "1", "-t", "4:hex", "-r", "10", "-c", "2") == ["0xFFFF", "0xFFFE"]
    assert await poll("-a", "1", "-t", "0", "-r", "5", "-c", "2") == ["1", "0"]
    assert await poll("-a", "2", "-t", "4", "-r", "10", "-c", "1") == ["7"]
