from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua.client.client import Client
from pymodbus.client import AsyncModbusTcpClient

from models.problem import BadInput, Unavailable
from models.site import Device, Site
from simulator.field import build_field
from simulator.play import Play, play

START = datetime(2026, 7, 9, 22, tzinfo=UTC)
Ask = Callable[..., Awaitable[dict[str, Any]]]
Do = Callable[[Ask], Awaitable[None]]


async def playing(site: Site, what: Play, do: Do) -> None:
    """Play, do something at the control port when the plant is ready, and stop."""
    ports: asyncio.Queue[int] = asyncio.Queue()
    stop = asyncio.Event()
    run = asyncio.create_task(play(site, what, lambda port, time: ports.put_nowait(port), stop))

    async def doing() -> None:
        lines, requests = await asyncio.open_connection("127.0.0.1", await ports.get())

        async def ask(word: object = None, raw: bytes = b"", **request: object) -> dict[str, Any]:
            requests.write(raw or json.dumps({"do": word, **request}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await lines.readline())
            return answer

        try:
            await do(ask)
        finally:
            requests.close()
            stop.set()

    async with asyncio.timeout(60):
        try:
            await asyncio.gather(doing(), run)
        finally:
            run.cancel()


def modbus(site: Site) -> AsyncModbusTcpClient:
    return AsyncModbusTcpClient("127.0.0.1", port=site.devices[0].port, timeout=5)


async def device_clock(client: AsyncModbusTcpClient) -> datetime:
    words = (await client.read_holding_registers(0, count=4, device_id=1)).registers
    return datetime.fromtimestamp(int.from_bytes(struct.pack(">4H", *words)) / 1e3, UTC)


async def pressure(client: AsyncModbusTcpClient) -> float:
    """What PT-6 shows, at the end of the branch [m]."""
    words = (await client.read_holding_registers(14, count=2, device_id=1)).registers
    return float(struct.unpack(">f", struct.pack(">2H", *words))[0])


async def until(ask: Ask, time: datetime) -> None:
    while datetime.fromisoformat((await ask("time"))["plant_time"]) < time:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 3.0), (600.0, 1800.0)])
async def test_every_clock_of_the_plant_shows_plant_time(site: Site, speed: float, seconds: float) -> None:
    async def do(ask: Ask) -> None:
        client = modbus(site)
        await client.connect()
        async with Client(site.devices[1].url) as scada:
            node = scada.get_node("ns=2;s=PS.Level")
            await until(ask, START + timedelta(seconds=seconds))
            first = datetime.fromisoformat((await ask("time"))["plant_time"])
            shown = await device_clock(client)
            stamp = (await node.read_data_value()).SourceTimestamp
            last = datetime.fromisoformat((await ask("time"))["plant_time"])
        client.close()
        assert first <= shown <= last
        assert stamp is not None
        assert first <= stamp <= last
        assert last - START < timedelta(seconds=100 * seconds)

    await playing(site, Play("healthy", speed), do)


@pytest.mark.parametrize("speed", [1.0, 600.0])
async def test_plant_time_passes_n_times_as_fast_as_the_walls(site: Site, speed: float) -> None:
    async def do(ask: Ask) -> None:
        client = modbus(site)
        await client.connect()
        loop = asyncio.get_running_loop()
        await until(ask, START + timedelta(seconds=2 * speed))
        wall, shown = loop.time(), await device_clock(client)
        await until(ask, shown + timedelta(seconds=2 * speed))
        passed = (await device_clock(client) - shown).total_seconds()
        # A busy machine may be late by some scans, never early: the clock is the wall's, many times over.
        assert passed <= (loop.time() - wall + 1.5) * speed
        assert (await ask("time"))["lag_s"] < 30 * speed
        client.close()

    await playing(site, Play("healthy", speed), do)


async def test_documented_episode_happens_at_its_times_and_repair_cures_it(site: Site) -> None:
    async def do(ask: Ask) -> None:
        client = modbus(site)
        await client.connect()
        await until(ask, START + timedelta(minutes=30))
        well = await pressure(client)
        assert (await ask("complaints"))["complaints"] == []
        await until(ask, START + timedelta(hours=3, minutes=5))
        bad = await pressure(client)
        assert bad < well - 5
        (complaint,) = (await ask("complaints"))["complaints"]
        assert (complaint["customer"], complaint["words"]) == ("C-6", "太低")
        assert complaint["time"] == (START + timedelta(hours=3)).isoformat()
        assert abs(complaint["reading_m"] - bad) < 5
        repair = {"kind": "repair", "link": "P6", "diameter_mm": 96.8, "roughness": 150, "minor_loss": 0.2}
        done = await ask("event", event=repair)
        assert done["ok"]
        await until(ask, datetime.fromisoformat(done["plant_time"]) + timedelta(minutes=3))
        assert await pressure(client) > bad + 5
        client.close()

    await playing(site, Play("documented", 1200.0), do)


async def test_crew_measures_pressure_and_flow_without_bias(site: Site) -> None:
    async def do(ask: Ask) -> None:
        here = await ask("measure", node="J6", quantity="pressure", minutes=10)
        assert here["ok"]
        assert [reading["unit"] for reading in here["readings"]] == ["m"] * len(here["readings"])
        assert 5 <= len(here["readings"]) <= 10
        times = [datetime.fromisoformat(reading["time"]) for reading in here["readings"]]
        assert times == sorted(times)
        assert times[-1] - times[0] <= timedelta(minutes=10)
        client = modbus(site)
        await client.connect()
        assert here["mean"] == pytest.approx(await pressure(client), abs=1.5)
        client.close()
        branch = await ask("measure", node="J5", quantity="flow", minutes=3, link="P5")
        assert branch["unit"] == "l/s"
        assert 1 < branch["mean"] < 10

    await playing(site, Play("healthy", 600.0), do)


async def test_control_port_refuses_what_it_does_not_understand_and_stays_open(site: Site) -> None:
    async def do(ask: Ask) -> None:
        refusals: list[tuple[dict[str, Any], str]] = [
            ({"raw": b"hello\n"}, "not JSON"),
            ({"raw": b"[1]\n"}, "expected an object"),
            ({"word": "dance"}, "dance"),
            ({"word": "event"}, "no event"),
            ({"word": "event", "event": {"kind": "blockage", "link": "P99", "minor_loss": 1}}, "P99"),
            ({"word": "event", "event": {"kind": "blockage", "link": "PU1", "minor_loss": 1}}, "PU1"),
            ({"word": "event", "event": {"kind": "pump_head", "link": "P1", "factor": 1}}, "P1"),
            ({"word": "event", "event": {"kind": "burst", "node": "R1", "emitter_l_s_per_sqrt_m": 1}}, "R1"),
            ({"word": "event", "event": {"kind": "gauge_dead", "point": "PT-99"}}, "PT-99"),
            ({"word": "event", "event": {"kind": "device_off", "device": "x"}}, "device x"),
            ({"word": "event", "event": {"kind": "complaint", "customer": "x", "words": "low"}}, "customer x"),
            ({"word": "measure"}, "no node"),
            ({"word": "measure", "node": "J99"}, "J99"),
            ({"word": "measure", "node": "J6", "quantity": "colour"}, "colour"),
            ({"word": "measure", "node": "J6", "minutes": 0}, "minutes 0"),
        ]
        for request, words in refusals:
            answer = await ask(**request)
            assert not answer["ok"]
            assert words in answer["error"]
        assert (await ask("time"))["ok"]

    await playing(site, Play("healthy", 60.0), do)


async def test_device_goes_and_comes_back_and_the_others_stay(site: Site) -> None:
    async def do(ask: Ask) -> None:
        assert (await ask("event", event={"kind": "device_off", "device": "rtu"}))["ok"]
        await until(ask, START + timedelta(minutes=10))
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", site.devices[0].port)
        async with Client(site.devices[1].url) as scada:
            assert await scada.get_node("ns=2;s=PS.Running").read_value() in (True, False)
        assert (await ask("event", event={"kind": "device_on", "device": "rtu"}))["ok"]
        await until(ask, START + timedelta(minutes=20))
        client = modbus(site)
        assert await client.connect()
        client.close()

    await playing(site, Play("healthy", 600.0), do)


async def test_shutdown_ends_the_play_and_frees_the_ports(site: Site) -> None:
    async def do(ask: Ask) -> None:
        assert await ask("shutdown") == {"ok": True, "stopping": True}

    await playing(site, Play("healthy", 600.0), do)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", site.devices[0].port))


async def nothing(ask: Ask) -> None:
    raise AssertionError("the plant was ready")


@pytest.mark.parametrize("which", [0, 1])
async def test_port_in_use_is_one_clear_message(site: Site, which: int) -> None:
    port = site.devices[0].port if which == 0 else int(site.devices[1].url.rpartition(":")[2])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(Unavailable, match=f"device {site.devices[which].name}.*{port}.* in use"):
            await playing(site, Play("healthy"), nothing)


async def test_control_port_in_use_is_one_clear_message(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"control port {port}"):
            await playing(site, Play("healthy", control_port=port), nothing)


async def test_all_that_does_not_fit_is_told_before_anything_opens(site: Site) -> None:
    (site.folder / "plant" / "gauges.csv").write_text("point,offset\nPT-99,1\n")
    (site.folder / "plant" / "episodes" / "healthy.toml").write_text(
        'start="2026-07-10T06:00:00+08:00"\n[[events]]\nat="2026-07-10T06:00:00+08:00"\nkind="close"\nlink="P99"\n'
    )
    site = replace(site, customers=(replace(site.customers[0], node="J99"),))
    with pytest.raises(BadInput) as caught:
        await playing(site, Play("healthy"), nothing)
    assert [word in str(caught.value) for word in ("PT-99", "P99", "J99")] == [True] * 3


def test_devices_that_the_plant_cannot_be_are_told_together(site: Site) -> None:
    rtu, scada = site.devices
    serial = Device("serial", "modbus-rtu", line=9)
    twin = replace(rtu, name="twin", clock_address="", line=8)
    with pytest.raises(BadInput) as caught:
        build_field(replace(site, devices=(rtu, scada, serial, twin)))
    assert [problem.line for problem in caught.value.problems] == [9, 8]
