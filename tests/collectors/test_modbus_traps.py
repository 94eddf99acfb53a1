"""What devices and gateways do to a master, byte by byte: no wrong value, no flood of requests, no long wait."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from collectors.driver import NoAnswer
from collectors.modbus.check import check_points
from collectors.modbus.driver import ModbusDriver
from collectors.modbus.wires import Wires
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality
from models.site import Device

TIMEOUT_S = 0.3


@dataclass(frozen=True)
class Request:
    """A request as it came: transaction, unit, function, first register and count."""

    transaction: int
    unit: int
    function: int
    start: int
    count: int

    def reply(self, *values: int, transaction: int | None = None, unit: int | None = None) -> bytes:
        """The answer that holds ``values``, or those that a register here holds: its own number."""
        held = values or tuple(range(self.start, self.start + self.count))
        content = bytes([self.function, 2 * len(held)]) + struct.pack(f">{len(held)}H", *held)
        return self.frame(content, transaction, unit)

    def refuse(self, code: int) -> bytes:
        return self.frame(bytes([self.function | 0x80, code]))

    def frame(self, content: bytes, transaction: int | None = None, unit: int | None = None) -> bytes:
        said = self.transaction if transaction is None else transaction
        return struct.pack(">HHHB", said, 0, len(content) + 1, self.unit if unit is None else unit) + content


Behaviour = Callable[[Request, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@dataclass
class Station:
    """A device of our own making, and what it was asked."""

    port: int
    asked: list[Request] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def device(behave: Behaviour) -> AsyncIterator[Station]:
    found: Station
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, _, _, unit, function, start, count = struct.unpack(
                    ">HHHBBHH", await reader.readexactly(12)
                )
                request = Request(transaction, unit, function, start, count)
                found.asked.append(request)
                task = asyncio.create_task(behave(request, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found = Station(server.sockets[0].getsockname()[1])
    yield found
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def asking(port: int) -> AsyncIterator[ModbusDriver]:
    rtu = Device("rtu", "modbus-tcp", port=port, timeout_s=TIMEOUT_S)
    driver = ModbusDriver(rtu, Wires([rtu]).of(rtu))
    try:
        yield driver
    finally:
        await driver.close()


def point(start: int, data_type: str = "uint16", name: str = "") -> Point:
    return Point(name or f"P{start}", "J1", Quantity.PRESSURE, "m", "rtu", f"holding/{start}", data_type)


async def values(driver: ModbusDriver, *points: Point) -> list[float]:
    await driver.connect()
    answer = await driver.read(points)
    assert {reading.quality for reading in answer.readings} == {Quality.GOOD}
    return [reading.value for reading in answer.readings]


async def test_late_reply_is_not_taken_for_the_answer_to_the_next_request() -> None:
    async def late_at_first(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.start == 10:
            await asyncio.sleep(1.5 * TIMEOUT_S)
        writer.write(request.reply())

    async with device(late_at_first) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        with pytest.raises(NoAnswer, match="timeout"):
            await driver.read([point(10)])
        # Before and after the late reply has come, and with the same number of registers.
        for start in (1000, 1001, 1002):
            assert await values(driver, point(start)) == [float(start)]
            await asyncio.sleep(TIMEOUT_S)


async def test_silent_device_is_asked_once() -> None:
    async def say_nothing(request: Request, writer: asyncio.StreamWriter) -> None:
        pass

    async with device(say_nothing) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        with pytest.raises(NoAnswer, match="timeout"):
            await driver.read([point(10), point(500), point(900)])
        assert len(rtu.asked) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda request: request.reply(7, transaction=request.transaction + 1),
        lambda request: request.reply(7, unit=9),
        lambda request: request.frame(bytes([4, 2, 0, 7])),
        lambda request: request.reply(7)[:-1],
        lambda _request: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["transaction", "unit", "function", "cut short", "another protocol"],
)
async def test_answer_to_something_else_is_no_answer(wrong: Callable[[Request], bytes]) -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(wrong(request))

    async with device(answer) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        with pytest.raises(NoAnswer):
            await driver.read([point(10)])


@pytest.mark.parametrize("held", [(), (1,), (1, 2, 3)])
async def test_reply_of_another_length_is_bad_for_its_points_alone(held: tuple[int, ...]) -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        short = request.frame(bytes([3, 0])) if not held else request.reply(*held)
        writer.write(short if request.start == 10 else request.reply())

    async with device(answer) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        try:
            first, second = (await driver.read([point(10, "uint32"), point(500)])).readings
        except NoAnswer:
            assert not held
            return
        assert (first.quality, first.reason) == (Quality.BAD, f"short reply: {len(held)} of 2")
        assert second.value == 500.0


@pytest.mark.parametrize("code", [10, 11])
async def test_unit_that_a_gateway_does_not_reach_is_silent_and_not_asked_again(code: int) -> None:
    async def refuse(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.refuse(code))

    async with device(refuse) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        with pytest.raises(NoAnswer, match="gateway"):
            await driver.read([point(start) for start in range(0, 40, 2)])
        assert len(rtu.asked) == 1


@pytest.mark.parametrize(("code", "said"), [(1, "illegal function"), (4, "device failure"), (6, "device busy")])
async def test_refusal_that_is_not_of_an_address_is_not_asked_around(code: int, said: str) -> None:
    async def refuse(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.refuse(code))

    async with device(refuse) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        readings = (await driver.read([point(start) for start in range(0, 40, 2)])).readings
        assert {(reading.quality, reading.reason) for reading in readings} == {(Quality.BAD, f"refused: {said}")}
        assert len(rtu.asked) == 1


async def test_device_that_gives_few_registers_at_a_time_is_asked_for_fewer_from_then_on() -> None:
    async def at_most_20(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.refuse(3) if request.count > 20 else request.reply())

    points = [point(start) for start in range(100)]
    async with device(at_most_20) as rtu, asking(rtu.port) as driver:
        assert await values(driver, *points) == [float(start) for start in range(100)]
        learnt = len(rtu.asked)
        assert await values(driver, *points) == [float(start) for start in range(100)]
        assert len(rtu.asked) - learnt == 8
        assert max(request.count for request in rtu.asked[learnt:]) <= 20


async def test_hole_that_the_device_refuses_is_asked_around_from_then_on() -> None:
    async def with_a_hole(request: Request, writer: asyncio.StreamWriter) -> None:
        touches = request.start <= 13 < request.start + request.count
        writer.write(request.refuse(2) if touches else request.reply())

    points = [point(10), point(12), point(14), point(15)]
    async with device(with_a_hole) as rtu, asking(rtu.port) as driver:
        for _ in range(2):
            assert await values(driver, *points) == [10.0, 12.0, 14.0, 15.0]
        assert [(request.start, request.count) for request in rtu.asked] == [
            (10, 6), (10, 1), (12, 1), (14, 2), (10, 1), (12, 1), (14, 2),
        ]  # fmt: skip


async def test_points_that_lie_together_cost_one_request_whatever_their_number() -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(request.reply())

    # Two registers each, with a gap after every second one: 125 registers, as many as a request can ask for.
    starts = [place * 5 + half for place in range(25) for half in (0, 2)]
    async with device(answer) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        readings = (await driver.read([point(start, "uint32") for start in starts])).readings
        assert [one.value for one in readings] == [float(start << 16 | start + 1) for start in starts]
        assert [(request.start, request.count) for request in rtu.asked] == [(0, 124)]


async def test_connection_that_the_device_closes_is_opened_again() -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        if rtu.connections == 1:
            writer.close()
        else:
            writer.write(request.reply())

    async with device(hang_up) as rtu, asking(rtu.port) as driver:
        await driver.connect()
        with pytest.raises(NoAnswer):
            await driver.read([point(10)])
        assert await values(driver, point(10)) == [10.0]
        assert rtu.connections == 2


async def test_only_read_functions_are_ever_asked() -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        bits = request.frame(bytes([request.function, 1, 1]))
        writer.write(bits if request.function in (1, 2) else request.reply())

    addresses = {"coil/0": 1, "discrete/0": 2, "holding/0": 3, "input/0": 4}
    points = [Point(text, "J1", Quantity.STATUS, "", "rtu", text, "bit") for text in addresses]
    async with device(answer) as rtu, asking(rtu.port) as driver:
        await values(driver, *points[:2])
        await values(driver, Point("r", "J1", Quantity.STATUS, "", "rtu", "holding/1", "bit"))
        await driver.read(points)
        assert {request.function for request in rtu.asked} == {1, 2, 3, 4}


def test_what_cannot_be_read_is_said_with_its_line() -> None:
    rtu = Device("rtu", "modbus-tcp", clock_address="coil/0", line=7)
    points = [
        Point("A", "J1", Quantity.PRESSURE, "m", "rtu", "holding/1.16", "bit", line=2),
        Point("B", "J1", Quantity.PRESSURE, "m", "rtu", "holding/1", "string", line=3),
        Point("C", "J1", Quantity.PRESSURE, "m", "rtu", "holding/1", "uint16", line=4),
    ]
    problems = [str(problem) for problem in check_points(rtu, points, "site.toml", "points.csv")]
    assert problems == [
        'site.toml:7: device rtu: clock_address "coil/0", expected registers such as holding/0',
        'points.csv:2: point A: address "holding/1.16", expected bit 0 to 15 of a register',
        'points.csv:3: point B: address "holding/1" has no length, expected one such as holding/40:4 for a text',
    ]
