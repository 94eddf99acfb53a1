"""A polite look at one Modbus host: which units answer, and where they have registers. Reads only, and only so much.

One request at a time with a pause after each, a bound on how many there are in all; nothing that writes, and no search
for hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from collectors.driver import NoAnswer
from collectors.modbus.frame import FUNCTIONS, Reply, Request
from collectors.modbus.plan import BIT_TABLES
from collectors.modbus.wire import Wire

FIRST_LOOK = 1
"""How many registers are asked for to see whether a unit is there: any answer, a refusal too, says that it is."""
STEP = 64
"""Registers asked for at once in search of those that are there; a refused stretch is asked for in halves."""
_ABSENT = (4, 10, 11)
"""What is said of a unit that is not there: by a gateway, and by servers that look for it and fail."""
_OF_A_PART = (0, 2, 3)
"""Answers that may concern a part of a stretch only: too few registers, and an address or a count that is refused."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Registers, or bits, that are there: ``start`` to ``start + count - 1``, with what they hold now."""

    table: str
    start: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that answers."""

    unit_id: int
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found; ``complete`` unless the bound on requests was reached before the end."""

    units: tuple[Unit, ...]
    requests: int
    complete: bool


class Scan:
    """Asks a host at most ``most`` requests, ``pause_s`` apart."""

    def __init__(self, wire: Wire, timeout_s: float, pause_s: float = 0.05, most: int = 2000) -> None:
        self._wire = wire
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._most = most
        self._asked = 0

    async def look(self, units: Sequence[int], tables: Sequence[str], first: int, last: int) -> Scanned:
        """Return the units that answer and their registers from ``first`` to ``last``; raises :class:`NoAnswer`."""
        await self._wire.join("scan", self._timeout_s)
        found, complete = [], True
        try:
            for unit in units:
                try:
                    if await self._is_there(unit):
                        stretches = [one for table in tables for one in await self._stretches(unit, table, first, last)]
                        found.append(Unit(unit, tuple(stretches)))
                except _Enough:
                    complete = False
                    break
        finally:
            self._wire.leave("scan")
        return Scanned(tuple(found), self._asked, complete)

    async def _is_there(self, unit: int) -> bool:
        for table in ("holding", "input"):
            try:
                reply = await self._exchange(Request(unit, table, 0, FIRST_LOOK))
            except NoAnswer:
                return False
            if reply.exception not in _ABSENT:
                return True
        return False

    async def _stretches(self, unit: int, table: str, first: int, last: int) -> list[Stretch]:
        """Return what is there, neighbours joined."""
        joined: list[Stretch] = []
        step = 16 * STEP if table in BIT_TABLES else STEP
        for start in range(first, last + 1, step):
            for one in await self._parts(unit, table, start, min(step, last + 1 - start)):
                before = joined[-1] if joined else None
                if before is not None and before.start + len(before.values) == one.start:
                    joined[-1] = Stretch(table, before.start, before.values + one.values)
                else:
                    joined.append(one)
        return joined

    async def _parts(self, unit: int, table: str, start: int, count: int) -> list[Stretch]:
        request = Request(unit, table, start, count)
        try:
            values = await self._ask(request)
        except NoAnswer:
            return []
        if values:
            return [Stretch(table, start, _numbers(request, values))]
        if values is None or count == 1:
            return []
        half = count // 2
        return [
            *await self._parts(unit, table, start, half),
            *await self._parts(unit, table, start + half, count - half),
        ]

    async def _ask(self, request: Request) -> bytes | None:
        """Return values, nothing where a part of them may be refused, None where all are, for another reason."""
        reply = await self._exchange(request)
        if reply.exception not in _OF_A_PART:
            return None
        return reply.values if len(reply.values) == request.length else b""

    async def _exchange(self, request: Request) -> Reply:
        if self._asked >= self._most:
            raise _Enough
        if self._asked:
            await asyncio.sleep(self._pause_s)
        self._asked += 1
        await self._wire.join("scan", self._timeout_s)
        return await self._wire.ask(request, self._timeout_s)


class _Enough(Exception):
    """As many requests as were allowed have been asked."""


def _numbers(request: Request, values: bytes) -> tuple[int, ...]:
    if request.function in (FUNCTIONS["coil"], FUNCTIONS["discrete"]):
        return tuple(values[bit >> 3] >> (bit & 7) & 1 for bit in range(request.count))
    return tuple(int.from_bytes(values[place : place + 2], "big") for place in range(0, len(values), 2))
