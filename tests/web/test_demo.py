"""`hydro demo`: a visitor opens the console on the living plant, sends the crew, and the cure holds."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from api.console import lacking

if TYPE_CHECKING:
    from tests.web.conftest import Desk

MORNING_MS = 300_000.0
"""How long the plant's night and the diagnosis may take on a busy machine."""


@pytest.mark.slow
@pytest.mark.timeout(800)
@pytest.mark.usefixtures("attended")
def test_visitor_sends_the_crew_and_the_cure_holds(desk: Desk, tmp_path: Path) -> None:
    assert lacking() is None
    command = [sys.executable, "-m", "cli.main", "demo", "--no-browser", "--keep", str(tmp_path / "kept")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            address = next(found.group() for line in demo.stdout if (found := re.search(r"http://\S+", line)))
            page = desk(address, "zh")
            alarm = page.locator(".strip li", has_text=re.compile("堵塞|关闭"))
            alarm.first.get_by_role("button", name="原因").click(timeout=MORNING_MS)
            page.locator(".verdict").get_by_role("button", name="试算方案").click()
            page.get_by_role("button", name="派单").click()
            page.wait_for_url(re.compile("#/orders/"))
            expect(page.locator("article > header")).to_contain_text("已完成", timeout=MORNING_MS)
            expect(page.locator("dl.gain")).to_contain_text("得到证实")
            # The stage tells of it once the alarms are normal again, some minutes of the plant later.
            told = next(line for line in demo.stdout if "VERIFIED" in line)
        finally:
            demo.send_signal(signal.SIGINT)
            status = demo.wait(60)
    assert "[ok]" in told
    assert status == 0
