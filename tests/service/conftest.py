"""A street with a valve in trouble, as the service sees it: registers, layout and a diagnosis document.

::

    J-1 ──P-1── J-2 ──P-2── J-3 ──P-3── J-4
         V-1a  V-1b  V-2   V-3a        (factory at J-4)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.point import Point
from models.quantity import Quantity
from models.register import Customer, PipeAsset, RegisteredValve
from models.site import MonitorSettings, Site, StoreSettings
from service.isolation import Layout
from stores.records import Records


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 7, 11, 0, 30, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    records_url = str(tmp_path / "data" / "records.sqlite")
    return Site(
        folder=tmp_path,
        name="Street",
        time_zone="Asia/Shanghai",
        crs="local",
        network=tmp_path / "network.inp",
        clock="device",
        devices=(),
        points=(
            Point("FT-1", "P-1", Quantity.FLOW, "l/s", "rtu", "holding/0"),
            Point("PT-4", "J-4", Quantity.PRESSURE, "m", "rtu", "holding/2"),
        ),
        stores=StoreSettings("embedded", tmp_path / "t.sqlite", tmp_path / "s.sqlite", records_url),
        monitor=MonitorSettings(),
        customers=(
            Customer("C-FAN", "Fan factory 风机厂", "factory", "Guihua Road 8", "J-4", language="zh"),
            Customer("C-BAKERY", "Bakery", "shop", "Guihua Road 2", "J-3"),
            Customer("C-FAR", "Far away", "home", "Other Road 1", "J-1"),
        ),
        valves=(
            RegisteredValve("V-1a", "P-1", "start", diameter_mm=110, street="Xiangjiang Road"),
            RegisteredValve("V-1b", "P-1", "end", diameter_mm=110, street="Xiangjiang Road"),
            RegisteredValve(
                "V-2", "P-2", "start", "gate", 75, turns=14.0, closes="ccw", x=10.0, y=0.5, street="Guihua Road"
            ),
            RegisteredValve("V-3a", "P-3", "start", diameter_mm=75, turns=13.0, street="Guihua Road"),
        ),
        pipes=(PipeAsset("P-1", "PE100", 110), PipeAsset("P-2", "PE80", 75), PipeAsset("P-3", "PE80", 63)),
    )


@pytest.fixture
def layout() -> Layout:
    return Layout(
        ends={"P-1": ("J-1", "J-2"), "P-2": ("J-2", "J-3"), "P-3": ("J-3", "J-4")},
        coordinates={"J-1": (0.0, 0.0), "J-2": (10.0, 0.0), "J-3": (20.0, 0.0), "J-4": (30.0, 0.0)},
    )


@pytest.fixture
def records(site: Site) -> Iterator[Records]:
    with Records(site.stores.records_url) as opened:
        yield opened


CauseMaker = Callable[..., dict[str, Any]]


def make_cause(kind: str, element: str, probability: float, *valve_ids: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "elements": [element],
        "valve_ids": list(valve_ids),
        "probability": probability,
        "severity": {"head_lost_m": 6.2, "at": "J-4", "interval90": [4.1, 8.0], "minor_loss": 210.0},
        "onset": "2026-07-11T05:00:00+00:00",
        "evidence": [],
    }


@pytest.fixture
def cause_of() -> CauseMaker:
    return make_cause


@pytest.fixture
def document() -> dict[str, Any]:
    """The documented case: a blocked valve, a grown demand and a thin main."""
    cures = [
        ("free P-2 (valve V-2); lay P-2 as PE100 SDR11 DN110 (240 m)", True, ["PE100 SDR11 DN110"], 7.9),
        ("lay P-2 as PE100 SDR11 DN110 (240 m)", False, ["PE100 SDR11 DN110"], 7.8),
        ("free P-2 (valve V-2)", True, [], 5.1),
    ]
    return {
        "schema": 1,
        "window": {"start": "2026-07-10T00:30:00+00:00", "end": "2026-07-11T00:30:00+00:00", "samples": 960},
        "causes": [
            make_cause("demand_growth", "J-4", 0.95),
            make_cause("blocked_link", "P-2", 0.88, "V-2"),
            make_cause("leak", "J-3", 0.02),
        ],
        "healthy_probability": 0.0,
        "unexplained_probability": 0.01,
        "indistinguishable": [],
        "attribution": [{"term": "blocked_link", "elements": ["P-2"], "head_m": 4.0}],
        "next_measurements": [
            {"node": "J-3", "quantity": "pressure", "time": "2026-07-11T02:00:00+00:00", "bits": 0.8, "outcomes": []}
        ],
        "cures": [
            {
                "change": change,
                "faults": [{"kind": "blocked_link", "elements": ["P-2"]}] if frees else [],
                "replace": [{"links": ["P-2"], "size": size, "inner_mm": 90.0} for size in sizes],
                "regained_m": regained,
                "pressure_m": 8.0 + regained,
                "at": "J-4",
            }
            for change, frees, sizes, regained in cures
        ],
        "affected_customers": [
            {"customer_id": "C-FAN", "head_lost_m": 9.1},
            {"customer_id": "C-BAKERY", "head_lost_m": 3.0},
            {"customer_id": "C-FAR", "head_lost_m": 0.1},
            {"customer_id": "C-GONE", "head_lost_m": 5.0},
        ],
        "complaint": {"customer_id": "C-FAN", "node": "J-4"},
        "can_say": True,
    }
