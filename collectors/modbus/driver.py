"""A Modbus unit, asked in planned blocks over its wire. Nothing here can write: no such request can be built."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from collectors.driver import Answer, NoAnswer, Reading
from collectors.modbus.decode import Field, Layout
from collectors.modbus.frame import Request
from collectors.modbus.plan import BIT_TABLES, Block, Hole, Limits, Wanted, address_of, gaps, plan, smaller, wanted_of
from collectors.modbus.wire import Wire
from collectors.readings import Fault, Readings
from models.point import Point
from models.sample import Quality
from models.site import Device
from stores.columns import Floats, Ints

CLOCK = -1
"""The place of the device's clock among what is wanted: behind all points, however many."""
_CLOCK_WIDTH = 4
SHARE = 10.0
"""A silent unit is tried so seldom that all units of a wire, if they were silent, would take a tenth of its time."""
REFUSALS = {
    1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 5: "acknowledge",
    6: "device busy", 8: "memory parity error",
}  # fmt: skip
_OF_A_PART = (2, 3)
"""Refusals that may concern a part of a block only."""
_GATEWAY = (10, 11)
"""What a gateway says of a unit that does not answer."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request, where the values of its reply stand, and the ``places`` (N,) that they belong to."""

    block: Block
    request: Request
    layout: Layout
    places: Ints


@dataclass(slots=True)
class _Asking:
    """What is asked for N points, and what makes values in their units of the numbers."""

    points: Sequence[Point]
    names: tuple[str, ...]
    scale: Floats
    offset: Floats
    asks: list[_Ask]


class ModbusDriver:
    """One unit on a wire that others may share (``units`` of them in all)."""

    def __init__(self, device: Device, wire: Wire, units: int = 1) -> None:
        self._device = device
        self._wire = wire
        self._clock = address_of(device.clock_address) if device.clock_address else None
        self._limits = Limits(device.blocks.most, device.blocks.gap)
        self._holes: set[Hole] = set()
        self._held: dict[tuple[str, ...], _Asking] = {}
        self._asking: _Asking | None = None
        self.news_s = math.inf
        self.longest_rest_s = 5.0 if units == 1 else max(5.0, SHARE * units * device.timeout_s)

    async def connect(self) -> None:
        """Use the wire, and open it if nobody has."""
        await self._wire.join(self._device.name, self._device.timeout_s)

    async def read(self, points: Sequence[Point]) -> Answer:
        """Return a reading of every point; what the unit refuses spoils no more than its own."""
        asking = self._asking_for(points)
        waiting, asked = deque(asking.asks), list[_Ask]()
        numbers, faults = np.full(len(points) + 1, math.nan), dict[int, Fault]()
        while waiting:
            ask = waiting.popleft()
            try:
                content = await self._content(ask)
            except _Refused as refusal:
                parts = smaller(ask.block) if refusal.code in _OF_A_PART else []
                if parts:
                    self._holes.update(gaps(ask.block))
                    waiting.extendleft(self._ask(part, points) for part in reversed(parts))
                    continue
                faults |= dict.fromkeys((one.place for one in ask.block.wanted), (Quality.BAD, str(refusal)))
            else:
                numbers[ask.places] = ask.layout.numbers(content)
            asked.append(ask)
        # What a unit refuses now it will refuse again: from here on it is asked around.
        asking.asks = asked
        faults.pop(CLOCK, None)
        readings = Readings(asking.names, numbers[:-1] * asking.scale + asking.offset, faults)
        return Answer(readings, None if self._clock is None else _time(numbers[CLOCK]))

    async def history(self, points: Sequence[Point], start: datetime, end: datetime) -> Sequence[Reading]:  # noqa: ARG002
        """Return nothing: a register holds the present."""
        return ()

    async def close(self) -> None:
        """Use the wire no longer, and forget what the unit refused: it may be another one when it is back."""
        self._held.clear()
        self._asking = None
        self._holes.clear()
        self._wire.leave(self._device.name)

    def _asking_for(self, points: Sequence[Point]) -> _Asking:
        """Return what to ask for these points, as it turned out best the last time."""
        if self._asking is not None and self._asking.points is points:
            return self._asking
        names = tuple(point.name for point in points)
        held = self._held.get(names)
        if held is None:
            wanted = wanted_of(points)
            if self._clock is not None:
                wanted.append(Wanted(CLOCK, self._clock, _CLOCK_WIDTH))
            asks = [self._ask(block, points) for block in plan(wanted, self._limits, self._holes)]
            scale, offset = [point.scale for point in points], [point.offset for point in points]
            held = self._held[names] = _Asking(points, names, np.array(scale, float), np.array(offset, float), asks)
        held.points, self._asking = points, held
        return held

    def _ask(self, block: Block, points: Sequence[Point]) -> _Ask:
        request = Request(self._device.unit_id, block.table, block.start, block.count)
        layout = Layout(_field(one, block, points) for one in block.wanted)
        return _Ask(block, request, layout, np.array(layout.places, np.int64))

    async def _content(self, ask: _Ask) -> bytes:
        reply = await self._wire.ask(ask.request, self._device.timeout_s)
        if reply.exception in _GATEWAY:
            raise NoAnswer("gateway: unit does not answer")
        if reply.exception:
            said = REFUSALS.get(reply.exception, f"exception {reply.exception}")
            raise _Refused(reply.exception, f"refused: {said}")
        if len(reply.values) != ask.request.length:
            unit = 1 if ask.block.table in BIT_TABLES else 2
            raise _Refused(0, f"short reply: {len(reply.values) // unit} of {ask.request.length // unit}")
        return reply.values


class _Refused(Exception):
    """The unit answered, but not with what was asked; ``code`` is the exception of the protocol, or 0."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


def _field(one: Wanted, block: Block, points: Sequence[Point]) -> Field:
    offset = one.address.start - block.start
    if block.table in BIT_TABLES:
        return Field(one.place, 0, "bit", bit=offset, of_bits=True)
    if one.place == CLOCK:
        return Field(one.place, 2 * offset, "uint64")
    point = points[one.place]
    kind = "bit" if one.address.bit is not None else point.data_type
    return Field(one.place, 2 * offset, kind, point.byte_order, one.address.bit, length=2 * one.width)


def _time(milliseconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1e3, UTC)
    except (ValueError, OverflowError, OSError):
        return None
