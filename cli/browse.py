"""``hydro browse opc.tcp://…``: what nodes an OPC UA server has, ready for ``points.csv``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from models.problem import BadInput, Unavailable
from models.site import Device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("url", metavar="opc.tcp://HOST:PORT", help="the server")
    parser.add_argument("--node", default="i=85", metavar="NODEID", help="where to begin (the Objects folder)")
    parser.add_argument("--depth", type=int, default=8, help="how many levels down")
    parser.add_argument("--most", type=int, default=10_000, help="stop after so many variables")
    parser.add_argument("--user", default="", help="user name; the password is taken from HYDRO_OPCUA_PASSWORD")
    parser.add_argument("--timeout-s", type=float, default=5.0, help="how long each answer may take")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """List variables; 5 when the server does not answer."""
    if not args.url.startswith("opc.tcp://"):
        raise BadInput.of(f'url "{args.url}", expected one such as opc.tcp://127.0.0.1:4840')
    word = os.environ.get("HYDRO_OPCUA_PASSWORD", "")
    device = Device(
        args.url,
        "opcua",
        url=args.url,
        timeout_s=args.timeout_s,
        username=args.user,
        password=word if args.user else "",
    )
    rows, whole = asyncio.run(_browse(device, args.node, args.depth, args.most))
    if args.json:
        sys.stdout.write(json.dumps({"url": args.url, "complete": whole, "variables": rows}, ensure_ascii=False) + "\n")
    else:
        _show(rows)
    if not whole:
        sys.stderr.write(f"stopped after {len(rows)} variables; --most, --node and --depth say where to look\n")
    return 0


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
