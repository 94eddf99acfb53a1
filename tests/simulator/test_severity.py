from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.problem import BadInput
from models.site import Site
from simulator.episodes import Episode, load_episode
from simulator.events import Blockage, CustomerComplaint, DemandChange, Event
from simulator.problem import NotSolvable
from simulator.scene import set_scene
from simulator.severity import LEAST_M, find_fault, place_fault
from simulator.truth import Truth

START = datetime(2026, 7, 9, 22, tzinfo=UTC)
OpenTruth = Callable[..., Truth]


def test_fault_costs_somebody_three_metres_and_not_much_more(open_truth: OpenTruth, site: Site) -> None:
    fault = find_fault(open_truth(), START, (), "P6", site.customers)
    assert fault.customer.customer_id == "C-6"
    assert 3 <= max(fault.hourly_m) < 8
    worst = START + timedelta(hours=fault.hourly_m.index(max(fault.hourly_m)))
    well, bad = open_truth(), open_truth()
    well.advance(worst)
    bad.advance(worst, [Event(START, Blockage("P6", fault.minor_loss))])
    node = well.elements.nodes["J6"]
    assert well.snapshot.head[node] - bad.snapshot.head[node] == pytest.approx(max(fault.hourly_m), abs=0.3)


def test_link_that_costs_nobody_anything_is_no_case(open_truth: OpenTruth, site: Site) -> None:
    with pytest.raises(NotSolvable, match=f"costs no customer {LEAST_M:g} m"):
        find_fault(open_truth(), START, (), "P9", site.customers)
    with pytest.raises(BadInput, match="not in the network"):
        find_fault(open_truth(), START, (), "P99", site.customers)
    with pytest.raises(NotSolvable, match=r"no customers\.csv"):
        find_fault(open_truth(), START, (), "P6", ())


def changes(episode: Episode, kind: type) -> list[Event]:
    return [event for event in episode.events if isinstance(event.change, kind)]


def test_fault_takes_the_place_of_the_episodes_own_and_its_victim_complains(open_truth: OpenTruth, site: Site) -> None:
    written = load_episode(site.folder, "documented")
    episode = place_fault(open_truth(), written, "P5", site.customers)
    (blockage,) = changes(episode, Blockage)
    assert isinstance(blockage.change, Blockage)
    assert (blockage.at, blockage.change.link) == (START + timedelta(hours=2), "P5")
    assert changes(episode, DemandChange) == changes(written, DemandChange)
    (complaint,) = changes(episode, CustomerComplaint)
    assert isinstance(complaint.change, CustomerComplaint)
    assert complaint.change.words == "太低"
    assert complaint.at >= START + timedelta(hours=3)


def test_fault_comes_into_a_healthy_episode_too(open_truth: OpenTruth, site: Site) -> None:
    episode = place_fault(open_truth(), load_episode(site.folder, "healthy"), "P6", site.customers)
    assert [event.at for event in changes(episode, Blockage)] == [START + timedelta(hours=6)]
    (complaint,) = changes(episode, CustomerComplaint)
    assert complaint.at > START + timedelta(hours=6)


def test_scene_with_a_fault_link_loses_pressure_as_promised(site: Site) -> None:
    with set_scene(site, "healthy", seed=5, fault_link="P6") as faulty, set_scene(site, "healthy", seed=5) as healthy:
        lost = 0.0
        for hour in range(24):
            time = START + timedelta(hours=hour)
            bad = faulty.truth.advance(time, faulty.episode.events)
            well = healthy.truth.advance(time, healthy.episode.events)
            node = healthy.truth.elements.nodes["J6"]
            lost = max(lost, float(well.head[node] - bad.head[node]))
        assert lost >= 3


def test_network_without_customers_at_its_nodes_is_refused(site: Site) -> None:
    nobody = replace(site, customers=())
    with pytest.raises(NotSolvable), set_scene(nobody, "healthy", fault_link="P6"):
        pass
