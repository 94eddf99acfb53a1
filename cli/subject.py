"""What a question is about: a site's folder, or a bare network file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from hydro.assets import Assets
from hydro.engine import Engine
from hydro.network import PressureDemand
from hydro.whatif_document import Served, served_nodes
from models.problem import BadInput
from models.site import MonitorSettings, Site, StoreSettings


@dataclass(frozen=True, slots=True)
class Subject:
    """An open network with what is known beside it; ``customers`` are its drawing nodes where no register names any."""

    site: Site
    engine: Engine
    assets: Assets
    customers: list[Served]

    @property
    def required(self) -> float:
        """Return the pressure wanted where nothing else is said [m]."""
        return self.site.monitor.required_pressure_m


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Declare what names a subject."""
    parser.add_argument("network", type=Path, metavar="NETWORK.inp|SITE", help="an EPANET file or a site's folder")
    parser.add_argument("--required-pressure-m", type=float, metavar="M", help="pressure wanted (the site's, or 14)")


@contextmanager
def subject(args: argparse.Namespace, today: date) -> Iterator[Subject]:
    """Yield the subject of the arguments, its engine open."""
    from monitor.registers import assets_of

    wanted = args.required_pressure_m
    if wanted is not None and not 0.0 < wanted <= 200.0:
        raise BadInput.of(f"--required-pressure-m {wanted:g}, expected above 0 and at most 200 m")
    site = _site(args.network)
    if wanted is not None:
        site = replace(site, monitor=replace(site.monitor, required_pressure_m=wanted))
    with Engine(site.network, PressureDemand(required=site.monitor.required_pressure_m)) as engine:
        yield Subject(site, engine, assets_of(site, engine.network, today), _customers(site, engine))


def _site(path: Path) -> Site:
    from models.site_file import load_site

    if path.is_dir():
        return load_site(path)
    if not path.is_file():
        raise BadInput.of("is not there, expected an EPANET file or a site's folder", str(path))
    nowhere = Path("none")
    return Site(
        folder=path.parent,
        name=path.stem,
        time_zone="UTC",
        crs="local",
        network=path,
        clock="wall",
        devices=(),
        points=(),
        stores=StoreSettings("embedded", nowhere, nowhere, "none"),
        monitor=MonitorSettings(),
    )


def _customers(site: Site, engine: Engine) -> list[Served]:
    usual = site.monitor.required_pressure_m
    places = engine.network.node_index
    known = [
        Served(one.customer_id, places[one.node], usual if one.required_pressure_m is None else one.required_pressure_m)
        for one in site.customers
        if one.node in places
    ]
    return known or served_nodes(engine.network, usual)
