"""The wires of a site: devices behind one host and port, or on one serial line, share one."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections import Counter
from collections.abc import Iterable

from collectors.modbus.frame import RtuFraming, TcpFraming
from collectors.modbus.wire import Connect, Transport, Wire
from models.site import Device, SecuritySettings

_CHARACTER_BITS = 11
"""Bits of a character on a serial line: start, eight, parity, stop."""
_SHORTEST_SILENCE_S = 1.75e-3
"""Between frames on lines faster than 19,200 baud; slower ones take 3.5 characters."""


def place_of(device: Device) -> str:
    """Return where a device is: those at one place share a wire."""
    return device.serial.port if device.protocol == "modbus-rtu" else f"{device.host}:{device.port}"


class Wires:
    """One wire for each place of the devices, made when it is first asked for."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._units: Counter[str] = Counter()
        self._wires: dict[tuple[object, ...], Wire] = {}
        self.adopt(devices)

    def adopt(self, devices: Iterable[Device]) -> None:
        """Know the devices, as they are now."""
        self._units = Counter(place_of(device) for device in devices)

    def of(self, device: Device) -> Wire:
        """Return the wire to a device."""
        key = (place_of(device), device.protocol, device.serial, device.security)
        if key not in self._wires:
            framing = TcpFraming() if device.protocol in ("modbus-tcp", "modbus-tls") else RtuFraming()
            self._wires[key] = Wire(_connect_of(device), framing, _pause_s(device))
        return self._wires[key]

    def units(self, device: Device) -> int:
        """Return how many devices share its wire."""
        return max(1, self._units[place_of(device)])


def tls_context(security: SecuritySettings) -> ssl.SSLContext:
    """Return how a TLS device is made sure of, and how we are if it asks; raises ``OSError``.

    Without a certificate that is trusted no device is.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if security.trusted is not None:
        from cryptography.hazmat.primitives.serialization import Encoding

        from collectors.certificates import certificates_in

        try:
            for certificate in certificates_in(security.trusted):
                context.load_verify_locations(cadata=certificate.public_bytes(Encoding.DER))
        except ValueError as error:
            raise OSError(errno.EINVAL, str(error)) from error
    if security.certificate is not None:
        context.load_cert_chain(security.certificate, security.key)
    return context


def _connect_of(device: Device) -> Connect:
    if device.protocol == "modbus-rtu":
        from collectors.modbus.serial_port import SerialPort

        async def connect_serial(protocol: asyncio.Protocol) -> Transport:
            return SerialPort(device.serial, protocol)

        return connect_serial

    async def connect(protocol: asyncio.Protocol) -> Transport:
        context = None
        if device.protocol == "modbus-tls":
            context = await asyncio.to_thread(tls_context, device.security)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: protocol, device.host, device.port, ssl=context)
        return transport

    return connect


def _pause_s(device: Device) -> float:
    if device.protocol != "modbus-rtu":
        return device.blocks.pause_s
    silence_s = max(3.5 * _CHARACTER_BITS / device.serial.baud, _SHORTEST_SILENCE_S)
    return max(device.blocks.pause_s, silence_s)
