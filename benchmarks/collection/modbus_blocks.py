"""Modbus block reads a CPU-second: the whole path to the spool, a bare pymodbus loop that only decodes, and Telegraf.

    python -m benchmarks.collection.modbus_blocks [--repeats 5] [--seconds 4]

Forty devices, four blocks of 110 registers each; what is asked for is the same for all three. Ours: lines, schedule,
driver, qualification, intake and spool. So many devices that nobody ever waits for something to do: a process that
sleeps between two requests pays several times the price of a request for being woken. Medians of interleaved repeats,
and of the ratios of each repeat.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from pymodbus.client import AsyncModbusTcpClient

from benchmarks.collection.outstation import ask, outstations
from collectors.health import Health
from collectors.intake import Intake
from collectors.lines import Lines
from collectors.modbus.frame import Request
from collectors.modbus.wires import Wires
from models.point import Point
from models.quantity import Quantity
from models.site import Device, MonitorSettings, Site, StoreSettings
from stores.spool import Spool
from tests.peers.start import Missing, folder_of

DEVICES, BLOCKS, REGISTERS, APART = 40, 4, 110, 500
OFTEN_S = 0.005
BARE = "bare pymodbus loop, decodes 55 floats"
TICKS = os.sysconf("SC_CLK_TCK")


def points_of(device: str, a_block: int, deadband: float | None, period_s: float) -> list[Point]:
    """Return so many 32-bit points in each block, spread over it so that all of it is read."""
    places = [round(number * (REGISTERS - 2) / max(1, a_block - 1) / 2) * 2 for number in range(a_block)]
    return [
        Point(
            f"{device}-{block}-{place}", "J", Quantity.PRESSURE, "m", device, f"holding/{block * APART + place}",
            "float32", period_s=period_s, valid_min=-1e6, valid_max=1e6, deadband=deadband,
        )
        for block in range(BLOCKS)
        for place in places
    ]  # fmt: skip


def site_of(folder: Path, ports: list[int], a_block: int, deadband: float | None, period_s: float) -> Site:
    """Return a site of such devices."""
    devices = [Device(f"d{port}", "modbus-tcp", port=port) for port in ports]
    # Whole blocks: what nobody wants between two points of a block is read along.
    devices = [replace(device, blocks=replace(device.blocks, gap=REGISTERS)) for device in devices]
    points = [point for device in devices for point in points_of(device.name, a_block, deadband, period_s)]
    stores = StoreSettings("embedded", folder / "t", folder / "s", "sqlite://")
    return Site(folder, "x", "UTC", "local", folder, "wall", tuple(devices), tuple(points), stores, MonitorSettings())


async def whole_path(ports: list[int], seconds: float, a_block: int, deadband: float | None) -> float:
    """Return blocks a CPU-second from the wire to the spool."""
    with tempfile.TemporaryDirectory() as name:
        spool = Spool(Path(name) / "spool.sqlite")
        intake, health = Intake(spool, lambda: None), Health()
        lines, keeping = Lines(intake, health), asyncio.create_task(intake.run())
        await lines.adopt(site_of(Path(name), ports, a_block, deadband, OFTEN_S), {})
        await asyncio.sleep(0.5)
        begun, before = time.process_time(), _answers(health)
        await asyncio.sleep(seconds)
        blocks, cpu_s = (_answers(health) - before) * BLOCKS, time.process_time() - begun
        await lines.end()
        intake.end()
        await keeping
        spool.close()
    return blocks / cpu_s


def _answers(health: Health) -> int:
    return sum(device.answers for device in health.devices.values())


async def bare(ports: list[int], seconds: float) -> float:
    """Return blocks a CPU-second of a loop that reads and decodes with pymodbus, and does nothing else."""
    registers, floats = struct.Struct(f">{REGISTERS}H"), struct.Struct(f">{REGISTERS // 2}f")
    clients = [AsyncModbusTcpClient("127.0.0.1", port=port, retries=0) for port in ports]
    for client in clients:
        await client.connect()
    begun, end, blocks = time.process_time(), time.monotonic() + seconds, 0

    async def read(client: AsyncModbusTcpClient) -> None:
        nonlocal blocks
        while time.monotonic() < end:
            for block in range(BLOCKS):
                reply = await client.read_holding_registers(block * APART, count=REGISTERS, device_id=1)
                floats.unpack(registers.pack(*reply.registers))
                blocks += 1

    await asyncio.gather(*(read(client) for client in clients))
    cpu_s = time.process_time() - begun
    for client in clients:
        client.close()
    return blocks / cpu_s


async def bare_frames(ports: list[int], seconds: float) -> float:
    """Return blocks a CPU-second of the same loop on our own frames and wire."""
    floats = struct.Struct(f">{REGISTERS // 2}f")
    devices = [Device(f"d{port}", "modbus-tcp", port=port) for port in ports]
    wires = Wires(devices)
    begun, end, blocks = time.process_time(), time.monotonic() + seconds, 0

    async def read(device: Device) -> None:
        nonlocal blocks
        wire = wires.of(device)
        await wire.join("bare", 1.0)
        while time.monotonic() < end:
            for block in range(BLOCKS):
                floats.unpack((await wire.ask(Request(1, "holding", block * APART, REGISTERS), 1.0)).values)
                blocks += 1
        wire.leave("bare")

    await asyncio.gather(*(read(device) for device in devices))
    return blocks / (time.process_time() - begun)


def telegraf(ports: list[int], seconds: float, a_block: int, server: subprocess.Popen[str]) -> float:
    """Return blocks a CPU-second of Telegraf, its output discarded."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "telegraf.conf"
        path.write_text(_configuration(ports, a_block), encoding="utf-8")
        with subprocess.Popen([folder_of("telegraf") / "telegraf", "--config", str(path), "--quiet"]) as process:
            try:
                time.sleep(2.0)
                ask(server, "count")
                begun = _cpu_s(process.pid)
                time.sleep(seconds)
                return ask(server, "count")[0] / (_cpu_s(process.pid) - begun)
            finally:
                process.kill()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _configuration(ports: list[int], a_block: int) -> str:
    text = '[agent]\ninterval="5ms"\nflush_interval="1s"\nmetric_buffer_limit=1000000\n[[outputs.discard]]\n'
    for port in ports:
        text += f'[[inputs.modbus]]\nname="d{port}"\nslave_id=1\ncontroller="tcp://127.0.0.1:{port}"\n'
        text += 'configuration_type="request"\n'
        for block in range(BLOCKS):
            text += '[[inputs.modbus.request]]\nslave_id=1\nbyte_order="ABCD"\nregister="holding"\n'
            text += f'optimization="max_insert"\noptimization_max_register_fill={REGISTERS}\nfields=['
            for point in points_of("d", a_block, None, 1.0)[block * a_block : (block + 1) * a_block]:
                address = point.address.partition("/")[2]
                text += f'{{address={address}, name="p{address}", type="FLOAT32"}},'
            text += "]\n"
    return text


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    with outstations(DEVICES) as (ports, server):
        ways: dict[str, Callable[[], float]] = {
            BARE: lambda: asyncio.run(bare(ports, args.seconds)),
            "the same on our own frames": lambda: asyncio.run(bare_frames(ports, args.seconds)),
        }
        for a_block, deadband in ((4, None), (10, None), (55, None), (55, 0.1)):
            name = f"whole path, {a_block} points a block" + (", unchanged within a deadband" if deadband else "")
            ways[name] = lambda a_block=a_block, deadband=deadband: asyncio.run(  # type: ignore[misc]
                whole_path(ports, args.seconds, a_block, deadband)
            )
        try:
            folder_of("telegraf")
        except Missing as error:
            print(error)
        else:
            for a_block in (4, 10, 55):
                name = f"Telegraf to nowhere, {a_block} points a block"
                ways[name] = lambda a_block=a_block: telegraf(ports, args.seconds, a_block, server)  # type: ignore[misc]
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(args.repeats):
            for name, way in ways.items():
                found[name].append(way())
    for name, figures in found.items():
        ratio = median(one / base for one, base in zip(figures, found[BARE], strict=True))
        print(f"{name:62s} {median(figures):8.0f} blocks a CPU-second   {ratio:5.2f}x")


if __name__ == "__main__":
    main()
