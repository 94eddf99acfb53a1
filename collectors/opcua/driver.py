"""An OPC UA server, polled. Values come with their own time and status; nothing here can write."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError
from asyncua.ua.uatypes import DataValue, Int32, NodeId

from collectors.driver import Answer, NoAnswer, Reading
from models.point import Point
from models.problem import Problem
from models.sample import Quality
from models.site import Device

MOST_A_CALL = 500
"""Nodes asked for in one call where the server names no limit of its own."""
CONNECT = 3.0
"""Reaching a server takes this many exchanges, each of which may take the device's timeout."""
_NOW = NodeId(Int32(ObjectIds.Server_ServerStatus_CurrentTime))
_LIMIT = NodeId(Int32(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead))
_WORDS = {"open": 1.0, "closed": 0.0}
"""States that some servers say in words."""
_FAILURES = (OSError, TimeoutError, UaError, ValueError)


class OpcUaDriver:
    """One server, one session."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._client: Client | None = None
        self._nodes: dict[str, NodeId] = {}
        self._most = MOST_A_CALL

    async def connect(self) -> None:
        """Open a session, unless there is one, and learn how many nodes a call may name."""
        if self._client is not None:
            return
        client = Client(self._device.url, timeout=self._device.timeout_s)
        if self._device.username:
            client.set_user(self._device.username)
            client.set_password(self._device.password)
        try:
            await asyncio.wait_for(client.connect(), self._device.timeout_s * CONNECT)
            (limit,) = await client.uaclient.read_attributes([_LIMIT], AttributeIds.Value)
        except _FAILURES as error:
            client.disconnect_socket()
            raise NoAnswer(_why(error, "no connection")) from error
        except BaseException:
            client.disconnect_socket()
            raise
        self._client = client
        named = _number(limit)
        self._most = min(int(named), MOST_A_CALL) if named >= 1 else MOST_A_CALL

    async def read(self, points: Sequence[Point]) -> Answer:
        """Return a reading of every point and the server's own time, in as many calls as the server wants."""
        client = self._client
        if client is None:
            raise NoAnswer("no connection")
        wanted = [_NOW, *(self._node(point.address) for point in points)]
        values: list[DataValue] = []
        try:
            for first in range(0, len(wanted), self._most):
                values += await client.uaclient.read_attributes(wanted[first : first + self._most], AttributeIds.Value)
        except _FAILURES as error:
            raise NoAnswer(_why(error, "connection lost")) from error
        if len(values) != len(wanted):
            raise NoAnswer(f"{len(values)} values for {len(wanted)} nodes")
        now = None if values[0].Value is None else values[0].Value.Value
        readings = tuple(_reading(point, value) for point, value in zip(points, values[1:], strict=True))
        return Answer(readings, _aware(now) if isinstance(now, datetime) else None)

    async def close(self) -> None:
        """End the session."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await asyncio.wait_for(client.disconnect(), self._device.timeout_s)
        except (*_FAILURES, RuntimeError):
            # The other side is gone already; there is nobody left to take leave of.
            pass
        finally:
            client.disconnect_socket()

    def _node(self, address: str) -> NodeId:
        if address not in self._nodes:
            self._nodes[address] = NodeId.from_string(address)
        return self._nodes[address]


def check_points(device: Device, points: Sequence[Point], site_file: str, points_file: str) -> list[Problem]:
    """Return what keeps the points of a device from being read."""
    problems = []
    if not device.url.startswith("opc.tcp://"):
        text = f'device {device.name}: url "{device.url}", expected one such as opc.tcp://127.0.0.1:4840'
        problems.append(Problem(text, site_file, device.line))
    for point in points:
        try:
            NodeId.from_string(point.address)
        except (UaError, ValueError):
            text = f'point {point.name}: address "{point.address}" is no NodeId, expected one such as ns=2;s=PS1.Flow'
            problems.append(Problem(text, points_file, point.line))
    return problems


def _reading(point: Point, value: DataValue) -> Reading:
    stamped = value.SourceTimestamp or value.ServerTimestamp
    time = None if stamped is None else _aware(stamped)
    status = value.StatusCode
    raw = _number(value)
    number = raw * point.scale + point.offset
    if status is not None and not status.is_good():
        quality = Quality.UNCERTAIN if status.is_uncertain() and math.isfinite(number) else Quality.BAD
        return Reading(point.name, number, quality, status.name, time)
    if not math.isfinite(number):
        return Reading(point.name, math.nan, Quality.BAD, "not a number", time)
    return Reading(point.name, number, Quality.GOOD, "", time)


def _number(value: DataValue) -> float:
    content = None if value.Value is None else value.Value.Value
    if isinstance(content, str):
        return _WORDS.get(content.strip().lower(), math.nan)
    return float(content) if isinstance(content, bool | int | float) else math.nan


def _aware(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _why(error: BaseException, otherwise: str) -> str:
    """Return in a few words why a call failed."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return type(error).__name__ if isinstance(error, UaError) else otherwise
