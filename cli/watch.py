"""The wiring of a running site: monitor and service around one records database."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from api.layout import layout_of
from models.site import Site
from monitor.baseline_file import load_baseline
from monitor.diagnoser import Diagnoser
from monitor.monitor import Monitor
from service.dispatch import open_order
from stores.records import Records
from stores.spool import open_spool
from stores.telemetry import newest_or, open_telemetry

LOG = logging.getLogger(__name__)


class Watch:
    """What ``hydro serve`` does beside collecting: cycles, examinations, and the orders that follow from them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._records = Records(site.stores.records_url)
        self._telemetry = open_telemetry(site.stores)
        self._spool = open_spool(site.stores)
        self._diagnoser = Diagnoser(site, newest_or(self._telemetry, datetime.now(UTC)))
        path = site.monitor.baseline_file
        if path is not None and path.exists():
            self._diagnoser.baseline = load_baseline(path)
        else:
            LOG.warning("no baseline yet: the model is taken at its word; learn one with hydro calibrate")
        self._layout = layout_of(self._diagnoser.engine.network)
        self._monitor = Monitor(site, self._telemetry, self._records, self._diagnoser, self._spool)

    def cycle(self, now: datetime) -> None:
        """Look at limits, devices and boundaries."""
        self._monitor.cycle(now, time.monotonic())

    def examine(self, now: datetime) -> None:
        """Diagnose what asks for it, and draft the orders that follow."""
        for one in self._monitor.examine(now):
            open_order(self._records, self._site, one.diagnosis_id, now, self._layout, one.complaint_id)

    def close(self) -> None:
        """Give everything back."""
        self._diagnoser.close()
        self._spool.close()
        self._telemetry.close()
        self._records.close()
