"""An OPC UA server, polled. Values come with their own time and status; nothing here can write."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from asyncua.client.client import Client
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError
from asyncua.ua.uatypes import DataValue

from collectors.driver import NoAnswer, Reading
from models.point import Point
from models.sample import Quality
from models.site import Device

MOST_A_CALL = 500
"""Nodes asked for in one call where the server names no limit of its own."""


class OpcUaDriver:
    """One server, one session."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._client: Client | None = None
        self._nodes: dict[str, Node] = {}
        self._chunk = MOST_A_CALL

    async def connect(self) -> None:
        """Open a session and learn how many nodes a call may name."""
        if self._client is not None:
            return
        client = Client(self._device.url, timeout=self._device.timeout_s)
        if self._device.username:
            client.set_user(self._device.username)
            client.set_password(self._device.password)
        try:
            await asyncio.wait_for(client.connect(), self._device.timeout_s * 3)
        except (OSError, TimeoutError, UaError, ConnectionError) as error:
            raise NoAnswer("no connection") from error
        self._client = client
        self._nodes = {}
        self._chunk = await self._limit(client)

    async def read(self, points: Sequence[Point]) -> list[Reading]:
        """Return a reading of every point, in as many calls as the server wants."""
        client = self._client
        if client is None:
            raise NoAnswer("no connection")
        wanted = [self._nodes.setdefault(point.address, client.get_node(point.address)) for point in points]
        values: list[DataValue] = []
        try:
            for first in range(0, len(wanted), self._chunk):
                part = [node.nodeid for node in wanted[first : first + self._chunk]]
                values += await client.uaclient.read_attributes(part, AttributeIds.Value)
        except (OSError, TimeoutError, UaError, ConnectionError) as error:
            await self.close()
            raise NoAnswer("timeout" if isinstance(error, TimeoutError) else type(error).__name__) from error
        return [_reading(point, value) for point, value in zip(points, values, strict=True)]

    async def clock(self) -> datetime | None:
        """Return the server's own time."""
        if self._client is None:
            raise NoAnswer("no connection")
        node = self._client.get_node(ObjectIds.Server_ServerStatus_CurrentTime)
        try:
            time = await node.read_value()
        except (OSError, TimeoutError, UaError, ConnectionError) as error:
            await self.close()
            raise NoAnswer(type(error).__name__) from error
        return time.replace(tzinfo=UTC) if isinstance(time, datetime) else None

    async def close(self) -> None:
        """End the session."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await asyncio.wait_for(client.disconnect(), self._device.timeout_s)
        except (OSError, TimeoutError, UaError, ConnectionError, RuntimeError):
            # The other side is gone already; there is nothing left to close.
            return

    async def _limit(self, client: Client) -> int:
        node = client.get_node(ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)
        try:
            limit = int(await node.read_value() or 0)
        except (OSError, TimeoutError, UaError, TypeError, ValueError):
            limit = 0
        return min(limit, MOST_A_CALL) if limit > 0 else MOST_A_CALL


def _reading(point: Point, value: DataValue) -> Reading:
    status = value.StatusCode
    stamp = value.SourceTimestamp or value.ServerTimestamp
    time = None if stamp is None else (stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC))
    if status is not None and not status.is_good():
        quality = Quality.UNCERTAIN if status.is_uncertain() else Quality.BAD
        raw = _number(value)
        number = raw * point.scale + point.offset if quality is Quality.UNCERTAIN else float("nan")
        return Reading(point.name, number, quality, status.name, time)
    raw = _number(value)
    if raw != raw:
        return Reading(point.name, raw, Quality.BAD, "not a number", time)
    return Reading(point.name, raw * point.scale + point.offset, Quality.GOOD, "", time)


def _number(value: DataValue) -> float:
    content = None if value.Value is None else value.Value.Value
    return float(content) if isinstance(content, bool | int | float) else float("nan")
