"""The monitor's cycle when a store is away: it waits, and nothing else ends."""

from __future__ import annotations

import asyncio
import logging
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

import sample_networks
from cli.serve import _repeat
from models.problem import Unavailable
from models.site_file import load_site

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou"


async def test_store_that_is_away_is_said_once_and_the_monitor_goes_on_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ignored = shutil.ignore_patterns("plant", "data", "history.csv", "__pycache__")
    site = load_site(shutil.copytree(JIAOZHOU, tmp_path / "site", ignore=ignored))
    site = replace(site, clock="wall", monitor=replace(site.monitor, interval_s=0.01))
    stop, loop, calls = asyncio.Event(), asyncio.get_running_loop(), list[datetime]()

    def work(now: datetime) -> None:
        calls.append(now)
        if len(calls) in (2, 3):
            raise Unavailable("InfluxDB at http://127.0.0.1:1: does not answer")
        if len(calls) == 5:
            loop.call_soon_threadsafe(stop.set)

    async with asyncio.timeout(60.0):
        await _repeat(work, site, stop)
    assert len(calls) == 5
    assert [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING] == [
        "the monitor waits: InfluxDB at http://127.0.0.1:1: does not answer",
        "the monitor goes on",
    ]
