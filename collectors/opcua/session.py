"""A session with a server: its reading services, each in calls no larger than the server allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import ServiceError
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import get_name_and_doc
from asyncua.ua.uaerrors import UaError

from collectors.driver import NoAnswer
from collectors.opcua.security import secure
from collectors.opcua.values import number_of
from models.site import Device

MOST_A_CALL = 1000
"""Nodes in one call where the server names no limit, or a larger one: a call must end within its timeout."""
PROBE_S = 30.0
"""How often asyncua looks whether the server is there, and how long it waits for that: by itself it is a second, and a
loop that stood still for longer, or a server that was busy, ended the session."""
CONNECT = 4.0
"""Reaching a server takes this many exchanges, each of which may take the device's timeout."""
FAILURES = (OSError, TimeoutError, UaError, ServiceError, ValueError, AssertionError)
"""What asyncua raises when a server is gone, says no, or speaks nonsense; of a refused channel it asserts an answer."""
_READ = ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead
_OTHERS = (
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData,
    ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
)
_T = TypeVar("_T")
Told = Callable[[ua.PublishResult], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """The most nodes, or items, that one call may name."""

    read: int = 1
    items: int = 1
    history: int = 1
    browse: int = 1


class Session:
    """One session. Every method may raise :class:`NoAnswer`: the server is silent, says no, or speaks nonsense."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.limits = OperationLimits()

    @classmethod
    async def open(cls, device: Device) -> Session:
        """Reach the server, make sure of it, log in, and learn its limits."""
        client = Client(device.url, timeout=device.timeout_s, watchdog_intervall=PROBE_S)
        client.name = "Hydro"
        session = cls(client)
        try:
            with plainly("no connection"):
                async with asyncio.timeout(device.timeout_s * CONNECT):
                    await secure(client, device)
                    await client.connect()
                    await session._learn_limits()
        except BaseException:
            client.disconnect_socket()
            raise
        return session

    async def close(self, timeout_s: float) -> None:
        """End the session; never raises."""
        try:
            await asyncio.wait_for(self._client.disconnect(), timeout_s)
        except (*FAILURES, RuntimeError):
            # The other side is gone already; there is nobody left to take leave of.
            pass
        finally:
            self._client.disconnect_socket()

    async def read(self, nodes: Sequence[ua.NodeId], attribute: int = AttributeIds.Value) -> list[ua.DataValue]:
        """Return an attribute of every node."""
        values: list[ua.DataValue] = []
        for part in parts(nodes, self.limits.read):
            with plainly():
                values += await self._client.uaclient.read_attributes(part, attribute)
        if len(values) != len(nodes):
            raise NoAnswer(f"{len(values)} values for {len(nodes)} nodes")
        return values

    async def history(self, request: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """Return what the server remembers, as one call asks for it."""
        with plainly():
            found: list[ua.HistoryReadResult] = await self._client.uaclient.history_read(request)
        return found

    async def browse(self, request: ua.BrowseParameters) -> list[ua.BrowseResult]:
        """Return what a node or several refer to, as far as one call tells."""
        with plainly():
            found: list[ua.BrowseResult] = await self._client.uaclient.browse(request)
        return found

    async def browse_on(self, request: ua.BrowseNextParameters) -> list[ua.BrowseResult]:
        """Return what did not fit into the answer before."""
        with plainly():
            found: list[ua.BrowseResult] = await self._client.uaclient.browse_next(request)
        return found

    async def subscribe(self, request: ua.CreateSubscriptionParameters, told: Told) -> ua.CreateSubscriptionResult:
        """Open a subscription; ``told`` is called with whatever the server publishes."""
        with plainly():
            return await self._client.uaclient.create_subscription(request, told)

    async def monitor(
        self, subscription: int, items: Sequence[ua.MonitoredItemCreateRequest]
    ) -> list[ua.MonitoredItemCreateResult]:
        """Have the server watch items for a subscription."""
        made: list[ua.MonitoredItemCreateResult] = []
        for part in parts(items, self.limits.items):
            request = ua.CreateMonitoredItemsParameters()
            request.SubscriptionId = subscription
            request.TimestampsToReturn = ua.TimestampsToReturn.Both
            request.ItemsToCreate = part
            with plainly():
                made += await self._client.uaclient.create_monitored_items(request)
        return made

    async def republish(self, subscription: int, number: int) -> ua.NotificationMessage:
        """Return a message of a subscription that did not arrive."""
        with plainly():
            return await self._client.uaclient.session.republish(subscription, number)

    async def _learn_limits(self) -> None:
        (read,) = await self.read([standard(_READ)])
        self.limits = OperationLimits(read=_limit(read))
        others = await self.read([standard(one) for one in _OTHERS])
        self.limits = OperationLimits(_limit(read), *map(_limit, others))


def standard(number: int) -> ua.NodeId:
    """Return a node of the standard's own."""
    return ua.NodeId(ua.Int32(number))


def parts(things: Sequence[_T], most: int) -> Iterator[list[_T]]:
    """Yield things in lists of at most so many."""
    for first in range(0, len(things), most):
        yield list(things[first : first + most])


@contextmanager
def plainly(otherwise: str = "connection lost") -> Iterator[None]:
    """Turn what asyncua raises into a few words."""
    try:
        yield
    except FAILURES as error:
        raise NoAnswer(_why(error, otherwise)) from error


def _limit(value: ua.DataValue) -> int:
    named = number_of(value)
    return min(int(named), MOST_A_CALL) if named >= 1 else MOST_A_CALL


def _why(error: BaseException, otherwise: str) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ServiceError):
        return str(get_name_and_doc(error.code)[0])
    if isinstance(error, UaError):
        code = getattr(error, "code", None)
        return type(error).__name__ if code is None else str(get_name_and_doc(code)[0])
    return str(error) if isinstance(error, ValueError) else otherwise
