"""The site's registers in the order of the network's arrays, as the hydraulics want them."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from hydro.assets import Assets, Valve
from hydro.network import Network
from hydro.readings import Floats
from models.site import Site

DAYS_A_YEAR = 365.25


def assets_of(site: Site, network: Network, today: date) -> Assets:
    """Return the registers as of ``today``; elements that the network does not have are left out."""
    links = network.link_index
    age = np.full(len(links), np.nan)
    nominal = np.full(len(links), np.nan)
    material = [""] * len(links)
    for pipe in site.pipes:
        if pipe.link not in links:
            continue
        place = links[pipe.link]
        material[place] = pipe.material
        age[place] = _years(pipe.installed, today)
        nominal[place] = np.nan if pipe.nominal_mm is None else pipe.nominal_mm / 1e3
    customers, required = _served(site, network)
    zone_names = tuple(sorted(set(site.zones.values()))) or ("network",)
    zone_place = {name: place for place, name in enumerate(zone_names)}
    zone = np.array([zone_place.get(site.zones.get(node, ""), 0) for node in network.node_ids], dtype=np.intp)
    return Assets(
        link_age=age,
        link_nominal=nominal,
        link_material=tuple(material),
        customers=customers,
        required_pressure=required,
        zone=zone,
        zone_names=zone_names,
        valves=tuple(
            Valve(
                valve.valve_id,
                links[valve.link],
                valve.end,
                _years(valve.installed, today),
                _years(valve.last_operated, today),
            )
            for valve in site.valves
            if valve.link in links
        ),
    )


def _served(site: Site, network: Network) -> tuple[NDArray[np.intp], Floats]:
    """Return (N,) customers at each node, and (N,) the pressure that the most demanding of them needs [m].

    Without a register of customers every node that draws counts as one.
    """
    nodes = network.node_index
    customers = np.zeros(len(nodes), dtype=np.intp)
    required = np.full(len(nodes), site.monitor.required_pressure_m)
    for customer in site.customers:
        if customer.node not in nodes:
            continue
        place = nodes[customer.node]
        customers[place] += 1
        if customer.required_pressure_m is not None:
            required[place] = max(required[place], customer.required_pressure_m)
    return customers if site.customers else (network.base_demand > 0).astype(np.intp), required


def _years(since: date | None, today: date) -> float:
    return float("nan") if since is None else (today - since).days / DAYS_A_YEAR
