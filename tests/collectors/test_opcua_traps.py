"""What OPC UA servers do to a client: limits on a call, times that stand still, users, an end without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_session import InternalSession
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import BadTooManyOperations

from collectors.driver import NoAnswer
from collectors.opcua.check import check_points
from collectors.opcua.driver import OpcUaDriver
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality
from models.site import Device
from simulator.port import free_port

START = datetime(2026, 7, 11, 7, tzinfo=UTC)
LIMIT = ua.NodeId(ua.Int32(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead))


class OneUser(UserManager):
    def get_user(
        self, iserver: object, username: str | None = None, password: str | None = None, certificate: object = None
    ) -> User | None:
        return User(role=UserRole.User) if (username, password) == ("hydro", "secret") else None


@dataclass(frozen=True)
class Scada:
    server: Server
    url: str


@asynccontextmanager
async def scada(values: dict[str, Any], users: UserManager | None = None) -> AsyncIterator[Scada]:
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    server = Server(user_manager=users)
    await server.init()
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:plant")
    for name, value in values.items():
        await server.nodes.objects.add_variable(ua.NodeId(ua.String(name), ua.Int16(2)), name, value)
    async with server:
        yield Scada(server, url)


@asynccontextmanager
async def asking(url: str, **more: str) -> AsyncIterator[OpcUaDriver]:
    driver = OpcUaDriver(Device("scada", "opcua", url=url, timeout_s=2.0, **more))  # type: ignore[arg-type]
    try:
        yield driver
    finally:
        await driver.close()


def point(name: str) -> Point:
    return Point(name, "T1", Quantity.LEVEL, "m", "scada", f"ns=2;s={name}")


async def test_server_that_limits_a_call_is_asked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    honest = InternalSession.read

    async def limited(session: InternalSession, params: ua.ReadParameters) -> list[ua.DataValue]:
        sizes.append(len(params.NodesToRead))
        if len(params.NodesToRead) > 7:
            raise BadTooManyOperations
        return await honest(session, params)

    values = {f"V{number}": float(number) for number in range(30)}
    async with scada(values) as server:
        seven = ua.DataValue(ua.Variant(7, ua.VariantType.UInt32))
        await server.server.write_attribute_value(LIMIT, seven)
        monkeypatch.setattr(InternalSession, "read", limited)
        async with asking(server.url) as driver:
            await driver.connect()
            answer = await driver.read([point(name) for name in values])
    assert [reading.value for reading in answer.readings] == list(values.values())
    assert max(sizes) == 7


async def test_values_and_the_servers_clock_come_together() -> None:
    values = {"Level": 3.5, "Runs": True, "Count": 7, "State": "closed", "Words": "about three"}
    async with scada(values) as server, asking(server.url) as driver:
        await driver.connect()
        answer = await driver.read([point(name) for name in values])
        alone = await driver.read(())
    assert [reading.value for reading in answer.readings][:4] == [3.5, 1.0, 7.0, 0.0]
    assert answer.readings[4].quality is Quality.BAD
    assert not alone.readings
    for clock in (answer.clock, alone.clock):
        assert clock is not None
        assert abs(clock - datetime.now(UTC)) < timedelta(minutes=1)


async def test_user_and_password_open_the_door_and_nothing_else_does() -> None:
    async with scada({"Level": 3.5}, OneUser()) as server:
        async with asking(server.url, username="hydro", password="secret") as driver:
            await driver.connect()
            assert (await driver.read([point("Level")])).readings[0].value == 3.5
        async with asking(server.url, username="hydro", password="wrong") as driver:
            with pytest.raises(NoAnswer, match="BadUserAccessDenied"):
                await driver.connect()


async def test_server_that_ends_is_no_answer_and_the_next_one_is_reached() -> None:
    async with scada({"Level": 3.5}) as server, asking(server.url) as driver:
        await driver.connect()
        await driver.read([point("Level")])
        assert server.server.bserver is not None
        await server.server.bserver.stop()
        with pytest.raises(NoAnswer):
            await driver.read([point("Level")])
        await driver.close()
        with pytest.raises(NoAnswer, match="no connection"):
            await driver.connect()
        await server.server.bserver.start()
        await driver.connect()
        assert (await driver.read([point("Level")])).readings[0].value == 3.5


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_port_of_something_else_is_no_answer(said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    driver = OpcUaDriver(Device("scada", "opcua", url=f"opc.tcp://127.0.0.1:{port}", timeout_s=0.2))
    with pytest.raises(NoAnswer):
        await driver.connect()
    await driver.close()
    server.close()
    await asyncio.sleep(0.05)


def test_what_is_no_node_is_said_with_its_line() -> None:
    wrong = Point("A", "J1", Quantity.LEVEL, "m", "scada", "ns=2;Level", line=5)
    said = [str(one) for one in check_points(Device("scada", "opcua", url="http://x"), [wrong], "s.toml", "points.csv")]
    assert said == [
        's.toml: device scada: url "http://x", expected one such as opc.tcp://127.0.0.1:4840',
        'points.csv:5: point A: address "ns=2;Level" is no NodeId, expected one such as ns=2;s=PS1.Flow',
    ]
