"""A site, an episode and a seed become a truth that stands at the start, instruments and a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from models.problem import BadInput, Problem
from models.site import Site
from simulator.episodes import Episode, load_episode
from simulator.events import (
    Blockage,
    Burst,
    Change,
    Close,
    CustomerComplaint,
    DemandChange,
    DeviceOff,
    DeviceOn,
    GaugeDead,
    GaugeDrift,
    GaugeFreeze,
    GaugeRestore,
    Open,
    PumpHead,
    Repair,
)
from simulator.instruments import Instruments, fit_out
from simulator.plant_files import TruePlant, load_plant
from simulator.severity import place_fault
from simulator.snapshot import Elements
from simulator.truth import Truth


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that plays."""

    site: Site
    episode: Episode
    truth: Truth
    instruments: Instruments
    seed: int


@contextmanager
def set_scene(
    site: Site,
    episode_name: str,
    seed: int | None = None,
    fault_link: str | None = None,
    start: datetime | None = None,
) -> Iterator[Scene]:
    """Yield the scene, and close its truth afterwards.

    ``seed`` replaces the one in ``plant/truth.toml``; ``start`` the episode's own, whose events stay where they are.

    Raises
    ------
    BadInput
        Files of the plant are wrong, or do not fit the network, the points or the customers: every problem at once.
    NotSolvable
        The network does not solve, or ``fault_link`` cannot be blocked so that anybody feels it.
    """
    plant = load_plant(site.folder)
    episode = load_episode(site.folder, episode_name)
    chosen = plant.seed if seed is None else seed
    begin = episode.start if start is None else start
    truth = _truth(site, plant, begin, chosen)
    try:
        instruments, problems = fit_out(site.points, truth.elements, plant, chosen)
        problems += _unfit(site, episode, truth.elements)
        if problems:
            raise BadInput(problems)
        if fault_link is not None:
            episode = _with_fault(site, plant, episode, chosen, fault_link)
        yield Scene(site, episode, truth, instruments, chosen)
    finally:
        truth.close()


def _truth(site: Site, plant: TruePlant, start: datetime, seed: int, certain: bool = False) -> Truth:
    return Truth(site.network, plant, start, site.time_zone, site.zones, seed, certain)


def _with_fault(site: Site, plant: TruePlant, episode: Episode, seed: int, link: str) -> Episode:
    certain = _truth(site, plant, episode.start, seed, certain=True)
    try:
        return place_fault(certain, episode, link, site.customers)
    finally:
        certain.close()


def _unfit(site: Site, episode: Episode, elements: Elements) -> list[Problem]:
    file = f"plant/episodes/{episode.name}.toml"
    problems = [Problem(text, file) for event in episode.events if (text := misfit(event.change, site, elements))]
    return problems + [
        Problem(f"customer {customer.customer_id}: node {customer.node} is not in the network", "customers.csv")
        for customer in site.customers
        if customer.node not in elements.nodes
    ]


def misfit(change: Change, site: Site, elements: Elements) -> str:
    """Return why ``change`` cannot happen at this site, or nothing."""
    match change:
        case DemandChange(node) | Burst(node):
            if node not in elements.nodes or not elements.is_junction[elements.nodes[node]]:
                return f"node {node}: no junction of that id in the network"
        case Blockage(link) | Repair(link):
            if link not in elements.links or not elements.has_minor_loss[elements.links[link]]:
                return f"link {link}: no link of that id in the network that can be blocked or relaid"
        case Close(link) | Open(link):
            if link not in elements.links:
                return f"link {link}: not in the network"
        case PumpHead(link):
            if link not in elements.links or not elements.has_head_curve[elements.links[link]]:
                return f"link {link}: no pump of that id with a head curve in the network"
        case GaugeDrift(name) | GaugeFreeze(name) | GaugeDead(name) | GaugeRestore(name):
            if all(point.name != name for point in site.points):
                return f"point {name}: not in points.csv"
        case DeviceOff(name) | DeviceOn(name):
            if all(device.name != name for device in site.devices):
                return f"device {name}: not in site.toml"
        case CustomerComplaint(name):
            if all(customer.customer_id != name for customer in site.customers):
                return f"customer {name}: not in customers.csv"
    return ""
