"""Metrics for Prometheus: what was asked, how long it took, how fresh the data are."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The instruments of one service; a registry of its own, so that two in a process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "hydro_http_requests_total", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "hydro_http_request_seconds",
            "Time to answer, streams left out.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.streams = Gauge("hydro_live_streams", "Live streams that are open.", registry=self.registry)
        self.events = Gauge("hydro_live_events", "Events that the live stream has carried.", registry=self.registry)
        self.data_age = Gauge(
            "hydro_data_age_seconds", "Age of the newest sample, in the site's time.", registry=self.registry
        )
        self.points = Gauge(
            "hydro_points", "Points by quality of their newest sample.", ("quality",), registry=self.registry
        )
        self.alarms = Gauge("hydro_alarms", "Alarms that are not normal, by state.", ("state",), registry=self.registry)
        self.ready = Gauge("hydro_ready", "Whether a part is ready.", ("part",), registry=self.registry)
        self.refused = Counter(
            "hydro_sign_ins_refused_total", "Sign-ins with a wrong name or password.", registry=self.registry
        )

    def text(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self.registry)
