"""The HTTP server of a site, as a task among others that end together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import nullcontext

import uvicorn

from api.application import create_application
from api.context import Context
from api.listening import Door

ENDING_S = 5
"""How long requests that are being answered may take when the service ends [s]."""


async def serve(
    context: Context, door: Door, listener: socket.socket, stop: asyncio.Event, ready: Callable[[int], None]
) -> None:
    """Answer requests until told to stop; ``ready`` is told the port when the first can come."""
    config = uvicorn.Config(
        create_application(context),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        proxy_headers=bool(door.proxies),
        forwarded_allow_ips=list(door.proxies),
        ssl_certfile=None if door.certificate is None else str(door.certificate),
        ssl_keyfile=None if door.key is None else str(door.key),
        timeout_graceful_shutdown=ENDING_S,
    )
    server = uvicorn.Server(config)
    # Signals are the process's: it has more to end than this.
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if not serving.done():
            ready(listener.getsockname()[1])
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
    finally:
        # Told to stop, or cancelled because another part failed: streams never end by themselves.
        context.live.end()
        server.should_exit = True
        await _to_its_end(serving)


async def _to_its_end(serving: asyncio.Task[None]) -> None:
    """Wait until the server has ended, also when another part fails meanwhile: half an end prints a traceback."""
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        await serving
        raise
