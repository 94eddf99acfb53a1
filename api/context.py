"""What a request may need of the service, opened once at the start and given back at the end."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from fastapi import Request

from api.arrays import Packed
from api.belief import Believer
from api.blames import Blames, blames_of
from api.geometry import network_arrays
from api.layout import layout_of
from api.live import Live
from api.metrics import Metrics
from api.patience import Patience
from api.runs import Runs
from api.trial import Bench
from hydro.catalogue import standard_catalogue
from hydro.engine import Engine
from hydro.network import PressureDemand
from models.site import Site
from service.clock import site_now
from service.isolation import Layout
from stores.accounts import Accounts
from stores.photos import Photos
from stores.records import Records
from stores.records_pages import Pages
from stores.requests import Requests
from stores.scenarios import Scenarios
from stores.telemetry import TelemetryStore, newest_or, open_telemetry
from stores.works import Works

VERSION = version("hydro")


def wall_now() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Listening:
    """How the service is reached: the names it answers to (empty for any), and whether browsers come by TLS."""

    hosts: frozenset[str] = frozenset()
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of a running service. Everything in it may be used from any thread but ``live``."""

    site: Site
    records: Records
    telemetry: TelemetryStore
    accounts: Accounts
    pages: Pages
    photos: Photos
    requests: Requests
    scenarios: Scenarios
    works: Works
    believer: Believer
    bench: Bench
    geometry: Packed
    layout: Layout
    live: Live
    runs: Runs
    blames: Blames
    metrics: Metrics
    patience: Patience
    listening: Listening
    wall: Callable[[], datetime]
    started: datetime
    monitored: bool
    """Whether the monitor runs in this process."""
    hashing: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(2))
    """An argon2 hash takes 64 MiB: so many at once and no more."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie: a site's own, for browsers do not keep ports apart."""
        name = hashlib.sha256(str(self.site.folder).encode()).hexdigest()[:8]
        return f"__Host-hydro-{name}" if self.listening.secure else f"hydro-{name}"

    def now(self) -> datetime:
        """Return the site's present."""
        return site_now(self.site, self.records, self.wall())

    def close(self) -> None:
        """Give everything back."""
        self.runs.close()
        self.bench.engine.close()
        self.believer.close()
        self.telemetry.close()
        self.records.close()


def open_context(
    site: Site,
    listening: Listening | None = None,
    monitored: bool = False,
    wall: Callable[[], datetime] = wall_now,
    clock: Callable[[], float] = time.monotonic,
) -> Context:
    """Open a site for requests.

    Raises
    ------
    NetworkError
        The network file does not load.
    BadInput, Unavailable
        Records or telemetry cannot be opened.
    """
    records = Records(site.stores.records_url)
    telemetry = open_telemetry(site.stores)
    engine = Engine(site.network, PressureDemand(required=site.monitor.required_pressure_m))
    network = engine.network
    revision = hashlib.sha256(site.network.read_bytes()).hexdigest()[:16]
    database = records.database
    return Context(
        site=site,
        records=records,
        telemetry=telemetry,
        accounts=Accounts(database, wall),
        pages=Pages(database),
        photos=Photos(database),
        requests=Requests(database, wall),
        scenarios=Scenarios(database),
        works=Works(database),
        believer=Believer(site, telemetry, newest_or(telemetry, wall()), revision),
        bench=Bench(engine, standard_catalogue(), revision),
        geometry=network_arrays(network, revision),
        layout=layout_of(network),
        live=Live(secrets.token_hex(4)),
        runs=Runs(site.folder, clock),
        blames=blames_of(records),
        metrics=Metrics(),
        patience=Patience(clock),
        listening=listening or Listening(),
        wall=wall,
        started=wall(),
        monitored=monitored,
    )


def context_of(request: Request) -> Context:
    """Return the context of the application that a request came to."""
    context: Context = request.app.state.context
    return context
