"""Requests and replies of Modbus on the wire. Pure; and no request can be built but one that reads.

Sources: MODBUS Application Protocol Specification V1.1b3; MODBUS over Serial Line V1.02; MODBUS Messaging on TCP/IP
Implementation Guide V1.0b; MODBUS/TCP Security V2.1 (the TCP framing within TLS).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The functions that read, by the table they read."""
MOST_REGISTERS, MOST_BITS = 125, 2000
"""What the protocol lets one request ask for."""
_REFUSED = 0x80
_MBAP, _BODY = struct.Struct(">HHHB"), struct.Struct(">BHH")
_LONGEST = 254
"""Unit, function and content of the longest reply [bytes]."""


class Garbled(Exception):
    """What came is no Modbus at all: another protocol is spoken here."""


@dataclass(frozen=True, slots=True)
class Request:
    """Reads ``count`` registers, or bits, of a ``table`` from ``start`` at a unit."""

    unit: int
    table: str
    start: int
    count: int

    @property
    def function(self) -> int:
        """The function's code, 1 to 4."""
        return FUNCTIONS[self.table]

    @property
    def length(self) -> int:
        """Bytes of values in the reply."""
        return (self.count + 7) // 8 if self.function <= 2 else 2 * self.count

    def body(self) -> bytes:
        """Return function, start and count as they are sent."""
        return _BODY.pack(self.function, self.start, self.count)


@dataclass(frozen=True, slots=True)
class Reply:
    """One frame that came: ``values`` or, where the unit refused, the code of the ``exception``.

    ``number`` is that of the request where the framing carries one, else 0.
    """

    unit: int
    function: int
    values: bytes
    exception: int = 0
    number: int = 0


class Framing(Protocol):
    """How requests and replies are told apart on a stream of bytes; ``numbered`` if replies carry their request's."""

    numbered: bool

    def wrap(self, request: Request, number: int) -> bytes:
        """Return a request as it is sent."""

    def take(self, received: bytes) -> tuple[int, Reply | None]:
        """Return how many bytes of what was received are done with, and the reply they end with, if one is whole.

        Raises
        ------
        Garbled
            This cannot become a reply any more.
        """


class TcpFraming:
    """A header with number, length and unit before each body."""

    numbered = True

    def wrap(self, request: Request, number: int) -> bytes:
        """Return a request as it is sent."""
        return _MBAP.pack(number, 0, 6, request.unit) + request.body()

    def take(self, received: bytes) -> tuple[int, Reply | None]:
        """Return the first whole reply."""
        if len(received) < _MBAP.size:
            return 0, None
        number, protocol, length, unit = _MBAP.unpack_from(received)
        if protocol != 0 or not 3 <= length <= _LONGEST:
            raise Garbled(f"no Modbus TCP: {received[:8].hex(' ')}")
        end = 6 + length
        if len(received) < end:
            return 0, None
        return end, _reply(unit, received[_MBAP.size : end], number)


class RtuFraming:
    """A unit before and a checksum after each body; silence between frames, which nobody can rely on behind a gateway.

    What is no frame is skipped byte by byte: noise, an adapter's echo of the request, the rest of a broken frame.
    """

    numbered = False

    def wrap(self, request: Request, number: int) -> bytes:  # noqa: ARG002
        """Return a request as it is sent."""
        frame = bytes([request.unit]) + request.body()
        return frame + crc16(frame).to_bytes(2, "little")

    def take(self, received: bytes) -> tuple[int, Reply | None]:
        """Return the first whole reply to a reading function, past what is none."""
        begun = None
        for start in range(len(received) - 4):
            length = _rtu_length(received, start)
            end = start + length
            if length == 0:
                continue
            if end > len(received):
                # Perhaps the rest is still to come; perhaps this is noise, and a whole frame stands behind it.
                begun = start if begun is None else begun
            elif crc16(received[start : end - 2]) == int.from_bytes(received[end - 2 : end], "little"):
                return end, _reply(received[start], received[start + 1 : end - 2], 0)
        return max(0, len(received) - 4) if begun is None else begun, None


def crc16(data: bytes) -> int:
    """Return the checksum of a serial frame: polynomial 0xA001, reflected, beginning with 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC_TABLE[(value ^ byte) & 0xFF]
    return value


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC_TABLE = tuple(_crc_of_byte(byte) for byte in range(256))


def _rtu_length(received: bytes, start: int) -> int:
    """Return how long a reply to a reading function would be that begins here [bytes], 0 if none can."""
    function = received[start + 1]
    if function & ~_REFUSED not in FUNCTIONS.values():
        return 0
    return 5 if function & _REFUSED else 5 + received[start + 2]


def _reply(unit: int, body: bytes, number: int) -> Reply:
    """Return the reply in a body; one whose byte count is wrong has no values."""
    function = body[0]
    if function & _REFUSED:
        return Reply(unit, function & ~_REFUSED, b"", body[1], number)
    values = body[2:]
    return Reply(unit, function, values if len(values) == body[1] else b"", 0, number)
