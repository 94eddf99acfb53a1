from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from models.site import Site

COMMAND = (
    "import argparse, sys; from cli.simulate import add_arguments, run; parser = argparse.ArgumentParser();"
    "add_arguments(parser); sys.exit(run(parser.parse_args()))"
)
ROOT = Path(__file__).parents[2]
COLUMNS = (
    "name", "element", "quantity", "unit", "device", "address", "data_type", "byte_order", "scale", "offset",
    "period_s", "valid_min", "valid_max", "reverse",
)  # fmt: skip


@pytest.fixture
def folder(site: Site) -> Path:
    """The town's site as files."""
    rtu, scada = site.devices
    (site.folder / "network.inp").write_text(site.network.read_text())
    (site.folder / "site.toml").write_text(
        f'name = "Town"\ntime_zone = "{site.time_zone}"\ncrs = "local"\nnetwork = "network.inp"\nclock = "device"\n'
        '[stores]\ntelemetry = "embedded"\ntelemetry_file = "data/telemetry.sqlite"\n'
        'spool_file = "data/spool.sqlite"\nrecords = "data/records.sqlite"\n'
        f'[[devices]]\nname = "rtu"\nprotocol = "modbus-tcp"\nhost = "127.0.0.1"\nport = {rtu.port}\nunit_id = 1\n'
        f'clock_address = "holding/0"\n[[devices]]\nname = "scada"\nprotocol = "opcua"\nurl = "{scada.url}"\n'
    )
    with (site.folder / "points.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for point in site.points:
            row = dataclasses.asdict(point)
            writer.writerow({key: "" if value is None else value for key, value in row.items()})
    with (site.folder / "customers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer_id", "name", "kind", "address", "node"])
        rows.writerows([c.customer_id, c.name, c.kind, c.address, c.node] for c in site.customers)
    return site.folder


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, output, errors


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_plant_says_when_it_is_ready_and_stops_when_it_is_told_to(folder: Path, stop: int, status: int) -> None:
    process = start(folder, "--episode", "healthy", "--speed", "600")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["ready"] is True
    assert ready["plant_time"] == "2026-07-09T22:00:00+00:00"
    with socket.create_connection(("127.0.0.1", ready["control_port"]), timeout=10) as crew:
        crew.sendall(b'{"do": "time"}\n')
        assert json.loads(crew.makefile().readline())["ok"] is True
        process.send_signal(stop)
        code, _, errors = finish(process)
    assert (code, errors) == (status, "")


def test_shutdown_at_the_control_port_is_a_good_end(folder: Path) -> None:
    process = start(folder, "--episode", "healthy", "--seed", "3", "--fault-link", "P6")
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    with socket.create_connection(("127.0.0.1", ready["control_port"]), timeout=10) as crew:
        crew.sendall(b'{"do": "shutdown"}\n')
        assert json.loads(crew.makefile().readline())["ok"] is True
        code, _, errors = finish(process)
    assert (code, errors) == (0, "")


def test_port_in_use_exits_with_5_and_one_line(folder: Path, site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", site.devices[0].port))
        taken.listen()
        code, output, errors = finish(start(folder, "--episode", "healthy"))
    assert (code, output) == (5, "")
    assert len(errors.splitlines()) == 1
    assert "rtu" in errors
    assert str(site.devices[0].port) in errors


def test_fault_that_nobody_feels_exits_with_4(folder: Path) -> None:
    code, output, errors = finish(start(folder, "--episode", "healthy", "--fault-link", "P9"))
    assert (code, output) == (4, "")
    assert errors.startswith("fault link P9: even full closure costs no customer 1 m")


@pytest.mark.parametrize("change", ["episode", "truth", "network"])
def test_bad_files_exit_with_3_and_no_traceback(folder: Path, change: str) -> None:
    if change == "truth":
        (folder / "plant" / "truth.toml").write_text("[pumps]\nPU7 = 1\n")
    if change == "network":
        (folder / "network.inp").write_text("[JUNCTIONS]\nJ1 x\n[END]\n")
    code, output, errors = finish(start(folder, "--episode", "healthy" if change != "episode" else "missing"))
    assert (code, output) == (3, "")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "arguments",
    [("--speed", "0"), ("--speed", "1e9"), ("--speed", "x"), ("--step", "301"), ("--control-port", "70000")],
)
def test_wrong_usage_exits_with_2(folder: Path, arguments: tuple[str, str]) -> None:
    code, output, _ = finish(start(folder, *arguments))
    assert (code, output) == (2, "")
