"""What Prometheus reads of the service."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from api.routes import health
from tests.api.conftest import House


def test_gauges_are_taken_when_prometheus_asks(house: House) -> None:
    said = house.client().get("/metrics").text
    points = len(house.context.site.points)
    assert f'hydro_points{{quality="good"}} {points}.0' in said
    assert 'hydro_ready{part="telemetry"} 1.0' in said


def test_store_that_is_silent_keeps_no_figure_of_others_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def newest() -> datetime | None:
        answered.wait(60.0)
        return None

    monkeypatch.setattr(health, "PATIENCE_S", 0.1)
    monkeypatch.setattr(house.context.telemetry, "newest", newest)
    try:
        said = house.client().get("/metrics")
        # It is still being waited for.
        assert not answered.is_set()
        assert said.status_code == 200
        assert "hydro_http_requests_total" in said.text
    finally:
        answered.set()
