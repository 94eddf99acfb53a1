"""``hydro scan modbus HOST``: which units and registers one Modbus host has. Reads only, slowly, and within a bound."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from cli.numbers import number, whole
from models.problem import BadInput, Unavailable
from models.site import Device

if TYPE_CHECKING:
    from collectors.modbus.scan import Scanned

MOST_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("protocol", choices=["modbus"], help="what is spoken there")
    parser.add_argument("host", help="the one host that is asked")
    parser.add_argument("--port", type=whole(1, 65535), default=502)
    parser.add_argument("--framing", choices=["tcp", "rtu"], default="tcp", help="rtu: a gateway that passes frames on")
    parser.add_argument("--units", default="1", metavar="1-10", help="unit ids, 0 to 247")
    parser.add_argument("--registers", default="0-255", metavar="0-255", help="registers and bits, 0 to 65535")
    parser.add_argument("--tables", default="holding,input", metavar="TABLES", help="of holding, input, coil, discrete")
    parser.add_argument("--pause-s", type=number(0.0, 60.0), default=0.05, help="pause after each request")
    parser.add_argument("--most", type=whole(1, 1_000_000), default=2000, help="requests in all")
    parser.add_argument("--timeout-s", type=number(0.01, 60.0), default=1.0, help="how long each answer may take")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Show what is there; 5 when nobody listens."""
    units, registers = _span("units", args.units, 247), _span("registers", args.registers, 65535)
    tables = args.tables.split(",")
    wrong = sorted(set(tables) - {"holding", "input", "coil", "discrete"})
    if wrong:
        raise BadInput.of(f'tables "{",".join(wrong)}", expected some of holding, input, coil, discrete')
    protocol = "modbus-tcp" if args.framing == "tcp" else "modbus-rtu-tcp"
    device = Device(args.host, protocol, host=args.host, port=args.port, timeout_s=args.timeout_s)  # type: ignore[arg-type]
    found = asyncio.run(_scan(device, units, tables, registers, args.pause_s, args.most))
    if args.json:
        sys.stdout.write(json.dumps(_as_json(args.host, args.port, found)) + "\n")
    else:
        _show(found)
    if not found.complete:
        sys.stderr.write(f"stopped after {found.requests} requests; --most allows more\n")
    return 0


async def _scan(
    device: Device, units: range, tables: list[str], registers: range, pause_s: float, most: int
) -> Scanned:
    from collectors.driver import NoAnswer
    from collectors.modbus.scan import Scan
    from collectors.modbus.wires import Wires

    scan = Scan(Wires([device]).of(device), device.timeout_s, pause_s, most)
    try:
        return await scan.look(units, tables, registers[0], registers[-1])
    except NoAnswer as error:
        raise Unavailable(f"{device.host}:{device.port} does not answer ({error})") from error


def _span(name: str, text: str, highest: int) -> range:
    low, _, high = text.partition("-")
    if not low.isdecimal() or not (high or low).isdecimal() or not int(low) <= int(high or low) <= highest:
        raise BadInput.of(f'{name} "{text}", expected a number or a range such as 1-10, up to {highest}')
    return range(int(low), int(high or low) + 1)


def _as_json(host: str, port: int, found: Scanned) -> dict[str, Any]:
    return {
        "host": host,
        "port": port,
        "requests": found.requests,
        "complete": found.complete,
        "units": [
            {
                "unit_id": unit.unit_id,
                "stretches": [
                    {"table": one.table, "start": one.start, "count": len(one.values), "values": list(one.values)}
                    for one in unit.stretches
                ],
            }
            for unit in found.units
        ],
    }


def _show(found: Scanned) -> None:
    for unit in found.units:
        sys.stdout.write(f"unit {unit.unit_id}\n")
        for one in unit.stretches:
            shown = " ".join(map(str, one.values[:MOST_SHOWN])) + (" …" if len(one.values) > MOST_SHOWN else "")
            last = one.start + len(one.values) - 1
            sys.stdout.write(f"  {one.table}/{one.start} to {one.table}/{last}: {shown}\n")
    if not found.units:
        sys.stdout.write("no unit answers\n")
