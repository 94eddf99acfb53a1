"""The collector's figures for Prometheus, and a page for people: how each device is doing, and what waits."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from collectors.health import DeviceHealth, Health
from models.problem import Unavailable

_GAUGES: tuple[tuple[str, str, Callable[[DeviceHealth], float | None]], ...] = (
    ("up", "1 if the device answers", lambda device: float(device.state == "answers")),
    ("points", "points of the device", lambda device: float(device.points)),
    ("good_share", "share of its points whose newest sample is not bad", lambda device: device.good_share),
    ("latency_seconds", "how long it takes to answer, smoothed", lambda device: device.latency_s),
    ("lateness_seconds", "how late it was asked the last time", lambda device: device.late_s),
    ("clock_skew_seconds", "how far its clock is ahead", lambda device: device.skew_s),
)
_COUNTERS: tuple[tuple[str, str, Callable[[DeviceHealth], int]], ...] = (
    ("answers", "answers", lambda device: device.answers),
    ("failures", "times it did not answer", lambda device: device.failures),
    ("samples", "samples read", lambda device: device.samples),
)


class HealthCollector:
    """Turns what is known of devices into metrics whenever Prometheus asks."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Return the metrics as they are now."""
        devices = list(self._health.devices.values())
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(f"hydro_device_{name}", text, labels=["device", "protocol"])
            for device in devices:
                number = value(device)
                if number is not None:
                    gauge.add_metric([device.name, device.protocol], number)
            yield gauge
        for name, text, count in _COUNTERS:
            counter = CounterMetricFamily(f"hydro_device_{name}", text, labels=["device", "protocol"])
            for device in devices:
                counter.add_metric([device.name, device.protocol], count(device))
            yield counter
        backlog = GaugeMetricFamily("hydro_backlog_samples", "samples that wait", labels=["where"])
        backlog.add_metric(["memory"], self._health.in_memory)
        backlog.add_metric(["spool"], self._health.in_spool)
        yield backlog
        yield GaugeMetricFamily("hydro_spool_share", "what the spool holds of what it may", self._health.spool_share)
        yield CounterMetricFamily("hydro_dropped_samples", "samples that are gone", self._health.dropped)
        yield CounterMetricFamily("hydro_set_aside_samples", "samples beside the queue", self._health.set_aside)


def metrics(health: Health) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(HealthCollector(health))
    return generate_latest(registry)


def page(health: Health) -> str:
    """Return a page with a row a device, the troubled ones first."""
    devices = sorted(health.devices.values(), key=lambda one: (one.state == "answers", one.good_share, one.name))
    rows = "".join(_row(device) for device in devices)
    title = html.escape(health.site or "Hydro")
    waits = (
        f"{health.in_memory:,} samples wait in memory, {health.in_spool:,} in the spool, which is"
        f" {health.spool_share:.0%} full; {health.dropped:,} were dropped, {health.set_aside:,} set aside"
    )
    heads = "".join(f"<th>{one}</th>" for one in ("device", "state", "since", "points", "good", "latency", "clock"))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        f"<title>{title}</title><style>body{{font:14px sans-serif;margin:2em}}td,th{{padding:.2em 1em;text-align:left}}"
        f".away{{color:#b00}}</style><h1>{title}</h1><p>{waits}</p><table><tr>{heads}</tr>{rows}</table></html>"
    )


@contextmanager
def serving(health: Health, host: str, port: int) -> Iterator[int]:
    """Serve ``/metrics`` and the page as long as the block runs; yields the port.

    Raises
    ------
    Unavailable
        The port is in use.
    """
    try:
        server = ThreadingHTTPServer((host, port), _handler_of(health))
    except OSError as error:
        raise Unavailable(f"{host}:{port} cannot be listened at: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                kind, content = CONTENT_TYPE_LATEST, metrics(health)
            elif path == "/":
                kind, content = "text/html; charset=utf-8", page(health).encode()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: whoever scrapes does so every few seconds."""

    return Handler


def _row(device: DeviceHealth) -> str:
    away = device.state != "answers"
    state = html.escape(f"{device.state} ({device.why})" if device.why else device.state)
    since = "" if device.since is None else device.since.isoformat(timespec="seconds")
    skew = "" if device.skew_s is None else f"{device.skew_s:+.1f} s"
    cells = (
        html.escape(device.name), state, since, str(device.points), f"{device.good_share:.0%}",
        f"{1e3 * device.latency_s:.0f} ms", skew,
    )  # fmt: skip
    return f"<tr{' class=away' if away else ''}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
