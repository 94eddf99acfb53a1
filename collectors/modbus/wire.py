"""A wire: one connection to one or more units, one request at a time, and every answer to its own request.

On TCP a reply carries its request's number, so that a late one is known. On serial lines it does not: after a timeout
the next reply of that unit may be the late one. Units answer in order; so the unit is first asked for a count that no
late reply can have, and nothing else is believed before that has been answered.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Protocol

from collectors.driver import NoAnswer
from collectors.modbus.frame import MOST_BITS, MOST_REGISTERS, Framing, Garbled, Reply, Request


class Transport(Protocol):
    """What a wire needs of a connection."""

    def write(self, data: bytes, /) -> None:
        """Send; never waits."""

    def close(self) -> None:
        """Hang up."""


Connect = Callable[[asyncio.Protocol], Awaitable[Transport]]
"""Opens a connection for the protocol it is given; raises ``OSError``."""
LATEST_S = 30.0
"""No reply comes later than this after its request."""
SILENCES = 2
"""After so many requests in a row without a byte the connection is taken for dead, though nobody has said so."""
FEWEST = 8
"""Registers that may be asked for to get into step, where fewer are wanted."""


class Wire:
    """A connection that drivers share. It is open while any of them uses it, and opened again when it was lost."""

    def __init__(self, connect: Connect, framing: Framing, pause_s: float = 0.0) -> None:
        self._connect = connect
        self._framing = framing
        self._pause_s = pause_s
        self._turn = asyncio.Lock()
        self._users: set[str] = set()
        self._transport: Transport | None = None
        self._ear: _Ear | None = None
        self._received = b""
        self._number = 0
        self._request: Request | None = None
        self._sent = b""
        self._exactly = False
        self._answer: asyncio.Future[Reply] | None = None
        self._silences = 0
        self._quiet_since = 0.0
        self._owed: dict[int, dict[int, float]] = defaultdict(dict)

    async def join(self, user: str, timeout_s: float) -> None:
        """Use the wire, and open it if it is not open; raises :class:`NoAnswer`."""
        async with self._turn:
            if self._transport is None:
                await self._open(timeout_s)
            self._users.add(user)

    def leave(self, user: str) -> None:
        """Use the wire no longer."""
        self._users.discard(user)
        if not self._users:
            self._close()

    async def ask(self, request: Request, timeout_s: float) -> Reply:
        """Return the reply to a request; raises :class:`NoAnswer`. The length of what it holds is not looked at."""
        async with self._turn:
            owed = self._owed_by(request.unit)
            if owed:
                await self._catch_up(request, owed, timeout_s)
            return await self._exchange(request, timeout_s)

    async def _open(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                ear = _Ear(self._hear, self._lose)
                self._transport, self._ear = await self._connect(ear), ear
        except (OSError, TimeoutError) as error:
            raise NoAnswer("no connection" if isinstance(error, TimeoutError) else _why(error)) from error
        self._received, self._silences = b"", 0

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        if self._ear is not None:
            self._ear.deaf = True
        if transport is not None:
            transport.close()
        self._fail("connection lost")

    async def _exchange(self, request: Request, timeout_s: float, exactly: bool = False) -> Reply:
        """Send a request and return its reply; ``exactly`` passes over replies of another length."""
        loop = asyncio.get_running_loop()
        if self._pause_s > 0.0:
            await asyncio.sleep(self._quiet_since + self._pause_s - loop.time())
        transport = self._transport
        if transport is None:
            raise NoAnswer("connection lost")
        self._number = self._number % 0xFFFF + 1
        if not self._framing.numbered:
            self._received = b""
        self._request, self._exactly, self._answer = request, exactly, loop.create_future()
        self._sent = self._framing.wrap(request, self._number)
        transport.write(self._sent)
        self._silences += 1
        timer = loop.call_later(timeout_s, self._fail, "timeout")
        try:
            return await self._answer
        except (NoAnswer, asyncio.CancelledError):
            if not self._framing.numbered:
                self._owed[request.unit][request.length] = loop.time()
            if self._silences >= SILENCES:
                self._close()
            raise
        finally:
            timer.cancel()
            self._answer = None
            self._quiet_since = loop.time()

    async def _catch_up(self, request: Request, owed: dict[int, float], timeout_s: float) -> None:
        """Get into step with a unit that owes replies: its answer to an unmistakable request is behind all of them."""
        most = MOST_BITS if request.function <= 2 else MOST_REGISTERS
        step = 8 if request.function <= 2 else 1
        counts = range(1, min(most, max(request.count, FEWEST * step)) + 1, step)
        free = (Request(request.unit, request.table, request.start, count) for count in counts)
        probe = next((one for one in free if one.length not in owed), None)
        if probe is None:
            raise NoAnswer("timeout, and late replies may still come")
        reply = await self._exchange(probe, timeout_s, exactly=True)
        if reply.exception:
            # It may be a late reply's, for those have no length to tell them by: let what is late pass by.
            await asyncio.sleep(timeout_s)
        self._owed.pop(request.unit, None)

    def _owed_by(self, unit: int) -> dict[int, float]:
        """Return the lengths of the replies that a unit may still send, and when they were asked for."""
        if self._framing.numbered or unit not in self._owed:
            return {}
        oldest = asyncio.get_running_loop().time() - LATEST_S
        kept = self._owed[unit] = {length: asked for length, asked in self._owed[unit].items() if asked > oldest}
        return kept

    def _hear(self, data: bytes) -> None:
        """Take in what came from the other side."""
        self._silences = 0
        self._received += data
        try:
            while self._received:
                used, reply = self._framing.take(self._received)
                frame, self._received = self._received[:used], self._received[used:]
                if reply is None:
                    return
                if frame.endswith(self._sent):
                    # An adapter that hears itself. (24 coils could read the same; then the unit seems silent.)
                    continue
                if self._answers(reply) and self._answer is not None and not self._answer.done():
                    self._answer.set_result(reply)
                else:
                    self._settle(reply)
        except Garbled as error:
            self._fail(str(error))
            self._close()

    def _lose(self) -> None:
        """Note that the connection is gone."""
        self._transport = None
        self._fail("connection lost")

    def _answers(self, reply: Reply) -> bool:
        """Tell whether a reply is the one to the present request."""
        request = self._request
        if request is None or (reply.unit, reply.function) != (request.unit, request.function):
            return False
        if self._framing.numbered:
            return reply.number == self._number
        return not self._exactly or bool(reply.exception) or len(reply.values) == request.length

    def _settle(self, late: Reply) -> None:
        """Note that a late reply has come: it is no longer owed, and neither is what was asked for before."""
        owed = self._owed_by(late.unit)
        if len(late.values) in owed:
            asked = owed[len(late.values)]
            self._owed[late.unit] = {length: when for length, when in owed.items() if when > asked}

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(why))


class _Ear(asyncio.Protocol):
    """Passes on what a connection says, until it is ``deaf``: what an old connection says is of no interest."""

    def __init__(self, hear: Callable[[bytes], None], lose: Callable[[], None]) -> None:
        self._hear = hear
        self._lose = lose
        self.deaf = False

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        if not self.deaf:
            self._hear(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Pass on that the other side has gone."""
        if not self.deaf:
            self._lose()


def _why(error: OSError) -> str:
    return f"no connection: {error.strerror}" if error.strerror else "no connection"
