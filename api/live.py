"""The live stream: events are encoded once, kept in one ring, and every listener reads on from where it stands.

Nobody has a queue of one's own: two hundred listeners cost the memory of one. Who reads too slowly, or comes back too
late, is told so (``reset``) instead of being left with a gap.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import BaseModel

MOST_BYTES = 32 * 1024 * 1024
"""What the ring keeps [bytes]; at 5,000 points a second that is minutes."""
MOST_AT_ONCE = 512 * 1024
"""What is handed to a listener in one piece [bytes]."""
QUIET_S = 15.0
"""After this long without an event a comment is sent, so that proxies keep the line open and a dead one is noticed."""
RETRY_MS = 2000


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    data: bytes


class Live:
    """The ring and its listeners; used from one event loop."""

    def __init__(self, epoch: str, most_bytes: int = MOST_BYTES) -> None:
        """Start empty. ``epoch`` names this start of the service: numbers of another one mean nothing here."""
        self.epoch = epoch
        self._most_bytes = most_bytes
        self._frames: deque[_Frame] = deque()
        self._bytes = 0
        self._last = 0
        self._listeners: set[asyncio.Event] = set()
        self._ended = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    @property
    def published(self) -> int:
        """How many events there were."""
        return self._last

    def publish(self, event: str, data: BaseModel) -> None:
        """Send an event to everybody who listens, and keep it for those who come back."""
        self._last += 1
        frame = _Frame(self._last, _encode(event, data.model_dump_json(), f"{self.epoch}-{self._last}"))
        self._frames.append(frame)
        self._bytes += len(frame.data)
        while self._bytes > self._most_bytes and len(self._frames) > 1:
            self._bytes -= len(self._frames.popleft().data)
        for listener in self._listeners:
            listener.set()

    def place_of(self, last_event_id: str | None) -> int | None:
        """Return the number after which a listener goes on; None when what follows is no longer kept."""
        if not last_event_id:
            return self._last
        epoch, _, number = last_event_id.rpartition("-")
        if epoch != self.epoch or not number.isdecimal() or int(number) > self._last:
            return None
        oldest = self._frames[0].number if self._frames else self._last + 1
        return int(number) if int(number) >= oldest - 1 else None

    async def follow(self, place: int, reset: BaseModel) -> AsyncIterator[bytes]:
        """Yield encoded events after ``place`` until the service ends; ``reset`` tells a listener who fell behind."""
        news = asyncio.Event()
        self._listeners.add(news)
        try:
            while not self._ended:
                news.clear()
                ready, place, lost = self._after(place)
                if lost:
                    yield _encode("reset", reset.model_dump_json(), f"{self.epoch}-{place}")
                elif ready:
                    yield ready
                else:
                    try:
                        async with asyncio.timeout(QUIET_S):
                            await news.wait()
                    except TimeoutError:
                        yield b": still here\n\n"
        finally:
            self._listeners.discard(news)

    def end(self) -> None:
        """Let every listener go, so that the service can end."""
        self._ended = True
        for listener in self._listeners:
            listener.set()

    def _after(self, place: int) -> tuple[bytes, int, bool]:
        """Return the events after a number as one piece, the number reached, and whether some were no longer kept."""
        if place >= self._last:
            return b"", place, False
        oldest = self._frames[0].number
        if place < oldest - 1:
            return b"", self._last, True
        pieces, size = [], 0
        for at in range(place + 1 - oldest, len(self._frames)):
            frame = self._frames[at]
            pieces.append(frame.data)
            size += len(frame.data)
            place = frame.number
            if size >= MOST_AT_ONCE:
                break
        return b"".join(pieces), place, False


def opening(event: str, data: BaseModel, place: str) -> bytes:
    """Return the first bytes of a stream: how soon to come back, and an event with the place reached."""
    return f"retry: {RETRY_MS}\n".encode() + _encode(event, data.model_dump_json(), place)


def _encode(event: str, data: str, place: str) -> bytes:
    return f"id: {place}\nevent: {event}\ndata: {data}\n\n".encode()
