"""``hydro serve``: run a site: collect, compare with the model, diagnose, alarm, send people, and answer over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.numbers import whole
from collectors.health import Health
from models.problem import Unavailable
from models.site import Site

if TYPE_CHECKING:
    from api.context import Listening
    from api.listening import Door

LOG = logging.getLogger(__name__)
DEFAULT_PORT = 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parts = parser.add_argument_group("parts, all of them by default")
    parts.add_argument("--no-collect", action="store_true", help="leave the devices to hydro collect")
    parts.add_argument("--no-monitor", action="store_true", help="leave alarms and diagnoses to another process")
    parts.add_argument("--no-http", action="store_true", help="answer no requests")
    door = parser.add_argument_group("where it listens")
    door.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    door.add_argument(
        "--port", type=whole(0, 65535), default=DEFAULT_PORT, help=f"port, 0 for any free one ({DEFAULT_PORT})"
    )
    door.add_argument("--certificate", type=Path, metavar="PEM", help="certificate for TLS, with its chain")
    door.add_argument("--key", type=Path, metavar="PEM", help="private key of the certificate")
    door.add_argument(
        "--behind-proxy", action="append", default=[], metavar="ADDRESS", help="a reverse proxy that adds TLS, trusted"
    )
    door.add_argument("--name", action="append", default=[], help="a name under which browsers reach it")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="form of the log (text)")
    parser.add_argument("--json", action="store_true", help="say so as JSON when it runs")


def run(args: argparse.Namespace) -> int:
    """Run until told to stop: 0 when asked to (SIGTERM), 130 when interrupted."""
    from cli.logs import set_up
    from models.site_file import load_site

    if args.no_collect and args.no_monitor and args.no_http:
        sys.stderr.write("--no-collect, --no-monitor and --no-http leave nothing to run\n")
        return 2
    set_up(args.log_format == "json")
    return asyncio.run(_serve(load_site(args.site), args))


async def _serve(site: Site, args: argparse.Namespace) -> int:
    stop, interrupted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    health = None if args.no_collect else Health()
    # A port that is taken is told before anything else runs.
    opened = None if args.no_http else _open_door(site, args)
    async with asyncio.TaskGroup() as tasks:
        if health is not None:
            from collectors.collector import run as collect_site

            tasks.create_task(collect_site(site, stop, health))
        if opened is not None:
            await _answer(site, args, opened, health, stop, tasks)
        if not args.no_monitor:
            tasks.create_task(_watch(site, stop))
        if args.no_http:
            _announce(site, args.json, None)
    return 130 if interrupted.is_set() else 0


@dataclass(frozen=True, slots=True)
class _Opened:
    """A door that is open, though nobody answers yet."""

    door: Door
    listening: Listening
    listener: socket.socket
    any_user: bool


def _open_door(site: Site, args: argparse.Namespace) -> _Opened:
    from api.listening import Door, listening_of, open_socket
    from stores.accounts import Accounts
    from stores.records import Records

    door = Door(args.host, args.port, args.certificate, args.key, tuple(args.behind_proxy), tuple(args.name))
    with Records(site.stores.records_url) as records:
        any_user = Accounts(records.database).any_user()
    listening = listening_of(door, any_user)
    return _Opened(door, listening, open_socket(door), any_user)


async def _answer(
    site: Site,
    args: argparse.Namespace,
    opened: _Opened,
    health: Health | None,
    stop: asyncio.Event,
    tasks: asyncio.TaskGroup,
) -> None:
    from api.context import open_context
    from api.server import serve

    try:
        context = await asyncio.to_thread(open_context, site, opened.listening, not args.no_monitor)
    except BaseException:
        opened.listener.close()
        raise
    if health is not None:
        from collectors.metrics import HealthCollector

        context.metrics.registry.register(HealthCollector(health))

    def ready(port: int) -> None:
        if not opened.any_user:
            sys.stderr.write(f"nobody can sign in yet: hydro user {site.folder} add NAME --role admin\n")
        _announce(site, args.json, opened.door.url(port))

    tasks.create_task(serve(context, opened.door, opened.listener, stop, ready))


async def _watch(site: Site, stop: asyncio.Event) -> None:
    """Compare with the model, diagnose and alarm until told to stop."""
    from cli.watch import Watch

    watch = await asyncio.to_thread(Watch, site)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_repeat(watch.cycle, site, stop))
            tasks.create_task(_repeat(watch.examine, site, stop))
    finally:
        await asyncio.to_thread(watch.close)


async def _repeat(work: Callable[[datetime], None], site: Site, stop: asyncio.Event) -> None:
    """Call ``work`` once every monitor interval of the site's own time until told to stop."""
    from stores.telemetry import open_telemetry

    interval = timedelta(seconds=site.monitor.interval_s)
    clock = await asyncio.to_thread(open_telemetry, site.stores)
    done: datetime | None = None
    away = False
    try:
        while not stop.is_set():
            try:
                now = datetime.now(UTC) if site.clock == "wall" else await asyncio.to_thread(clock.newest)
                if now is not None and (done is None or now - done >= interval):
                    done = now
                    await asyncio.to_thread(work, now)
                    if away:
                        LOG.warning("the monitor goes on")
                    away = False
            except Unavailable as error:
                # A store that is away, or a full disk, is no reason to stop collecting and answering.
                if not away:
                    LOG.warning("the monitor waits: %s", error)
                away = True
            try:
                await asyncio.wait_for(stop.wait(), 0.05 if site.clock == "device" else 1.0)
            except TimeoutError:
                continue
    finally:
        clock.close()


def _announce(site: Site, as_json: bool, url: str | None) -> None:
    said = f"{site.name}: running" + (f" at {url}" if url else "")
    if as_json:
        said = json.dumps({"ready": True, "site": site.name, "url": url})
    sys.stdout.write(said + "\n")
    sys.stdout.flush()
