"""Modbus TCP servers as cheap as can be, in a process of their own: they must not be what is measured.

    python -m benchmarks.collection.outstation PORTS

Prints a port a line, then takes orders: ``count`` prints how many requests have come and forgets them; ``late PERIOD``
prints percentiles [ms] of how long after its own second, in whole periods since its first request, a device was asked.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

VALUES = struct.pack(">62f", *(0.5 + number for number in range(62))) + b"\0\0"


class Outstation(asyncio.Protocol):
    """Answers every read of registers at once; ``came`` keeps when the first block of each poll was asked for."""

    asked = 0
    came: dict[int, list[float]] = {}  # noqa: RUF012

    def __init__(self, port: int) -> None:
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        number, _, _, unit, function, start, count = struct.unpack(">HHHBBHH", data[:12])
        Outstation.asked += 1
        if start == 0:
            Outstation.came.setdefault(self._port, []).append(time.time())
        self._transport.write(
            struct.pack(">HHHBBB", number, 0, 3 + 2 * count, unit, function, 2 * count) + VALUES[: 2 * count]
        )


async def _serve(count: int) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(count):
        server = await loop.create_server(lambda: Outstation(0), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await loop.create_server(lambda port=port: Outstation(port), "127.0.0.1", port)  # type: ignore[misc]
        print(port, flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        if line[0] == "count":
            print(Outstation.asked, flush=True)
            Outstation.asked, Outstation.came = 0, {}
        elif line[0] == "late":
            print(*_lateness(float(line[1])), flush=True)


def _lateness(period_s: float) -> tuple[int, int, float, float, float]:
    """Return polls, polls missed, and the median, 99th percentile and greatest lateness [ms] of what was not missed.

    A device's own instant in the period is the earliest at which it was ever asked.
    """
    late: list[float] = []
    missed = 0
    for times in Outstation.came.values():
        slots = np.array(times[1:])
        phase = np.min(slots % period_s)
        places = np.floor((slots - phase) / period_s + 1e-6)
        late += list(1e3 * (slots - phase - places * period_s))
        missed += int(places[-1] - places[0] + 1 - len(np.unique(places)))
    median, high, most = np.percentile(late, [50, 99, 100])
    return len(late), missed, round(float(median), 1), round(float(high), 1), round(float(most), 1)


@contextmanager
def outstations(count: int) -> Iterator[tuple[list[int], subprocess.Popen[str]]]:
    """Run so many servers, each on its own port, as long as the block runs."""
    command = [sys.executable, "-m", "benchmarks.collection.outstation", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield [int(process.stdout.readline()) for _ in range(count)], process
        finally:
            process.kill()


def ask(process: subprocess.Popen[str], order: str) -> list[float]:
    """Give an order and return what is said."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(order + "\n")
    process.stdin.flush()
    return [float(word) for word in process.stdout.readline().split()]


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
