"""``hydro browse opc.tcp://…``: what nodes an OPC UA server has, ready for ``points.csv``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.numbers import number, whole
from models.problem import BadInput, Unavailable
from models.site import Device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("url", metavar="opc.tcp://HOST:PORT", help="the server")
    parser.add_argument("--node", default="i=85", metavar="NODEID", help="where to begin (the Objects folder)")
    parser.add_argument("--depth", type=whole(1, 1000), default=8, help="how many levels down")
    parser.add_argument("--most", type=whole(1, 10_000_000), default=10_000, help="stop after so many variables")
    parser.add_argument("--site", type=Path, help="take security and user from this site's device of the same url")
    parser.add_argument("--user", default="", help="user name; the password is taken from HYDRO_OPCUA_PASSWORD")
    parser.add_argument("--timeout-s", type=number(0.01, 60.0), default=5.0, help="how long each answer may take")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """List variables; 5 when the server does not answer."""
    if not _is_place(args.url):
        raise BadInput.of(f'url "{args.url}", expected one such as opc.tcp://127.0.0.1:4840')
    device = _device(args)
    rows, whole = asyncio.run(_browse(device, args.node, args.depth, args.most))
    if args.json:
        sys.stdout.write(json.dumps({"url": args.url, "complete": whole, "variables": rows}, ensure_ascii=False) + "\n")
    else:
        _show(rows)
    if not whole:
        sys.stderr.write(f"stopped after {len(rows)} variables; --most, --node and --depth say where to look\n")
    return 0


def _is_place(url: str) -> bool:
    try:
        return url.startswith("opc.tcp://") and bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        return False


def _device(args: argparse.Namespace) -> Device:
    if args.site is None:
        word = os.environ.get("HYDRO_OPCUA_PASSWORD", "") if args.user else ""
        return Device(
            args.url, "opcua", url=args.url, timeout_s=args.timeout_s, username=args.user, password=word
        )  # fmt: skip
    if args.user:
        raise BadInput.of("--user beside --site, expected one of them")
    from models.site_file import load_site

    devices = [device for device in load_site(args.site).devices if device.url == args.url]
    if not devices:
        raise BadInput.of(f"no device has the url {args.url}", str(args.site / "site.toml"))
    return replace(devices[0], timeout_s=args.timeout_s)


async def _browse(device: Device, node: str, depth: int, most: int) -> tuple[list[dict[str, Any]], bool]:
    import logging

    from collectors.driver import NoAnswer
    from collectors.opcua.browse import browse
    from collectors.opcua.session import Session

    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    try:
        session = await Session.open(device)
        try:
            found = await browse(session, node, depth, most)
        finally:
            await session.close(device.timeout_s)
    except NoAnswer as error:
        raise Unavailable(f"{device.url} does not answer ({error})") from error
    rows = [
        {
            "address": one.address, "path": one.path, "data_type": one.data_type, "value": one.value,
            "status": one.status, "time": one.time.isoformat() if one.time else None, "history": one.history,
        }
        for one in found.variables
    ]  # fmt: skip
    return rows, found.complete


def _show(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in ("address", "path", "data_type", "value", "status", "history"):
        table.add_column(name, overflow="fold", justify="right" if name == "value" else "left")
    for row in rows:
        value = "" if row["value"] is None else str(row["value"])
        history = "yes" if row["history"] else ""
        table.add_row(row["address"], row["path"], row["data_type"], value, row["status"], history)
    Console().print(table)
