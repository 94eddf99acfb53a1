"""The dashboard that ``compose.yaml`` provides: each of its queries against a real InfluxDB."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from models.sample import Quality, Sample
from stores.influx import InfluxStore
from tests.stores.influx_server import InfluxServer

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards" / "telemetry.json"
PANELS = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


@pytest.mark.influxdb
@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_panel_shows_what_is_in_the_store(influxdb: InfluxServer, panel: dict[str, Any]) -> None:
    settings = influxdb.bucket()
    now = datetime.now(UTC)
    store = InfluxStore(settings)
    store.write([Sample("PT-1", now - timedelta(minutes=one), 30.0) for one in range(1, 60)])
    store.write([Sample("PT-1", now - timedelta(seconds=30), 99.0, Quality.BAD, "outside valid range")])
    store.close()
    variables = {
        "v.timeRangeStart": (now - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "v.timeRangeStop": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "v.windowPeriod": "5m",
        "${point:regex}": "(PT-1)",
        'bucket: "telemetry"': f'bucket: "{settings.bucket}"',
    }
    query = panel["targets"][0]["query"]
    for name, value in variables.items():
        query = query.replace(name, value)
    with InfluxDBClient(settings.url, settings.token, org=settings.org) as client:
        tables = client.query_api().query(query)
    values = [record.values for table in tables for record in table.records]
    assert values
    assert {one["point"] for one in values} == {"PT-1"}
    shown = [one["_value"] for one in values if "_value" in one]
    assert 99.0 not in shown
