"""An OPC UA server for a SCADA device: one node a point, with source timestamps in plant time and status codes."""

from __future__ import annotations

import errno
import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError

from models.point import Point
from models.problem import Problem, Unavailable
from models.sample import Quality
from models.site import Device
from simulator.instruments import Reading
from simulator.registers import is_integer

_TYPES = {
    "bit": ua.VariantType.Boolean,
    "int16": ua.VariantType.Int16,
    "uint16": ua.VariantType.UInt16,
    "int32": ua.VariantType.Int32,
    "uint32": ua.VariantType.UInt32,
    "int64": ua.VariantType.Int64,
    "uint64": ua.VariantType.UInt64,
    "float32": ua.VariantType.Float,
    "float64": ua.VariantType.Double,
}
_STATUS = {
    Quality.GOOD: ua.StatusCode(ua.UInt32(StatusCodes.Good)),
    Quality.UNCERTAIN: ua.StatusCode(ua.UInt32(StatusCodes.UncertainLastUsableValue)),
    Quality.BAD: ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure)),
}
_CURRENT_TIME = ua.NodeId(ua.Int32(ObjectIds.Server_ServerStatus_CurrentTime))


class _OneUser(UserManager):
    """Lets in whoever knows the name and the word of the device, or everybody where it declares none."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def get_user(
        self,
        iserver: object,  # noqa: ARG002
        username: str | None = None,
        password: str | None = None,
        certificate: object = None,  # noqa: ARG002
    ) -> User | None:
        if self._device.username and (username, password) != (self._device.username, self._device.password):
            return None
        return User(role=UserRole.User)


class Scada:
    """The server of one device."""

    def __init__(self, device: Device, points: Sequence[Point]) -> None:
        self._device = device
        self._nodes = [(point, ua.NodeId.from_string(point.address)) for point in points]
        self._server: Server | None = None
        self._listens = False

    async def publish(self, time: datetime, readings: Mapping[str, Reading], off: set[str]) -> None:
        """Show ``readings`` of ``time``; while the device is in ``off`` nobody listens.

        Raises
        ------
        Unavailable
            The port is in use.
        """
        server = self._server = self._server or await self._build()
        for point, node in self._nodes:
            await server.write_attribute_value(node, _data_value(point, readings[point.name], time))
        # A server's own clock is the plant's here.
        now = ua.Variant(time, ua.VariantType.DateTime)
        await server.write_attribute_value(_CURRENT_TIME, _stamped(now, Quality.GOOD, time))
        if self._listens != (self._device.name not in off):
            await (self._hang_up() if self._listens else self._listen(server))

    async def close(self) -> None:
        """Stop for good."""
        if self._server is not None and self._listens:
            await self._server.stop()
        self._server, self._listens = None, False

    async def _build(self) -> Server:
        server = Server(user_manager=_OneUser(self._device))
        await server.init()
        server.disable_clock()
        server.set_endpoint(self._device.url)
        server.set_server_name(self._device.name)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        for index in range(2, max((node.NamespaceIndex for _, node in self._nodes), default=1) + 1):
            await server.register_namespace(f"urn:hydro:plant:{index}")
        folder = await server.nodes.objects.add_folder(1, self._device.name)
        for point, node in self._nodes:
            kind = _TYPES.get(point.data_type, ua.VariantType.Double)
            await folder.add_variable(node, point.name, _plain(point, 0.0), kind)
        return server

    async def _listen(self, server: Server) -> None:
        chatter = logging.getLogger("asyncua.server.server")
        level = chatter.level
        # It warns that None is no security, and logs a traceback when the port is taken.
        chatter.setLevel(logging.CRITICAL)
        try:
            if server.bserver is None:
                await server.start()
            else:
                await server.bserver.start()
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
            raise Unavailable(f"device {self._device.name}: {self._device.url} {why}") from error
        finally:
            chatter.setLevel(level)
        self._listens = True

    async def _hang_up(self) -> None:
        if self._server is not None and self._server.bserver is not None:
            await self._server.bserver.stop()
        self._listens = False


def check_nodes(device: Device, points: Sequence[Point]) -> list[Problem]:
    """Return what is wrong with the node ids of an OPC UA device's points."""
    problems: list[Problem] = []
    seen: set[ua.NodeId] = set()
    for point in points:
        try:
            node = ua.NodeId.from_string(point.address)
        except UaError:
            text = f"point {point.name}: address {point.address!r}, expected a NodeId such as ns=2;s=PS1.Flow"
            problems.append(Problem(text, "points.csv", point.line))
            continue
        if node in seen or node.NamespaceIndex == 0:
            text = f"point {point.name}: address {point.address} is taken already or in the standard's own namespace"
            problems.append(Problem(text, "points.csv", point.line))
        seen.add(node)
    if not device.url.startswith("opc.tcp://"):
        text = f"device {device.name}: url {device.url!r}, expected one such as opc.tcp://127.0.0.1:4840"
        problems.append(Problem(text, "site.toml", device.line))
    return problems


def _data_value(point: Point, reading: Reading, time: datetime) -> ua.DataValue:
    kind = _TYPES.get(point.data_type, ua.VariantType.Double)
    value = ua.Variant(_plain(point, reading.raw), kind)
    return _stamped(value, reading.quality, time)


def _stamped(value: ua.Variant, quality: Quality, time: datetime) -> ua.DataValue:
    stamp = ua.DateTime(time.year, time.month, time.day, time.hour, time.minute, time.second, time.microsecond, UTC)
    return ua.DataValue(value, _STATUS[quality], SourceTimestamp=stamp)


def _plain(point: Point, raw: float) -> float | int | bool:
    if point.data_type == "bit":
        return raw != 0
    return int(raw) if is_integer(point.data_type) and math.isfinite(raw) else float(raw)
