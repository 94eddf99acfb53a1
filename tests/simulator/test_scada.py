from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from models.point import Point
from models.problem import Unavailable
from models.quantity import Quantity
from models.sample import Quality
from models.site import Device
from simulator.instruments import Reading
from simulator.port import free_port
from simulator.scada import Scada, check_nodes

TIME = datetime(2031, 7, 10, 12, 34, 56, 789000, tzinfo=UTC)
"""Far from the wall's clock."""


def point(name: str, data_type: str, line: int = 0) -> Point:
    return Point(name, "P1", Quantity.FLOW, "l/s", "s", f"ns=3;s=PS.{name}", data_type, line=line)


POINTS = (point("flow", "float32"), point("level", "float64"), point("on", "bit"), point("count", "uint32"))
READINGS = {"flow": Reading(1.5), "level": Reading(2.25), "on": Reading(1), "count": Reading(4000000000)}


@pytest.fixture
def device() -> Device:
    return Device("s", "opcua", url=f"opc.tcp://127.0.0.1:{free_port()}")


@pytest.fixture
async def scada(device: Device) -> AsyncIterator[Scada]:
    server = Scada(device, POINTS)
    await server.publish(TIME, READINGS, set())
    yield server
    await server.close()


async def read(client: Client, name: str) -> ua.DataValue:
    return await client.get_node(f"ns=3;s=PS.{name}").read_data_value(raise_on_bad_status=False)


async def test_nodes_hold_values_of_their_types_with_plant_time(scada: Scada, device: Device) -> None:
    async with Client(device.url) as client:
        values = [await read(client, entry.name) for entry in POINTS]
        clock = await client.get_node("i=2258").read_value()
    assert [value.Value.Value for value in values if value.Value] == [1.5, 2.25, True, 4000000000]
    kinds = [ua.VariantType.Float, ua.VariantType.Double, ua.VariantType.Boolean, ua.VariantType.UInt32]
    assert [value.Value.VariantType for value in values if value.Value] == kinds
    assert {value.SourceTimestamp for value in values} == {TIME}
    assert clock == TIME


async def test_dead_instrument_is_bad_without_value_and_unsure_one_uncertain_with_it(
    scada: Scada, device: Device
) -> None:
    dead = Reading(math.nan, Quality.BAD, "sensor failure")
    unsure = Reading(2.0, Quality.UNCERTAIN, "last usable value")
    await scada.publish(TIME, READINGS | {"flow": dead, "count": dead, "level": unsure}, set())
    async with Client(device.url) as client:
        flow, count, level = [await read(client, name) for name in ("flow", "count", "level")]
    for value in (flow, count):
        assert value.StatusCode is not None
        assert value.StatusCode.is_bad()
        assert value.StatusCode.name == "BadSensorFailure"
        assert value.Value is None or value.Value.Value is None
        assert value.SourceTimestamp == TIME
    assert level.StatusCode is not None
    assert level.StatusCode.name == "UncertainLastUsableValue"
    assert level.Value is not None
    assert level.Value.Value == 2.0


async def test_subscription_sees_every_step(scada: Scada, device: Device) -> None:
    seen: list[tuple[float, datetime]] = []

    class Handler:
        def datachange_notification(self, node: object, value: float, data: object) -> None:
            stamp = data.monitored_item.Value.SourceTimestamp  # type: ignore[attr-defined]
            seen.append((value, stamp))

    async with Client(device.url) as client:
        subscription = await client.create_subscription(10, Handler())
        await subscription.subscribe_data_change(client.get_node("ns=3;s=PS.flow"), queuesize=100)
        for step in range(1, 6):
            await scada.publish(TIME + timedelta(minutes=step), READINGS | {"flow": Reading(step)}, set())
        async with asyncio.timeout(10):
            while len(seen) < 6:
                await asyncio.sleep(0.02)
    assert seen == [(1.5, TIME), *((float(step), TIME + timedelta(minutes=step)) for step in range(1, 6))]


async def test_server_that_is_off_is_gone_and_comes_back(scada: Scada, device: Device) -> None:
    await scada.publish(TIME, READINGS, {"s"})
    with pytest.raises(OSError):
        async with Client(device.url, timeout=2):
            pass
    await scada.publish(TIME + timedelta(hours=1), READINGS, set())
    async with Client(device.url) as client:
        assert (await read(client, "flow")).SourceTimestamp == TIME + timedelta(hours=1)


async def test_nobody_writes(scada: Scada, device: Device) -> None:
    async with Client(device.url) as client:
        with pytest.raises(UaStatusCodeError):
            await client.get_node("ns=3;s=PS.flow").write_value(ua.Variant(9.0, ua.VariantType.Float))


async def test_name_and_word_are_asked_for_where_the_device_has_them() -> None:
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    server = Scada(Device("s", "opcua", url=url, username="hydro", password="let me in"), POINTS)
    await server.publish(TIME, READINGS, set())
    try:
        with pytest.raises(UaError):
            async with Client(url):
                pass
        known = Client(url)
        known.set_user("hydro")
        known.set_password("let me in")
        async with known:
            assert (await read(known, "flow")).SourceTimestamp == TIME
    finally:
        await server.close()


async def test_port_in_use_is_told_in_one_line(scada: Scada, device: Device) -> None:
    other = Scada(replace(device, name="other"), POINTS)
    with pytest.raises(Unavailable, match=f"device other: {device.url} is in use"):
        await other.publish(TIME, READINGS, set())
    await other.close()


def test_nodes_that_cannot_be_are_told_together() -> None:
    wrong = [point("a", "bit", 2), replace(point("b", "bit", 3), address="holding/1")]
    wrong += [replace(wrong[0], name="c", line=4), replace(point("d", "bit", 5), address="i=2258")]
    problems = check_nodes(Device("s", "opcua", url="http://x", line=9), wrong)
    assert [problem.line for problem in problems] == [3, 4, 5, 9]
