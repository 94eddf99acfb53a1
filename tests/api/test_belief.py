"""What the model believes at a time, when part of what was read is no part of what it solves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sample_networks
from api.belief import Believer
from cli.calibrate import _samples
from models.site_file import load_site
from stores.telemetry import open_telemetry

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou"


def test_the_state_is_told_though_a_tank_may_be_shut_in_the_newest_step(tmp_path: Path) -> None:
    shutil.copytree(JIAOZHOU, tmp_path / "site", ignore=shutil.ignore_patterns("data", "plant"))
    site = load_site(tmp_path / "site")
    at, hour = datetime(2026, 7, 3, 19, tzinfo=UTC), timedelta(hours=1)
    telemetry = open_telemetry(site.stores)
    # All but full in the last quarter: its level does not say whether the tank is shut.
    full = [
        replace(one, value=4.95) if one.point == "TANK-LEVEL" and one.time >= at - hour / 4 else one
        for one in _samples(site.folder / "history.csv", site, at - hour, at)
    ]
    telemetry.write(full)
    believer = Believer(site, telemetry, at, "1")
    try:
        assert believer.at(at, ()).basis == "measured"
        assert len(believer.course(at - hour, at, ()).time) == 4
    finally:
        believer.close()
        telemetry.close()
