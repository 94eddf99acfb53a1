"""A Modbus TCP device, asked in planned blocks. Nothing here can write: only read functions are called."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from collectors.driver import Answer, NoAnswer, Reading
from collectors.modbus.decode import bit_of, decode
from collectors.modbus.plan import Block, Wanted, address_of, plan, smaller, wanted_of
from models.point import Point
from models.problem import Problem
from models.sample import Quality
from models.site import Device

CLOCK = -1
"""The place of the device's clock among what is wanted."""
_CLOCK_WIDTH = 4
_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_SPLIT = (ExcCodes.ILLEGAL_ADDRESS, ExcCodes.ILLEGAL_VALUE)
"""Refusals that may concern a part of a block only."""
_GATEWAY = (ExcCodes.GATEWAY_PATH_UNAVIABLE, ExcCodes.GATEWAY_NO_RESPONSE)
"""What a gateway says of a unit that does not answer."""


class ModbusDriver:
    """One unit behind one TCP connection, one request at a time."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._client: AsyncModbusTcpClient | None = None
        self._clock = address_of(device.clock_address) if device.clock_address else None
        self._plans: dict[tuple[str, ...], list[Block]] = {}

    async def connect(self) -> None:
        """Open a connection, unless there is one."""
        if self._client is not None and self._client.connected:
            return
        await self.close()
        # A client for each connection: what comes late on an old one is no answer on the next. Whoever polls decides
        # when to try again; the library would wait up to five minutes.
        client = AsyncModbusTcpClient(
            self._device.host,
            port=self._device.port,
            timeout=self._device.timeout_s,
            retries=0,
            reconnect_delay=0,
            name=self._device.name,
        )
        try:
            reached = await client.connect()
        except (OSError, ModbusException) as error:
            raise NoAnswer("no connection") from error
        if not reached:
            raise NoAnswer("no connection")
        self._client = client

    async def read(self, points: Sequence[Point]) -> Answer:
        """Return a reading of every point; what the device refuses spoils no more than its own."""
        key = tuple(point.name for point in points)
        waiting = deque(self._plans.get(key) or plan(self._wanted(points)))
        asked: list[Block] = []
        values: dict[int, list[int]] = {}
        refusals: dict[int, str] = {}
        while waiting:
            block = waiting.popleft()
            try:
                got = await self._block(block)
            except _Refused as refusal:
                parts = smaller(block) if refusal.code in _SPLIT else []
                if parts:
                    waiting.extendleft(reversed(parts))
                    continue
                refusals.update((one.place, str(refusal)) for one in block.wanted)
            else:
                for one in block.wanted:
                    values[one.place] = got[one.address.start - block.start :][: one.width]
            asked.append(block)
        # What a device refuses now it will refuse again: from here on it is asked around.
        self._plans[key] = asked
        clock = _time(values[CLOCK]) if CLOCK in values else None
        readings = (
            _reading(point, values[place]) if place in values else _refused(point, refusals[place])
            for place, point in enumerate(points)
        )
        return Answer(tuple(readings), clock)

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        self._plans.clear()
        if client is not None:
            client.close()

    def _wanted(self, points: Sequence[Point]) -> list[Wanted]:
        wanted = wanted_of(points)
        if self._clock is not None:
            wanted.append(Wanted(CLOCK, self._clock, _CLOCK_WIDTH))
        return wanted

    async def _block(self, block: Block) -> list[int]:
        client = self._client
        if client is None:
            raise NoAnswer("no connection")
        ask = {
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
        }[block.table]
        try:
            reply: ModbusPDU = await ask(block.start, count=block.count, device_id=self._device.unit_id)
        except (OSError, ModbusException) as error:
            raise NoAnswer("timeout" if client.connected else "connection lost") from error
        if reply.isError():
            if reply.exception_code in _GATEWAY:
                raise NoAnswer("gateway: unit does not answer")
            raise _Refused(reply.exception_code, f"refused: {_name_of(reply.exception_code)}")
        if reply.function_code != _FUNCTIONS[block.table]:
            raise NoAnswer(f"answers function {reply.function_code} for {_FUNCTIONS[block.table]}")
        of_bits = block.table in ("coil", "discrete")
        values = [int(value) for value in (reply.bits if of_bits else reply.registers)]
        expected = math.ceil(block.count / 8) * 8 if of_bits else block.count
        # The library reports a reply that is too short as a success.
        if len(values) != expected:
            raise _Refused(0, f"short reply: {len(values)} of {expected}")
        return values


class _Refused(Exception):
    """The device answered, but not with what was asked; ``code`` is the exception of the protocol, or 0."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


def check_points(device: Device, points: Sequence[Point], site_file: str, points_file: str) -> list[Problem]:
    """Return what keeps the points of a device from being read."""
    problems = []
    try:
        clock = address_of(device.clock_address) if device.clock_address else None
        if clock is not None and clock.is_bit:
            raise ValueError(f'address "{device.clock_address}", expected registers such as holding/0')
    except ValueError as error:
        problems.append(Problem(f"device {device.name}: clock_{error}", site_file, device.line))
    for point in points:
        try:
            wanted_of([point])
        except ValueError as error:
            problems.append(Problem(f"point {point.name}: {error}", points_file, point.line))
    return problems


def _reading(point: Point, values: Sequence[int]) -> Reading:
    address = address_of(point.address)
    if address.bit is not None:
        raw = bit_of(values[0], address.bit)
    else:
        raw = decode(values, "bit" if address.is_bit else point.data_type, point.byte_order)
    value = raw * point.scale + point.offset
    if not math.isfinite(value):
        return Reading(point.name, math.nan, Quality.BAD, "not a number")
    return Reading(point.name, value)


def _refused(point: Point, why: str) -> Reading:
    return Reading(point.name, math.nan, Quality.BAD, why)


def _time(registers: Sequence[int]) -> datetime | None:
    try:
        return datetime.fromtimestamp(decode(registers, "uint64") / 1e3, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _name_of(code: int) -> str:
    known = next((one.name for one in ExcCodes if one.value == code), f"exception {code}")
    return known.lower().replace("_", " ")
