"""Modbus servers that nobody here wrote, over TCP, TLS and serial lines."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from collectors.driver import NoAnswer, Reading
from collectors.modbus.driver import ModbusDriver
from collectors.modbus.wires import Wires
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality
from models.site import Device, SecuritySettings, SerialSettings
from simulator.port import free_port
from tests.peers.start import Missing, libmodbus, node_modbus, running, serial_pair

BITS, REGISTERS, BUSY, WRONG_NUMBER, LATE, SLOWLY = 0x130, 0x160, 0x170, 0x171, 0x172, 0x173
"""Where libmodbus' server has its values and its tricks."""
UNIT = 17


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


@pytest.fixture
def started(stack: ExitStack) -> Callable[..., int]:
    """Starts a peer, or skips the test where it is not built; in CI that is a failure."""

    def start(make: Callable[..., object], *arguments: object) -> int:
        try:
            return stack.enter_context(make(*arguments))  # type: ignore[arg-type]
        except Missing as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))

    return start


def point(address: str, data_type: str = "uint16") -> Point:
    return Point(address, "J1", Quantity.PRESSURE, "m", "rtu", address, data_type)


@asynccontextmanager
async def asking(device: Device) -> AsyncIterator[ModbusDriver]:
    driver = ModbusDriver(device, Wires([device]).of(device))
    end = time.monotonic() + 20.0
    while True:
        try:
            await driver.connect()
            break
        except NoAnswer:
            # It does not say when it listens.
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
    try:
        yield driver
    finally:
        await driver.close()


async def read(driver: ModbusDriver, *points: Point) -> list[Reading]:
    return list((await driver.read(points)).readings)


@pytest.mark.parametrize("kind", ["jsmodbus", "modbus-serial"])
async def test_every_table_of_servers_in_javascript_is_read(kind: str, started: Callable[..., int]) -> None:
    device = Device("rtu", "modbus-tcp", port=started(node_modbus, kind))
    holding = [point(f"holding/{start}") for start in range(100, 400)]
    inputs = [point(f"input/{start}") for start in range(0, 40, 3)]
    bits = [point(f"{table}/{start}", "bit") for table in ("coil", "discrete") for start in range(60)]
    async with asking(device) as driver:
        found = await read(driver, *holding, *inputs, *bits)
    assert {one.quality for one in found} == {Quality.GOOD}
    for one in found:
        table, _, number = one.point.partition("/")
        expected = float(int(number) % 3 == 0) if table in ("coil", "discrete") else float(number)
        assert one.value == expected, one.point


async def test_serial_server_in_javascript_is_read(
    started: Callable[..., int], tmp_path: Path, stack: ExitStack
) -> None:
    near, far = stack.enter_context(serial_pair(tmp_path))
    started(node_modbus, "rtu", str(far))
    device = Device("rtu", "modbus-rtu", serial=SerialSettings(str(near), 19200, "none", 1))
    async with asking(device) as driver:
        found = await read(driver, *(point(f"holding/{start}") for start in range(10, 70)))
    assert [one.value for one in found] == [float(start) for start in range(10, 70)]


@pytest.fixture
async def tricky(started: Callable[..., int]) -> AsyncIterator[ModbusDriver]:
    """libmodbus' own test server, made to try a master."""
    device = Device("rtu", "modbus-tcp", port=started(libmodbus, "tcp"), unit_id=255, timeout_s=1.0)
    async with asking(device) as driver:
        yield driver


async def test_libmodbus_bits_and_registers_are_read(tricky: ModbusDriver) -> None:
    bits = await read(tricky, *(point(f"discrete/{0x1C4 + place}", "bit") for place in range(22)))
    sent = [byte >> bit & 1 for byte in (0xAC, 0xDB, 0x35) for bit in range(8)][:22]
    assert [one.value for one in bits] == [float(bit) for bit in sent]
    (register,) = await read(tricky, point("input/264"))
    assert register.value == 10.0


async def test_libmodbus_that_is_busy_is_bad_and_says_so(tricky: ModbusDriver) -> None:
    (one,) = await read(tricky, point(f"holding/{BUSY}"))
    assert (one.quality, one.reason) == (Quality.BAD, "refused: device busy")


async def test_libmodbus_that_answers_two_registers_with_one_is_no_value(tricky: ModbusDriver) -> None:
    (one,) = await read(tricky, point(f"holding/{REGISTERS}", "uint32"))
    assert (one.quality, one.reason, math.isnan(one.value)) == (Quality.BAD, "short reply: 1 of 2", True)


async def test_libmodbus_that_answers_with_another_number_is_no_answer_and_the_next_is(tricky: ModbusDriver) -> None:
    with pytest.raises(NoAnswer, match="timeout"):
        await read(tricky, point(f"holding/{WRONG_NUMBER}"))
    (one,) = await read(tricky, point("input/264"))
    assert one.value == 10.0


async def test_libmodbus_that_is_half_a_second_late_is_waited_for_if_there_is_time(tricky: ModbusDriver) -> None:
    (one,) = await read(tricky, point(f"holding/{LATE}"))
    assert one.quality is Quality.GOOD


async def test_libmodbus_that_sends_byte_by_byte_is_read(tricky: ModbusDriver) -> None:
    (one,) = await read(tricky, point(f"holding/{SLOWLY}"))
    assert (one.value, one.quality) == (0.0, Quality.GOOD)


async def test_late_reply_of_libmodbus_on_a_serial_line_gives_no_wrong_value(
    started: Callable[..., int], tmp_path: Path, stack: ExitStack
) -> None:
    near, far = stack.enter_context(serial_pair(tmp_path))
    started(libmodbus, "rtu", str(far))
    settings = SerialSettings(str(near), 115200, "none", 1)
    device = Device("rtu", "modbus-rtu", unit_id=UNIT, serial=settings, timeout_s=0.25)
    async with asking(device) as driver:
        # One register each, so that a late reply looks like the right one: the busy one has no value at all.
        with pytest.raises(NoAnswer, match="timeout"):
            await read(driver, point(f"holding/{LATE}"))
        found: list[Reading] = []
        end, pause = time.monotonic() + 20.0, 0.05
        while not found:
            assert time.monotonic() < end
            try:
                found = await read(driver, point("input/264"), point(f"holding/{BUSY}"))
            except NoAnswer:
                # Asked at once, while the late reply is on its way; then only when the server listens again: it ends
                # when it hears a question cut in two.
                await asyncio.sleep(pause)
                pause = 0.7
    assert found[0].value == 10.0
    assert found[1].reason == "refused: device busy"


@pytest.fixture
def certificates(tmp_path: Path, stack: ExitStack) -> Path:
    """A folder with a key and a certificate of a device, and two of what is trusted: that device, and nothing."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    files = ["-keyout", "key.pem", "-out", "certificate.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext", names]
    subprocess.run([*command, *files], cwd=tmp_path, check=True, capture_output=True)
    for name in ("trusted", "nothing"):
        (tmp_path / name).mkdir()
    (tmp_path / "trusted" / "device.pem").write_bytes((tmp_path / "certificate.pem").read_bytes())
    return tmp_path


@asynccontextmanager
async def behind_tls(folder: Path, port: int, stack: ExitStack) -> AsyncIterator[int]:
    """What stands in front of a Modbus server at a port and speaks TLS: socat."""
    front = free_port()
    keys = f"cert={folder}/certificate.pem,key={folder}/key.pem,verify=0"
    listen = f"openssl-listen:{front},bind=127.0.0.1,fork,reuseaddr,{keys}"
    stack.enter_context(running(["socat", listen, f"tcp:127.0.0.1:{port}"], ready=""))
    yield front


async def test_device_behind_tls_is_read_if_it_is_trusted_and_not_otherwise(
    started: Callable[..., int], certificates: Path, stack: ExitStack
) -> None:
    inner = started(node_modbus, "modbus-serial")
    async with behind_tls(certificates, inner, stack) as port:
        trusting = Device(
            "rtu", "modbus-tls", port=port, security=SecuritySettings(trusted=certificates / "trusted"), timeout_s=2.0
        )
        async with asking(trusting) as driver:
            assert [one.value for one in await read(driver, point("holding/1000"))] == [1000.0]
        for security in (SecuritySettings(trusted=certificates / "nothing"), SecuritySettings()):
            wary = Device("rtu", "modbus-tls", port=port, security=security, timeout_s=2.0)
            driver = ModbusDriver(wary, Wires([wary]).of(wary))
            with pytest.raises(NoAnswer, match="no connection"):
                await driver.connect()
            await driver.close()
        # As some devices hand it out; and what is no certificate is named.
        (certificates / "trusted" / "device.pem").unlink()
        der = ["openssl", "x509", "-in", "certificate.pem", "-outform", "DER", "-out", "trusted/device.cer"]
        subprocess.run(der, cwd=certificates, check=True, capture_output=True)
        async with asking(trusting) as driver:
            assert [one.value for one in await read(driver, point("holding/1000"))] == [1000.0]
        (certificates / "trusted" / "notes.pem").write_text("ask Li for the new one")
        driver = ModbusDriver(trusting, Wires([trusting]).of(trusting))
        with pytest.raises(NoAnswer, match=r"notes\.pem in folder trusted is no certificate"):
            await driver.connect()
        await driver.close()
