"""A Modbus TCP device, asked in planned blocks. Nothing here can write: only read functions are called."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from collectors.driver import NoAnswer, Reading
from collectors.modbus.decode import decode
from collectors.modbus.plan import WIDTH, Address, Block, address_of, plan
from models.point import Point
from models.sample import Quality
from models.site import Device

_CLOCK_REGISTERS = 4


class ModbusDriver:
    """One unit behind one TCP connection, one request at a time."""

    def __init__(self, device: Device) -> None:
        self._device = device
        # The schedule probes on its own; a library that waits five minutes between attempts would hide the device.
        self._client = AsyncModbusTcpClient(
            device.host, port=device.port, timeout=device.timeout_s, retries=0, reconnect_delay=0, name=device.name
        )
        self._plans: dict[tuple[str, ...], list[Block]] = {}

    async def connect(self) -> None:
        """Open the connection."""
        if self._client.connected:
            return
        try:
            reached = await asyncio.wait_for(self._client.connect(), self._device.timeout_s + 1.0)
        except (OSError, TimeoutError, ModbusException) as error:
            raise NoAnswer("no connection") from error
        if not reached:
            raise NoAnswer("no connection")

    async def read(self, points: Sequence[Point]) -> list[Reading]:
        """Return a reading of every point, block by block; a block that the device refuses spoils only its own."""
        key = tuple(point.name for point in points)
        blocks = self._plans.setdefault(key, plan(points))
        readings: list[Reading] = []
        kept: list[Block] = []
        for block in blocks:
            try:
                readings += await self._values(block)
                kept.append(block)
            except _Refused:
                # A device may refuse a block for a register in it that nobody wants: ask around the holes from now on.
                smaller = plan([point for point, _ in block.points], gap=0)
                kept += smaller
                for one in smaller:
                    readings += await self._or_bad(one)
        self._plans[key] = kept
        return readings

    async def _or_bad(self, block: Block) -> list[Reading]:
        try:
            return await self._values(block)
        except _Refused as refusal:
            return [Reading(point.name, float("nan"), Quality.BAD, str(refusal)) for point, _ in block.points]

    async def _values(self, block: Block) -> list[Reading]:
        values = await self._block(block.table, block.start, block.count)
        return [_reading(point, address, block, values) for point, address in block.points]

    async def clock(self) -> datetime | None:
        """Return the device's clock where it declares one."""
        if not self._device.clock_address:
            return None
        address = address_of(self._device.clock_address)
        try:
            words = await self._block(address.table, address.start, _CLOCK_REGISTERS)
        except _Refused as refusal:
            raise NoAnswer(str(refusal)) from refusal
        return datetime.fromtimestamp(decode(words, "uint64") / 1e3, UTC)

    async def close(self) -> None:
        """Close the connection."""
        self._client.close()

    async def _block(self, table: str, start: int, count: int) -> list[int]:
        ask = {
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
        }[table]
        try:
            reply: ModbusPDU = await ask(start, count=count, device_id=self._device.unit_id)
        except (ModbusException, TimeoutError, OSError, asyncio.CancelledError) as error:
            current = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and current is not None and current.cancelling():
                raise
            # A late reply to this request must not be taken for the answer to the next.
            self._client.close()
            raise NoAnswer("timeout") from error
        if reply.isError():
            raise _Refused(f"device refuses {table}/{start}, {count} long: exception {reply.exception_code}")
        values = list(reply.bits) if table in ("coil", "discrete") else list(reply.registers)
        # The library reports a reply that is too short as a success. Bits come padded to whole bytes.
        if len(values) < count or (table in ("holding", "input") and len(values) != count):
            raise _Refused(f"short reply: {len(values)} of {count} at {table}/{start}")
        return [int(value) for value in values[:count]]


class _Refused(Exception):
    """The device answered, but not with what was asked."""


def _reading(point: Point, address: Address, block: Block, values: list[int]) -> Reading:
    place = address.start - block.start
    single = address.table in ("coil", "discrete") or address.bit >= 0
    width = 1 if single else WIDTH[point.data_type]
    data_type = "bit" if single else point.data_type
    raw = decode(values[place : place + width], data_type, point.byte_order, address.bit)
    if raw != raw:
        return Reading(point.name, raw, Quality.BAD, "not a number")
    return Reading(point.name, raw * point.scale + point.offset)
