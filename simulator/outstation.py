"""A Modbus TCP server for the outstations of one host and port. Read-only: a write is refused as an illegal function.

pymodbus keeps registers of its own; before each answer they are overwritten, by the hook it offers, with the image of
the latest scan. The image is replaced as a whole, so that an answer never mixes two instants.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from models.problem import Unavailable
from simulator.instruments import Reading
from simulator.register_map import Image, RegisterMap
from simulator.registers import TABLES, Table

_TABLE_OF = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_UNUSED = 0xFFFF
"""Stands in a table without registers: pymodbus wants one, and it answers with an illegal address."""


class Outstation:
    """The server behind one host and port, with a unit for each device there."""

    def __init__(self, maps: list[RegisterMap]) -> None:
        self._maps = maps
        self._device = maps[0].device
        self._images: dict[int, Image] = {}
        self._off: set[str] = set()
        self._server: ModbusTcpServer | None = None

    async def publish(self, time: datetime, readings: Mapping[str, Reading], off: set[str]) -> None:
        """Show ``readings`` of ``time``; devices in ``off`` do not answer, and with all of them off nobody listens.

        Raises
        ------
        Unavailable
            The port is in use.
        """
        self._images = {layout.device.unit_id: layout.image(time, readings) for layout in self._maps}
        self._off = {layout.device.name for layout in self._maps} & off
        if len(self._off) == len(self._maps):
            await self.close()
        elif self._server is None:
            await self._listen()

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    async def _listen(self) -> None:
        host, port = self._device.host, self._device.port
        framer = FramerType.RTU if self._device.protocol == "modbus-rtu-tcp" else FramerType.SOCKET
        server = ModbusTcpServer([self._unit(layout) for layout in self._maps], framer=framer, address=(host, port))
        # It says by itself, in several lines, what the message below says in one.
        chatter = logging.getLogger("pymodbus.logging")
        level = chatter.level
        chatter.setLevel(logging.CRITICAL)
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise Unavailable(f"device {self._device.name}: port {port} of {host} is in use or not ours") from error
        finally:
            chatter.setLevel(level)
        self._server = server

    def _unit(self, layout: RegisterMap) -> SimDevice:
        tables = self._images[layout.device.unit_id].tables

        async def answer(
            function: int, start: int, _address: int, _count: int, registers: list[int], values: object
        ) -> ExcCodes | None:
            if layout.device.name in self._off:
                return ExcCodes.GATEWAY_NO_RESPONSE
            if values is not None or function not in _TABLE_OF:
                return ExcCodes.ILLEGAL_FUNCTION
            table: Table = _TABLE_OF[function]  # type: ignore[assignment]
            _fill(registers, start, table, self._images[layout.device.unit_id].tables[table])
            return None

        coils, discretes, holding, inputs = (_block(table, tables[table]) for table in TABLES)
        blocks = (coils, discretes, holding, inputs)
        return SimDevice(layout.device.unit_id, simdata=blocks, action=answer)


def _fill(registers: list[int], start: int, table: Table, values: Mapping[int, int]) -> None:
    """Write the values of a table over pymodbus' registers; coils lie sixteen to a register there."""
    if table in ("holding", "input"):
        for number, value in values.items():
            registers[number - start] = value
        return
    words: dict[int, int] = {}
    for number, value in values.items():
        words[number // 16] = words.get(number // 16, 0) | (value << number % 16)
    for word, value in words.items():
        registers[word - start] = value


def _block(table: Table, values: Mapping[int, int]) -> list[SimData]:
    """Declare the registers that exist; what lies between them is refused, as real outstations do."""
    if table in ("holding", "input"):
        kept = [SimData(number, values=value, datatype=DataType.REGISTERS) for number, value in sorted(values.items())]
        return kept or [SimData(_UNUSED, datatype=DataType.INVALID)]
    return [
        SimData(number, values=[bool(value)], datatype=DataType.BITS) for number, value in sorted(values.items())
    ] or [SimData(_UNUSED, values=[False], datatype=DataType.BITS)]
