"""The site, its registers and its catalogue."""

from __future__ import annotations

from api.access import Serving, Viewer
from api.routes.router import router
from api.schemas.site import (
    CatalogueView,
    CustomerView,
    FileProblem,
    ImportReport,
    PipeSizeView,
    Screens,
    SiteView,
    ValveView,
)
from models.problem import Problem
from models.site_file import read_site

ROUTER = router("site")
SCREENS = Screens(velocity_m_s=1.0, headloss_m_km=10.0)
"""Where the map begins to show velocity and unit headloss as high: screens of the eye."""


@ROUTER.get("/site")
def get_site(_person: Viewer, context: Serving) -> SiteView:
    """The site and its present."""
    site = context.site
    return SiteView(
        name=site.name,
        time_zone=site.time_zone,
        crs=site.crs,
        clock=site.clock,
        now=context.now(),
        required_pressure_m=site.monitor.required_pressure_m,
        alarm_probability=site.monitor.alarm_probability,
        stale_s=site.monitor.stale_s,
        screens=SCREENS,
        zones=sorted(set(site.zones.values())),
        points=len(site.points),
        customers=len(site.customers),
        valves=len(site.valves),
        has_baseline=context.believer.diagnoser.baseline is not None,
    )


@ROUTER.get("/customers")
def list_customers(_person: Viewer, context: Serving) -> list[CustomerView]:
    """The customer register."""
    return [CustomerView.model_validate(customer) for customer in context.site.customers]


@ROUTER.get("/valves")
def list_valves(_person: Viewer, context: Serving) -> list[ValveView]:
    """The valve register."""
    return [ValveView.model_validate(valve) for valve in context.site.valves]


@ROUTER.get("/catalogue")
def get_catalogue(_person: Viewer, context: Serving) -> CatalogueView:
    """Every pipe size that can be laid."""
    sizes = context.bench.catalogue.sizes
    return CatalogueView(
        sizes=[
            PipeSizeView(
                name=size.name,
                family=size.family,
                nominal_mm=1e3 * size.nominal,
                inner_mm=1e3 * size.inner,
                cost_per_m=size.cost,
            )
            for size in sizes
        ]
    )


@ROUTER.get("/import-report")
def get_import_report(_person: Viewer, context: Serving) -> ImportReport:
    """What is wrong with the site's files as they are now."""
    problems: list[Problem] = []
    read_site(context.site.folder, problems)
    network = context.bench.engine.network
    folder = str(context.site.folder) + "/"
    return ImportReport(
        network=network.name,
        nodes=len(network.node_ids),
        links=len(network.link_ids),
        problems=[
            FileProblem(message=one.message, file=one.file.removeprefix(folder), line=one.line) for one in problems
        ],
    )
