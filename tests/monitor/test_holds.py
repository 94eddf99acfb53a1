from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import sample_networks
from hydro.engine import Engine
from hydro.network import Network
from models.alarm import AlarmKind, AlarmState
from models.site import Site
from models.site_file import load_site
from models.works import OutOfScan, WorksKind, WorksWindow
from monitor.alarms import Annunciator, Condition
from monitor.holds import held_back
from stores.records import Records

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou"
NOON = datetime(2026, 7, 11, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLUSHING = WorksWindow(WorksKind.FLUSHING, NOON, NOON + HOUR, "flushing", "Li")
LOW = Condition("limit/PT-07/low", AlarmKind.LIMIT, "PT-07", "low_limit")
BLAMED = Condition(
    "diagnosis/blocked_link/P-144",
    AlarmKind.DIAGNOSIS,
    "P-144",
    "blocked_link",
    details={"elements": ["P-144"]},
)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(JIAOZHOU)


@pytest.fixture(scope="module")
def network(site: Site) -> Iterator[Network]:
    with Engine(site.network, workers=1) as engine:
        yield engine.network


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with Records(str(tmp_path / "records.sqlite")) as opened:
        yield opened


def test_works_hold_back_blame_and_no_limit(site: Site, network: Network) -> None:
    assert held_back(site, network, [FLUSHING], {}, [LOW, BLAMED]) == {
        BLAMED.key: "works (flushing) by Li: flushing",
    }


def test_works_hold_back_only_what_they_touch(site: Site, network: Network) -> None:
    end = network.node_ids[network.end[network.link_index["P-144"]]]
    zone = site.zones[end]
    other = next(name for name in site.zones.values() if name != zone)
    assert held_back(site, network, [replace(FLUSHING, zones=(zone,))], {}, [BLAMED])
    assert not held_back(site, network, [replace(FLUSHING, zones=(other,))], {}, [BLAMED])
    assert held_back(site, network, [replace(FLUSHING, elements=("P-144",))], {}, [BLAMED])
    assert not held_back(site, network, [replace(FLUSHING, elements=("P-001",))], {}, [BLAMED])


def test_a_point_out_of_scan_raises_no_limit(site: Site, network: Network) -> None:
    out = {"PT-07": OutOfScan("PT-07", "gauge broken", "Li", NOON)}
    assert held_back(site, network, [], out, [LOW]) == {LOW.key: "out of scan by Li: gauge broken"}


def test_what_comes_and_goes_during_works_is_never_announced(records: Records) -> None:
    annunciator = Annunciator(records)
    held = {BLAMED.key: "works"}
    annunciator.cycle(NOON, [BLAMED], held=held)
    (alarm,) = records.open_alarms()
    assert (alarm.state, alarm.pending) == (AlarmState.SUPPRESSED, False)
    annunciator.cycle(NOON + HOUR, [], held=held)
    annunciator.cycle(NOON + 2 * HOUR, [])
    assert records.open_alarms() == ()


def test_what_stands_when_works_end_is_announced_then(records: Records) -> None:
    annunciator = Annunciator(records)
    annunciator.cycle(NOON, [BLAMED], held={BLAMED.key: "works"})
    annunciator.cycle(NOON + HOUR, [BLAMED])
    (alarm,) = records.open_alarms()
    assert alarm.state is AlarmState.UNACKNOWLEDGED


def test_an_alarm_that_was_there_before_is_held_back_and_raised_again(records: Records) -> None:
    annunciator = Annunciator(records)
    annunciator.cycle(NOON, [BLAMED])
    annunciator.cycle(NOON + HOUR, [BLAMED], held={BLAMED.key: "works"})
    assert records.open_alarms()[0].state is AlarmState.SUPPRESSED
    annunciator.cycle(NOON + 2 * HOUR, [])
    annunciator.cycle(NOON + 3 * HOUR, [BLAMED], held={BLAMED.key: "works"})
    assert records.open_alarms()[0].state is AlarmState.SUPPRESSED
