from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import sample_networks
from api.application import create_application
from api.context import Context, Listening, open_context
from api.passwords import hash_password
from models.alarm import Alarm, AlarmKind, Priority, Raise
from models.sample import Sample
from models.site import Site
from models.site_file import load_site
from models.user import Role, User
from stores.telemetry import open_telemetry

JIAOZHOU = Path(sample_networks.__file__).parent / "jiaozhou"
MORNING = Path(__file__).parents[1] / "cases" / "documented-morning" / "diagnosis.json"
NOW = datetime(2026, 7, 11, 7, 0, tzinfo=UTC)
PASSWORD = "correct horse"
LOW = "limit/PT-07/low"
BLOCKED = "diagnosis/blocked_link/P-144"


@pytest.fixture(scope="session")
def hashed() -> str:
    return hash_password(PASSWORD)


def copy_site(folder: Path) -> Site:
    """A copy of the sample site that nobody collects for and whose present is the newest sample's."""
    shutil.copytree(JIAOZHOU, folder, ignore=shutil.ignore_patterns("plant", "data", "history.csv", "__pycache__"))
    return load_site(folder)


def fill(site: Site) -> None:
    """A day of steady readings."""
    usual = {"pressure": 3.0, "flow": 60.0, "level": 2.5, "status": 1.0, "demand": 3.0, "volume": 1000.0}
    samples = [
        Sample(point.name, NOW - timedelta(minutes=5 * step), 30.0 if point.unit == "m" else usual[point.quantity])
        for point in site.points
        for step in range(288)
    ]
    store = open_telemetry(site.stores)
    store.write(samples)
    store.close()


def document(node: str = "J-126", link: str = "P-144") -> dict[str, Any]:
    """A diagnosis as it is kept."""
    time = NOW.isoformat()
    return {
        "schema": 1,
        "network": "network",
        "start": time,
        "window": {"start": (NOW - timedelta(hours=8)).isoformat(), "end": time, "samples": 900, "rejected": []},
        "causes": [
            {
                "kind": "blocked_link",
                "elements": [link],
                "valve_ids": ["V-095"],
                "probability": 0.93,
                "severity": {"head_lost_m": 14.2, "at": node, "interval90": [12.0, 16.0], "minor_loss": 2500.0},
                "onset": time,
                "evidence": [],
            }
        ],
        "healthy_probability": 0.01,
        "unexplained_probability": 0.01,
        "indistinguishable": [],
        "attribution": [{"term": "blocked_link", "elements": [link], "head_m": 14.2}],
        "attribution_at": node,
        "attribution_time": time,
        "attribution_total_m": 14.2,
        "basis": {
            "given": json.loads(MORNING.read_text(encoding="utf-8"))["basis"]["given"],
            "faults": [{"kind": "blocked_link", "elements": [link], "severity": {"minor_loss": 2500.0}}],
        },
        "next_measurements": [],
        "cures": [
            {
                "change": f"free {link}; lay {link} as PE100 SDR17 DN110 (100 m)",
                "faults": [{"kind": "blocked_link", "elements": [link]}],
                "replace": [{"links": [link], "size": "PE100 SDR17 DN110", "inner_mm": 96.8, "roughness": 150.0}],
                "regained_m": 18.0,
                "pressure_m": 30.0,
                "at": node,
                "through_the_day": [],
            }
        ],
        "can_say": True,
        "complaint": None,
        "affected_customers": [{"customer_id": "C-FAN", "node": node, "head_lost_m": 14.2}],
        "elapsed_s": 1.0,
    }


def furnish(context: Context, hashed: str) -> None:
    """A user of each role, two alarms, a diagnosis, and a monitor that was just heard of."""
    for role in Role:
        context.accounts.add_user(User(role.value, f"{role.value.title()} Person", role, NOW), hashed, "test")
    records = context.records
    low = Alarm(LOW, AlarmKind.LIMIT, "PT-07", "low_limit")
    records.apply(low, Raise(NOW, {"value": 12.0, "limit": 16.0, "unit": "m", "element": "J-209"}))
    blocked = Alarm(BLOCKED, AlarmKind.DIAGNOSIS, "P-144", "blocked_link", Priority.HIGH)
    records.apply(blocked, Raise(NOW, {"elements": ["P-144"], "probability": 0.93}))
    records.keep_diagnosis(document(), "cycle")
    records.beat("monitor", NOW)


@dataclass(frozen=True, slots=True)
class House:
    """A service with its clients, one for each role, signed in as a browser is."""

    context: Context
    client: Callable[..., TestClient]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = copy_site(tmp_path / "site")
    fill(made)
    return made


@pytest.fixture
def house(site: Site, hashed: str) -> Iterator[House]:
    with open_house(site, hashed) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory, hashed: str) -> Iterator[House]:
    """A house for tests that only look."""
    made = copy_site(tmp_path_factory.mktemp("shared") / "site")
    fill(made)
    with open_house(made, hashed) as opened:
        yield opened


@contextmanager
def open_house(site: Site, hashed: str) -> Iterator[House]:
    """A furnished service of a site."""
    context = open_context(site, Listening(frozenset({"testserver"})))
    furnish(context, hashed)
    with TestClient(create_application(context)) as running:

        def client(role: str | None = None) -> TestClient:
            one = TestClient(running.app)
            if role is not None:
                answer = one.post("/api/v1/session", json={"name": role, "password": PASSWORD})
                assert answer.status_code == 200, answer.text
                one.headers["X-CSRF-Token"] = answer.json()["csrf"]
            return one

        yield House(context, client)
