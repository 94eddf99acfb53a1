from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hydro.engine import Engine
from hydro.network import Network
from models.sample import Quality, Sample
from models.site import Site
from models.site_file import load_site
from monitor.boundaries import blind_conditions, device_conditions, drives, good_only

NOON = datetime(2026, 7, 11, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path("sample_networks/jiaozhou").resolve())


@pytest.fixture(scope="module")
def network(site: Site) -> Iterator[Network]:
    with Engine(site.network, workers=1) as engine:
        yield engine.network


def read(site: Site, at: datetime = NOON) -> dict[str, Sample]:
    return {point.name: Sample(point.name, at, 1.0) for point in site.points}


def test_states_levels_and_sources_drive_the_model(site: Site, network: Network) -> None:
    driving = {point.name for point in site.points if drives(point, network)}
    assert driving == {"PU-1-RUNS", "PU-2-RUNS", "INLET-OPEN", "TANK-MAIN-OPEN", "TANK-LEVEL"}


def test_what_was_read_of_late_is_no_blindness(site: Site, network: Network) -> None:
    assert blind_conditions(site, network, read(site), NOON + 30 * MINUTE) == []
    assert device_conditions(site, read(site), NOON + 3 * MINUTE) == []


def test_stale_boundary_is_blind_from_its_stale_time_on_and_says_since_when(site: Site, network: Network) -> None:
    latest = read(site) | {"TANK-LEVEL": Sample("TANK-LEVEL", NOON - 31 * MINUTE, 3.0)}
    (found,) = blind_conditions(site, network, latest, NOON)
    assert found.key == "blind/TANK-E"
    assert found.details == {"reason": "no good reading since 2026-07-11T03:29:00+00:00", "points": ["TANK-LEVEL"]}
    assert found.raise_after == timedelta(0)
    assert blind_conditions(replace(site, monitor=replace(site.monitor, stale_s=3600.0)), network, latest, NOON) == []


def test_boundary_that_was_never_read_gets_the_same_time_before_it_is_an_alarm(site: Site, network: Network) -> None:
    latest = read(site)
    del latest["PU-1-RUNS"]
    (found,) = blind_conditions(site, network, latest, NOON)
    assert (found.key, found.details["reason"]) == ("blind/PU-1", "never read well")
    assert found.raise_after == timedelta(seconds=site.monitor.stale_s)


def test_device_is_silent_when_none_of_its_points_came_for_three_periods(site: Site) -> None:
    old = {point.name: NOON - 4 * MINUTE for point in site.points if point.device == "rtu-north"}
    latest = {name: replace(one, time=old.get(name, NOON)) for name, one in read(site).items()}
    (found,) = device_conditions(site, latest, NOON)
    assert (found.key, found.details["reason"]) == ("device/rtu-north", "does not answer")
    latest["PT-02"] = Sample("PT-02", NOON, 30.0)
    assert device_conditions(site, latest, NOON) == []


def test_device_that_never_answered_is_given_its_time(site: Site) -> None:
    latest = {name: one for name, one in read(site).items() if site.point(name).device != "rtu-south"}
    (found,) = device_conditions(site, latest, NOON)
    assert found.details["reason"] == "has never answered"
    # Three of its periods, and its own patience.
    assert found.raise_after == timedelta(seconds=3 * 300 + 1)


def test_steady_points_with_a_deadband_are_waited_for_until_their_heartbeat(site: Site) -> None:
    steady = [replace(one, deadband=0.1) if one.device == "rtu-south" else one for one in site.points]
    latest = {name: replace(one, time=NOON - 19 * MINUTE) for name, one in read(site).items()}
    silent = {one.source for one in device_conditions(replace(site, points=tuple(steady)), latest, NOON)}
    # 600 s of heartbeat and two periods of 300 s.
    assert silent == {"rtu-north", "pump-station"}
    silent = {one.source for one in device_conditions(replace(site, points=tuple(steady)), latest, NOON + 2 * MINUTE)}
    assert silent == {"rtu-north", "pump-station", "rtu-south"}


def test_bad_and_uncertain_samples_say_nothing_of_a_boundary() -> None:
    samples = {name: Sample(name, NOON, 1.0, Quality(name)) for name in ("good", "uncertain", "bad")}
    assert good_only(samples).keys() == {"good"}
