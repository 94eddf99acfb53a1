from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from api.access import TOKEN_PREFIX
from api.context import Context, open_context
from api.listening import Door, open_socket
from api.live import Live
from api.passwords import digest
from api.routes import stream
from api.schemas.live import Clock, Reset
from api.server import serve
from models.alarm import Acknowledge
from models.complaint import Complaint
from models.sample import Sample
from models.site import Site
from models.user import Role, Token
from stores.telemetry import open_telemetry
from tests.api.conftest import LOW, NOW, furnish

SECRET = TOKEN_PREFIX + "stream"
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    name: str
    data: dict[str, object]


class Listener:
    """A browser's side of the stream, on a socket of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._rest = b""

    async def event(self, name: str) -> Event:
        """The next event of that name; others are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                one = await self._next()
                if one.name == name:
                    return one

    async def _next(self) -> Event:
        while b"\n\n" not in self._rest:
            size = int((await self._reader.readline()).strip() or b"0", 16)
            self._rest += (await self._reader.readexactly(size + 2))[:-2]
        frame, _, self._rest = self._rest.partition(b"\n\n")
        lines = dict(line.split(": ", 1) for line in frame.decode().splitlines() if ": " in line)
        if "event" not in lines:
            return await self._next()
        return Event(lines["id"], lines["event"], json.loads(lines["data"]))

    async def cut(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Running:
    context: Context
    port: int

    async def listen(self, last: str | None = None) -> Listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        resumed = f"Last-Event-ID: {last}\r\n" if last else ""
        head = f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\n{resumed}\r\n"
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        return Listener(reader, writer)


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[Running]:
    context = await asyncio.to_thread(open_context, site)
    listener = open_socket(Door(port=0))
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(context, Door(port=0), listener, stop, lambda _port: ready.set()))
    await ready.wait()
    try:
        yield Running(context, listener.getsockname()[1])
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await serving


@pytest.fixture
async def service(site: Site, hashed: str) -> AsyncIterator[Running]:
    context = open_context(site)
    furnish(context, hashed)
    context.accounts.add_token(digest(SECRET), Token(0, "viewer", "stream", Role.VIEWER, NOW))
    context.close()
    async with running(site) as started:
        yield started


async def test_what_collectors_and_people_do_elsewhere_is_on_the_stream(service: Running, site: Site) -> None:
    listener = await service.listen()
    hello = await listener.event("hello")
    assert hello.data["resumed"] is False
    await listener.event("clock")
    # Another process: a store and records of its own.
    store = open_telemetry(site.stores)
    store.write([Sample("PT-07", NOW + timedelta(minutes=5), 28.5)])
    store.close()
    samples = await listener.event("samples")
    assert samples.data["rows"] == [["PT-07", int((NOW + timedelta(minutes=5)).timestamp() * 1e3), 28.5, 0]]
    records = service.context.records
    alarm = records.alarm(LOW)
    assert alarm is not None
    records.apply(alarm, Acknowledge(NOW, "Li"))
    told = (await listener.event("alarm")).data["alarm"]
    assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "Li")  # type: ignore[index]
    records.register_complaint(Complaint("C-FAN", "J-126", NOW, "low", raised_by="Li"))
    change = await listener.event("change")
    assert (change.data["what"], change.data["id"], change.data["by"]) == ("complaint", "1", "Li")
    await listener.cut()


async def test_a_stream_that_was_cut_goes_on_without_a_gap(service: Running, site: Site) -> None:
    first = await service.listen()
    seen = await first.event("clock")
    await first.cut()
    store = open_telemetry(site.stores)
    missed = []
    witness = await service.listen()
    for place in range(3):
        store.write([Sample("PT-07", NOW + timedelta(minutes=5 + place), 20.0 + place)])
        missed.append((await witness.event("samples")).id)
    store.close()
    again = await service.listen(seen.id)
    assert (await again.event("hello")).data["resumed"] is True
    assert [(await again.event("samples")).id for _ in missed] == missed
    await again.cut()
    await witness.cut()


async def test_a_stream_of_an_earlier_start_is_told_to_fetch_anew(service: Running) -> None:
    for last in ("0badc0de-17", "nonsense", f"{service.context.live.epoch}-999999"):
        listener = await service.listen(last)
        hello = await listener.event("hello")
        assert (hello.data["resumed"], hello.data["epoch"]) == (False, service.context.live.epoch)
        assert (await listener.event("reset")).data["reason"] in ("restarted", "too_old")
        await listener.cut()


async def test_a_stream_ends_with_the_token_that_opened_it(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "ASKED_EVERY_S", 0.0)
    listener = await service.listen()
    await listener.event("clock")
    token = service.context.accounts.tokens("viewer")[0]
    service.context.accounts.revoke_token(token.id, "admin")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        while True:
            await listener.event("clock")
    await listener.cut()


async def test_a_bad_reading_is_told_once(service: Running, site: Site) -> None:
    from models.sample import Quality

    listener = await service.listen()
    await listener.event("clock")
    store = open_telemetry(site.stores)
    store.write([Sample("PT-07", NOW + timedelta(minutes=5), float("nan"), Quality.BAD, "timeout")])
    rows = (await listener.event("samples")).data["rows"]
    assert rows[0][2:] == [None, 2]  # type: ignore[index]
    store.write([Sample("PT-08", NOW + timedelta(minutes=6), 30.0)])
    store.close()
    assert [row[0] for row in (await listener.event("samples")).data["rows"]] == ["PT-08"]  # type: ignore[attr-defined]
    await listener.cut()


async def test_a_listener_who_falls_behind_is_told_and_the_ring_stays_small() -> None:
    live = Live("epoch", most_bytes=2000)
    follower = live.follow(0, Reset(reason="too_old"))
    for _ in range(100):
        live.publish("clock", Clock(now=NOW, newest=None))
    assert (await anext(follower)).startswith(b"id: epoch-100\nevent: reset")
    live.publish("clock", Clock(now=NOW, newest=None))
    assert (await anext(follower)).startswith(b"id: epoch-101\nevent: clock")
    assert live.place_of("epoch-100") == 100
    assert live.place_of("epoch-3") is None
    assert live.listeners == 1
    await follower.aclose()  # type: ignore[attr-defined]
    assert live.listeners == 0
