"""What Prometheus and people are told of the collector."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.health import DeviceHealth, Health
from collectors.metrics import metrics, page, serving
from models.problem import Unavailable

NOW = datetime(2026, 7, 11, 7, tzinfo=UTC)


def health() -> Health:
    good = DeviceHealth("rtu-a", "modbus-tcp", 4, state="answers", since=NOW, skew_s=-1.5)
    good.took(0.02, 0.001)
    good.samples = 4
    away = DeviceHealth("rtu <b>", "opcua", 2, state="does not answer", why="timeout", failures=3)
    away.samples = 2
    away.bad = 1
    devices = {one.name: one for one in (good, away)}
    return Health("Town", devices, in_memory=7, in_spool=1234, spool_share=0.25, dropped=5000, set_aside=3)


def values(text: str) -> dict[tuple[str, str], float]:
    """Every sample of the answer, by its name and its device or place."""
    return {
        (sample.name, sample.labels.get("device") or sample.labels.get("where", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_of_each_device_are_there() -> None:
    found = values(metrics(health()).decode())
    assert found["hydro_device_up", "rtu-a"] == 1.0
    assert found["hydro_device_up", "rtu <b>"] == 0.0
    assert found["hydro_device_points", "rtu-a"] == 4.0
    assert found["hydro_device_good_share", "rtu-a"] == 1.0
    assert found["hydro_device_good_share", "rtu <b>"] == 0.5
    assert found["hydro_device_latency_seconds", "rtu-a"] == pytest.approx(0.02)
    assert found["hydro_device_clock_skew_seconds", "rtu-a"] == -1.5
    assert ("hydro_device_clock_skew_seconds", "rtu <b>") not in found
    assert found["hydro_device_failures_total", "rtu <b>"] == 3.0
    assert found["hydro_backlog_samples", "memory"] == 7.0
    assert found["hydro_backlog_samples", "spool"] == 1234.0
    assert found["hydro_spool_share", ""] == 0.25
    assert found["hydro_dropped_samples_total", ""] == 5000.0
    assert found["hydro_set_aside_samples_total", ""] == 3.0


def test_page_shows_who_is_away_first_and_no_name_as_markup() -> None:
    shown = page(health())
    assert shown.index("rtu &lt;b&gt;") < shown.index("rtu-a")
    assert "<b>" not in shown
    assert "does not answer (timeout)" in shown
    assert "1,234 in the spool, which is 25% full; 5,000 were dropped, 3 set aside" in shown


def test_device_that_was_not_read_yet_has_no_good_points() -> None:
    assert DeviceHealth("rtu", "modbus-tcp", 2).good_share == 0.0


def test_served_over_http_as_long_as_it_is_wanted() -> None:
    with serving(health(), "127.0.0.1", 0) as port:
        place = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{place}/metrics", timeout=5) as answer:
            assert ("hydro_device_up", "rtu-a") in values(answer.read().decode())
        with urllib.request.urlopen(f"{place}/", timeout=5) as answer:
            assert "<title>Town</title>" in answer.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"{place}/etc", timeout=5)
        refused.value.close()
        with pytest.raises(Unavailable, match="cannot be listened at"), serving(health(), "127.0.0.1", port):
            pass
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{place}/metrics", timeout=5)
