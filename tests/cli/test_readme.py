"""The README's five-minute paths, run as they stand."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.site_file import load_site
from stores.records import Records
from tests.cli.test_truth_stays_outside import readings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def block(heading: str) -> list[str]:
    """Return the commands below a heading, without comments."""
    found = re.search(rf"## {heading}\n.*?```\n(.*?)```", README, re.DOTALL)
    assert found is not None, heading
    return [line.partition(" #")[0].strip() for line in found[1].splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sample_networks").symlink_to(ROOT / "sample_networks")
    return tmp_path


@pytest.fixture
def background() -> Iterator[Callable[[str, Path], None]]:
    """Starts commands that a shell would put behind it, and ends them when the test is over."""
    with ExitStack() as stack:

        def start(line: str, cwd: Path) -> None:
            log = stack.enter_context((cwd / "background.log").open("a"))
            process = subprocess.Popen(
                f"exec {line}", shell=True, cwd=cwd, env=ENVIRONMENT, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(end, process)

        def end(process: subprocess.Popen[bytes]) -> None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        yield start


def run(line: str, cwd: Path) -> str:
    done = subprocess.run(line, shell=True, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


def until(met: Callable[[], object]) -> None:
    end = time.monotonic() + 240.0
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.3)


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_control_room_and_service_team(folder: Path, background: Callable[[str, Path], None]) -> None:
    lines = block("Five minutes for the control room")
    assert [line.split()[1] for line in lines if line.startswith("hydro")] == [
        "simulate", "check", "read", "calibrate", "serve", "alarms", "complain",
    ]  # fmt: skip
    run(lines[0], folder)
    # The sample site's own ports may be taken here by another test.
    from cli.stage import _move_ports

    _move_ports(folder / "town" / "site.toml")
    site = load_site(folder / "town")
    for line in lines[1:]:
        if not line.endswith("&"):
            run(line, folder)
            continue
        background(line.removesuffix("&").strip(), folder)
        if "simulate" in line:
            until(lambda: answers(site.devices[0].port))
        else:
            until(lambda: site.stores.records_url and Path(site.stores.records_url).exists())
            with Records(site.stores.records_url) as records:
                until(records.plant_time)
    with Records(site.stores.records_url) as records:
        until(records.open_orders)
        order = records.open_orders()[0].id
        complaint = records.complaints()[0].id
    said = [
        run(line.replace(" 1 ", f" {order} ").replace("--complaint 1", f"--complaint {complaint}"), folder)
        for line in block("Five minutes for the service team")
    ]
    assert said[1].startswith(f"order {order}: draft")
    with Records(site.stores.records_url) as records:
        assert str(records.order(order).state) == "done"


def test_engineer(folder: Path) -> None:
    network = ROOT / "sample_networks" / "jiaozhou" / "network.inp"
    (folder / "NETWORK.inp").write_bytes(network.read_bytes())
    (folder / "TAGS.csv").write_text("tag,address,unit\nPT J-126,40001,bar\n")
    run("cp -r sample_networks/jiaozhou town", folder)
    for name in ("healthy", "readings"):
        readings(folder / "town").rename(folder / f"{name}.csv")
    for line in block("Five minutes for the engineer"):
        run(line.replace("--complaint NODE", "--complaint J-126"), folder)
    assert load_site(folder / "SITE").points[0].element == "J-126"
    assert json.loads((folder / "diagnosis.json").read_text())["causes"]
    assert (folder / "map.svg").read_text().startswith("<svg")
