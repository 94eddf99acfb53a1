"""Drivers against servers that are not ours: pymodbus and asyncua."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from collectors.collector import read_once
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from models.site import Device, MonitorSettings, Site, StoreSettings
from simulator.port import free_port

SOURCE = datetime(2026, 7, 10, 12, tzinfo=UTC)


def point(name: str, address: str, data_type: str = "uint16", device: str = "rtu", **more: object) -> Point:
    return Point(name, "P1", Quantity.FLOW, "l/s", device, address, data_type, **more)  # type: ignore[arg-type]


def make_site(folder: Path, devices: tuple[Device, ...], points: tuple[Point, ...]) -> Site:
    stores = StoreSettings("embedded", folder / "t.sqlite", folder / "s.sqlite", "sqlite://")
    network = folder / "network.inp"
    return Site(folder, "Town", "UTC", "local", network, "wall", devices, points, stores, MonitorSettings())


async def read(folder: Path, devices: tuple[Device, ...], *points: Point) -> dict[str, Sample]:
    return {sample.point: sample for sample in await read_once(make_site(folder, devices, points))}


def words(number: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", number)))


@pytest.fixture
async def rtu() -> AsyncIterator[Device]:
    """A device with registers at 10 to 13 and 16 to 17 of holding, at 0 to 1 of input, and refusing all others."""
    port = free_port()
    unused = SimData(60000, values=[0], datatype=DataType.REGISTERS)
    bits = SimData(60000, values=[False] * 16, datatype=DataType.BITS)
    holding = [
        SimData(10, values=[7, 65535, *words(12.5)], datatype=DataType.REGISTERS),
        SimData(16, values=[0b1000, 42], datatype=DataType.REGISTERS),
    ]
    inputs = [SimData(0, values=words(math.nan), datatype=DataType.REGISTERS), unused]
    server = ModbusTcpServer([SimDevice(1, simdata=([bits], [bits], holding, inputs))], address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    yield Device("rtu", "modbus-tcp", port=port, timeout_s=1.0)
    await server.shutdown()  # type: ignore[no-untyped-call]


async def test_values_beyond_a_hole_are_read_all_the_same(rtu: Device, tmp_path: Path) -> None:
    got = await read(
        tmp_path,
        (rtu,),
        point("a", "holding/10", scale=0.5, offset=1.0),
        point("b", "holding/11", "int16"),
        point("c", "holding/12", "float32"),
        point("bit", "holding/16.3", "bit"),
        point("d", "holding/17"),
    )
    assert {name: one.value for name, one in got.items()} == {"a": 4.5, "b": -1.0, "c": 12.5, "bit": 1.0, "d": 42.0}
    assert {one.quality for one in got.values()} == {Quality.GOOD}


async def test_points_in_any_order_get_their_own_values(rtu: Device, tmp_path: Path) -> None:
    wanted = (point("d", "holding/17"), point("c", "holding/12", "float32"), point("a", "holding/10"))
    got = await read(tmp_path, (rtu,), *wanted)
    assert {name: one.value for name, one in got.items()} == {"a": 7.0, "c": 12.5, "d": 42.0}


async def test_register_that_is_not_there_spoils_only_its_own_point(rtu: Device, tmp_path: Path) -> None:
    got = await read(tmp_path, (rtu,), point("a", "holding/10"), point("gone", "holding/14"), point("d", "holding/17"))
    assert (got["a"].value, got["d"].value) == (7.0, 42.0)
    assert (got["gone"].quality, math.isnan(got["gone"].value)) == (Quality.BAD, True)
    assert got["gone"].reason


async def test_float_that_is_no_number_is_bad(rtu: Device, tmp_path: Path) -> None:
    got = await read(tmp_path, (rtu,), point("nan", "input/0", "float32"))
    assert (got["nan"].quality, got["nan"].reason) == (Quality.BAD, "not a number")


async def _answer_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with one register, however many were asked for."""
    try:
        while True:
            request = await reader.readexactly(12)
            reply = bytes([request[6], request[7], 2, 0, 99])
            writer.write(request[:4] + struct.pack(">H", len(reply)) + reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def test_short_reply_is_no_value(tmp_path: Path) -> None:
    server = await asyncio.start_server(_answer_short, "127.0.0.1", 0)
    device = Device("rtu", "modbus-tcp", port=server.sockets[0].getsockname()[1], timeout_s=1.0)
    got = await read(tmp_path, (device,), point("a", "holding/10"), point("b", "holding/13", "float32"))
    server.close()
    assert {one.quality for one in got.values() if one.point == "b"} == {Quality.BAD}
    assert math.isnan(got["b"].value)


async def test_device_that_is_away_is_bad_and_the_other_goes_on(rtu: Device, tmp_path: Path) -> None:
    dead = Device("dead", "modbus-tcp", port=free_port(), timeout_s=0.5)
    ua_dead = Device("ua", "opcua", url=f"opc.tcp://127.0.0.1:{free_port()}", timeout_s=0.5)
    points = (
        point("a", "holding/10"),
        point("x", "holding/10", device="dead"),
        point("y", "ns=2;s=Y", "float32", device="ua"),
    )
    got = await read(tmp_path, (dead, rtu, ua_dead), *points)
    assert (got["a"].value, got["a"].quality) == (7.0, Quality.GOOD)
    for name in ("x", "y"):
        assert got[name].quality is Quality.BAD
        assert "does not answer" in got[name].reason


async def test_device_that_takes_the_call_and_says_nothing_is_away(tmp_path: Path) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    device = Device("rtu", "modbus-tcp", port=server.sockets[0].getsockname()[1], timeout_s=0.3)
    got = await read(tmp_path, (device,), point("a", "holding/10"))
    server.close()
    assert got["a"].quality is Quality.BAD
    assert "does not answer" in got["a"].reason


@pytest.fixture
async def scada() -> AsyncIterator[Device]:
    """A server with a good, an uncertain and a bad value, and a text, all stamped at one instant of their own."""
    server = Server()
    await server.init()
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    stamp = ua.DateTime.fromisoformat(SOURCE.replace(tzinfo=None).isoformat())
    space = await server.register_namespace("urn:plant")
    for name, content, code in (
        ("Good", 12.5, StatusCodes.Good),
        ("Doubt", 3.0, StatusCodes.UncertainLastUsableValue),
        ("Bad", 4.0, StatusCodes.BadSensorFailure),
        ("Text", "twelve", StatusCodes.Good),
        ("Flag", True, StatusCodes.Good),
    ):
        node = await server.nodes.objects.add_variable(ua.NodeId(ua.String(name), ua.Int16(space)), name, content)
        value = ua.DataValue(ua.Variant(content), ua.StatusCode(ua.UInt32(code)), SourceTimestamp=stamp)
        await server.write_attribute_value(node.nodeid, value)
    async with server:
        yield Device("scada", "opcua", url=url, timeout_s=2.0)


async def test_status_codes_and_source_times_are_kept(scada: Device, tmp_path: Path) -> None:
    def at(name: str) -> Point:
        return point(name, f"ns=2;s={name}", "float64", "scada", scale=2.0, offset=1.0)

    got = await read(tmp_path, (scada,), at("Good"), at("Doubt"), at("Bad"), at("Text"))
    assert (got["Good"].value, got["Good"].quality, got["Good"].time) == (26.0, Quality.GOOD, SOURCE)
    assert (got["Doubt"].value, got["Doubt"].quality) == (7.0, Quality.UNCERTAIN)
    assert got["Doubt"].reason == "UncertainLastUsableValue"
    assert (got["Bad"].quality, got["Bad"].reason, math.isnan(got["Bad"].value)) == (
        Quality.BAD,
        "BadSensorFailure",
        True,
    )
    assert got["Text"].quality is Quality.BAD


async def test_node_that_the_server_has_not_spoils_only_its_own_point(scada: Device, tmp_path: Path) -> None:
    points = (
        point("Flag", "ns=2;s=Flag", "bit", "scada"),
        point("Gone", "ns=2;s=Gone", "float64", "scada"),
    )
    got = await read(tmp_path, (scada,), *points)
    assert (got["Flag"].value, got["Flag"].quality) == (1.0, Quality.GOOD)
    assert got["Gone"].quality is Quality.BAD
