"""An OPC UA server, polled, and listened to where the site says so. Nothing here can write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from collectors.driver import Answer, NoAnswer, Reading
from collectors.opcua.history import read_history
from collectors.opcua.session import Session, standard
from collectors.opcua.subscription import Subscription
from collectors.opcua.values import Asked, aware, readings_of
from collectors.readings import Readings
from models.point import Point
from models.site import Device

GRACE_S = 10.0
"""How long a change may be on its way before the subscription is taken for deaf, beyond two publishing intervals."""


class OpcUaDriver:
    """One server, one session. A subscription is for those of its ``points`` that are to be told by the server."""

    longest_rest_s = 5.0

    def __init__(self, device: Device, points: Sequence[Point] = ()) -> None:
        self._device = device
        self._subscribed = [point for point in points if (point.reading or device.reading) == "subscribe"]
        self._session: Session | None = None
        self._subscription: Subscription | None = None
        self._nodes: dict[str, ua.NodeId] = {}
        self._asked: Asked | None = None
        self.news_s = device.subscription.publish_s if self._subscribed else math.inf

    async def connect(self) -> None:
        """Open a session, unless there is one, and subscribe."""
        if self._session is not None:
            return
        session = await Session.open(self._device)
        try:
            if self._subscribed:
                self._subscription = Subscription(session, self._device.name, self._device.subscription)
                await self._subscription.open([(point, self._node(point)) for point in self._subscribed])
        except BaseException:
            await session.close(self._device.timeout_s)
            raise
        self._session = session

    async def read(self, points: Sequence[Point]) -> Answer:
        """Return a reading of every point and the server's own time, and what it has told meanwhile."""
        session = self._session
        if session is None:
            raise NoAnswer("no connection")
        told = [] if self._subscription is None else self._subscription.take()
        asked = self._asked_for(points)
        values = await session.read([_NOW, *asked.nodes])
        shown = None if values[0].Value is None else values[0].Value.Value
        clock = aware(shown) if isinstance(shown, datetime) else None
        readings = readings_of(asked, values[1:])
        if self._subscription is not None and clock is not None:
            self._look_whether_deaf(self._subscription, readings, clock)
        return Answer(readings, clock, told)

    async def history(self, points: Sequence[Point], start: datetime, end: datetime) -> Sequence[Reading]:
        """Return what the server remembers of ``start < time < end``."""
        if self._session is None:
            raise NoAnswer("no connection")
        return await read_history(self._session, [(point, self._node(point)) for point in points], start, end)

    async def close(self) -> None:
        """End the session."""
        session, self._session, self._subscription = self._session, None, None
        if session is not None:
            await session.close(self._device.timeout_s)

    def _look_whether_deaf(self, subscription: Subscription, readings: Readings, clock: datetime) -> None:
        """Raise :class:`NoAnswer` if the server keeps from us what it has had for long."""
        grace = timedelta(seconds=GRACE_S + 2.0 * self._device.subscription.publish_s)
        missed = subscription.missed(readings, clock - grace)
        if missed:
            raise NoAnswer(f"subscription is deaf to {len(missed)} points, {missed[0]} among them")

    def _asked_for(self, points: Sequence[Point]) -> Asked:
        if self._asked is None or self._asked.points is not points:
            self._asked = Asked.of(points, [self._node(point) for point in points])
        return self._asked

    def _node(self, point: Point) -> ua.NodeId:
        if point.address not in self._nodes:
            self._nodes[point.address] = ua.NodeId.from_string(point.address)
        return self._nodes[point.address]


_NOW = standard(ObjectIds.Server_ServerStatus_CurrentTime)
