"""A plant whose clock runs 600 times as fast as the wall's: who is silent, and who is only not there yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.sample import Sample
from models.site import Site
from models.site_file import load_site
from monitor.alarms import blind_condition, device_condition
from monitor.attendance import TRIED_AGAIN_S, Attendance, too_early

NOON = datetime(2026, 7, 11, 4, tzinfo=UTC)
DEVICES = {"rtu-north", "rtu-south", "pump-station"}
TIMEOUT_S = 2.0
"""The pump station's."""


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path("sample_networks/jiaozhou").resolve())


def read(site: Site, at: datetime, *devices: str) -> dict[str, Sample]:
    return {one.name: Sample(one.name, at, 1.0) for one in site.points if one.device in devices}


def test_device_is_awaited_from_the_first_look_until_it_had_its_chance(site: Site) -> None:
    attendance, chance = Attendance(), TRIED_AGAIN_S + TIMEOUT_S
    assert attendance.awaited(site, {}, 100.0) == DEVICES
    assert "pump-station" in attendance.awaited(site, {}, 100.0 + chance)
    assert "pump-station" not in attendance.awaited(site, {}, 100.1 + chance)


def test_device_that_is_heard_gets_its_chance_anew(site: Site) -> None:
    attendance, chance = Attendance(), TRIED_AGAIN_S + TIMEOUT_S
    attendance.awaited(site, {}, 0.0)
    heard = read(site, NOON, "pump-station")
    assert attendance.awaited(site, heard, 60.0) == {"pump-station"}
    assert attendance.awaited(site, heard, 60.1 + chance) == set()
    again = read(site, NOON + timedelta(hours=2), "pump-station")
    assert attendance.awaited(site, again, 61.0 + chance) == {"pump-station"}


def test_silence_of_a_device_that_is_awaited_is_too_early_to_tell(site: Site) -> None:
    silent = [device_condition(name, "has never answered", NOON) for name in ("rtu-north", "rtu-south")]
    assert too_early(site, frozenset({"rtu-north"}), (), silent) == {"device/rtu-north"}


def test_boundary_is_too_early_to_tell_only_while_its_device_was_never_heard(site: Site) -> None:
    blind, awaited = [blind_condition("TANK-E", "never read well", ["TANK-LEVEL"])], frozenset({"pump-station"})
    assert site.point("TANK-LEVEL").device == "pump-station"
    assert too_early(site, awaited, ("PT-02",), blind) == {"blind/TANK-E"}
    assert too_early(site, awaited, ("PU-1-RUNS",), blind) == set()
    assert too_early(site, frozenset(), (), blind) == set()
