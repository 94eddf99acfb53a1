"""``hydro scan``: what it finds at a server that is not ours, and how politely it asks."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from cli import scan as command
from models.problem import BadInput, Unavailable

NOBODY = 9


class Host:
    """Units 3 and 5 with registers 10 to 13 and 200 to 201 of holding, 0 to 1 of input; and what was asked of them."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[int, int]] = []

    def note(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self.asked.append((pdu.dev_id, pdu.function_code))
        return pdu


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    found = Host()
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    holding = [
        SimData(10, values=[7, 8, 9, 10], datatype=DataType.REGISTERS),
        SimData(200, values=[1, 2], datatype=DataType.REGISTERS),
    ]
    inputs = [SimData(0, values=[5, 6], datatype=DataType.REGISTERS)]
    units = [SimDevice(unit, simdata=(bits, bits, holding, inputs)) for unit in (3, 5)]
    server = ModbusTcpServer(units, address=("127.0.0.1", 0), trace_pdu=found.note)
    await server.serve_forever(background=True)
    found.port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield found
    await server.shutdown()  # type: ignore[no-untyped-call]


async def scan(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return await asyncio.to_thread(command.run, parser.parse_args(["modbus", "127.0.0.1", *words]))


async def test_units_and_stretches_are_found(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--port", str(host.port), "--units", "2-5", "--pause-s", "0", "--most", "5000", "--json"]
    assert await scan(*words) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["complete"] is True
    assert [unit["unit_id"] for unit in said["units"]] == [3, 5]
    assert [(one["table"], one["start"], one["values"]) for one in said["units"][0]["stretches"]] == [
        ("holding", 10, [7, 8, 9, 10]),
        ("holding", 200, [1, 2]),
        ("input", 0, [5, 6]),
    ]
    assert said["requests"] == len(host.asked)


async def test_it_reads_only_and_stops_when_it_has_asked_enough(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--port", str(host.port), "--units", "3", "--pause-s", "0.001", "--most", "7", "--timeout-s", "0.3"]
    assert await scan(*words, "--tables", "holding,input,coil,discrete") == 0
    assert "stopped after 7 requests" in capsys.readouterr().err
    assert len(host.asked) == 7
    assert {function for _, function in host.asked} <= {1, 2, 3, 4}


async def test_host_where_nobody_listens_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=f"127.0.0.1:{NOBODY} does not answer"):
        await scan("--port", str(NOBODY), "--timeout-s", "0.3")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--units", "5-3"], 'units "5-3", expected'),
        (["--registers", "0-99999"], "up to 65535"),
        (["--tables", "holding,coils"], 'tables "coils"'),
    ],
)
async def test_what_cannot_be_scanned_is_said(words: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        await scan(*words)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (["--port", "99999"], 'argument --port: "99999", expected a whole number from 1 to 65535'),
        (["--most", "-1"], 'argument --most: "-1", expected a whole number from 1 to 1000000'),
        (["--pause-s", "nan"], 'argument --pause-s: "nan", expected a number from 0 to 60'),
        (["--timeout-s", "soon"], 'argument --timeout-s: "soon", expected a number from 0.01 to 60'),
    ],
)
def test_number_that_cannot_be_is_wrong_usage(
    argument: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["modbus", "127.0.0.1", *argument])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
