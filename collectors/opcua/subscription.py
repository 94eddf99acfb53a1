"""A subscription: changes of nodes as the server tells them, none lost, and never believed to be deaf without a look.

asyncua's own queue drops the oldest of more than a thousand changes, and its way to reconnect can go deaf; so changes
are taken where they arrive, missing messages are asked for again, and whoever reads compares what was told with what
is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from collectors.driver import NoAnswer, Reading
from collectors.opcua.session import Session
from collectors.opcua.values import overflowed, reading_of
from collectors.readings import NEVER, Readings
from models.point import Point
from models.site import SubscriptionSettings
from stores.instant import microseconds

LOG = logging.getLogger(__name__)
KEEP_ALIVE_S = 5.0
"""How often a server says at least that it is there."""
MOST_A_MESSAGE = 5000
"""Changes in one message: what waits after a pause comes in several, for servers close a channel over one too long."""
DEAF = 3.0
"""After so many of these without a word a subscription is taken for dead."""
LIFETIME = 20
"""How many of these the server may wait for us before it gives the subscription up."""


class Subscription:
    """What a server has told of points since it was asked last."""

    def __init__(self, session: Session, device: str, settings: SubscriptionSettings) -> None:
        self._session = session
        self._device = device
        self._settings = settings
        self._points: dict[int, Point] = {}
        self._told: list[Reading] = []
        self._newest: dict[str, int] = {}
        self._watched: set[str] = set()
        self._id = 0
        self._number = 0
        self._heard_at = 0.0
        self._keep_alive_s = KEEP_ALIVE_S
        self._ended = ""

    async def open(self, points: Sequence[tuple[Point, ua.NodeId]]) -> None:
        """Subscribe to points; one that the server will not watch is only polled."""
        interval_s = self._settings.publish_s
        request = ua.CreateSubscriptionParameters()
        request.RequestedPublishingInterval = 1e3 * interval_s
        request.RequestedMaxKeepAliveCount = max(1, round(KEEP_ALIVE_S / interval_s))
        request.RequestedLifetimeCount = LIFETIME * request.RequestedMaxKeepAliveCount
        request.MaxNotificationsPerPublish = MOST_A_MESSAGE
        request.PublishingEnabled = True
        self._heard_at = asyncio.get_running_loop().time()
        made = await self._session.subscribe(request, self._hear)
        self._id = made.SubscriptionId
        self._keep_alive_s = max(made.RevisedMaxKeepAliveCount * made.RevisedPublishingInterval / 1e3, interval_s)
        self._points = {handle: point for handle, (point, _) in enumerate(points, start=1)}
        items = [self._item(handle, node) for handle, (_, node) in enumerate(points, start=1)]
        results = await self._session.monitor(self._id, items)
        self._watched = {
            point.name for (point, _), result in zip(points, results, strict=True) if result.StatusCode.is_good()
        }
        if len(self._watched) < len(points):
            LOG.warning("device %s: %d points are polled only", self._device, len(points) - len(self._watched))

    def take(self) -> list[Reading]:
        """Return what was told since the last time, in order; raises :class:`NoAnswer` if the server is silent."""
        silent_s = asyncio.get_running_loop().time() - self._heard_at
        if self._ended or silent_s > DEAF * self._keep_alive_s:
            raise NoAnswer(self._ended or f"subscription silent for {silent_s:.0f} s")
        told, self._told = self._told, []
        for one in told:
            if one.time is not None:
                self._newest[one.point] = max(microseconds(one.time), self._newest.get(one.point, NEVER))
        return told

    def missed(self, readings: Readings, before: datetime) -> list[str]:
        """Return the points whose present value is older than an instant and was never told: we are deaf to them."""
        if readings.time is None:
            return []
        limit, newest = microseconds(before), self._newest
        return [
            point
            for point, time in zip(readings.points, readings.time.tolist(), strict=True)
            if newest.get(point, NEVER) < time < limit and point in self._watched
        ]

    async def _hear(self, result: ua.PublishResult) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        message = result.NotificationMessage
        if not message.NotificationData:
            return
        if self._number:
            await self._catch_up(message.SequenceNumber)
        self._number = message.SequenceNumber
        self._keep(message)

    async def _catch_up(self, number: int) -> None:
        """Ask for messages that did not arrive."""
        for missing in range(self._number + 1, number):
            try:
                self._keep(await self._session.republish(self._id, missing))
            except NoAnswer as error:
                LOG.warning("device %s: message %d of its subscription is lost (%s)", self._device, missing, error)

    def _keep(self, message: ua.NotificationMessage) -> None:
        for part in message.NotificationData or ():
            if isinstance(part, ua.DataChangeNotification):
                for item in part.MonitoredItems:
                    point = self._points.get(item.ClientHandle)
                    if point is not None:
                        self._told.append(reading_of(point, item.Value))
                        if overflowed(item.Value):
                            LOG.warning("device %s: point %s changed too often", self._device, point.name)
            elif isinstance(part, ua.StatusChangeNotification):
                self._ended = f"subscription ended ({part.Status.name})"

    def _item(self, handle: int, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor.NodeId = node
        item.ItemToMonitor.AttributeId = AttributeIds.Value
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = handle
        item.RequestedParameters.SamplingInterval = 1e3 * self._settings.sampling_s
        item.RequestedParameters.QueueSize = self._settings.queue
        item.RequestedParameters.DiscardOldest = True
        return item
