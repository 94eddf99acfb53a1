from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from api import runs
from tests.api.conftest import NOW, House


def wait_for(client: TestClient, run_id: int, holds: Callable[[str], bool]) -> dict[str, object]:
    """How a run is once its state holds; the service is asked again and again, for as long as the test may take."""
    while True:
        run: dict[str, object] = client.get(f"/api/v1/diagnosis-runs/{run_id}").json()
        if holds(str(run["state"])):
            return run
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_tells_how_far_it_is_and_keeps_its_diagnosis(house: House) -> None:
    client = house.client("operator")
    start = (NOW - timedelta(hours=2)).isoformat()
    asked = client.post("/api/v1/diagnosis-runs", json={"start": start, "end": NOW.isoformat(), "node": "J-126"})
    assert asked.status_code == 202
    run = wait_for(client, asked.json()["id"], lambda state: state == "searching")
    assert (run["asked_by"], run["node"]) == ("Operator Person", "J-126")
    done = wait_for(client, asked.json()["id"], lambda state: state in runs.OVER)
    assert (done["state"], done["problem"]) == ("done", None)
    kept = client.get(f"/api/v1/diagnoses/{done['diagnosis_id']}").json()
    assert kept["trigger"] == f"run/{done['id']}"
    assert kept["document"]["complaint"]["node"] == "J-126"
    again = client.post(f"/api/v1/diagnoses/{done['diagnosis_id']}/rerun")
    assert again.json()["window_start"] == kept["window_start"]
    client.delete(f"/api/v1/diagnosis-runs/{again.json()['id']}")


def test_a_run_is_cancelled_and_leaves_nothing(house: House) -> None:
    client = house.client("operator")
    before = client.get("/api/v1/diagnoses").json()
    run = client.post("/api/v1/diagnosis-runs", json={"node": "J-126"}).json()
    wait_for(client, run["id"], lambda state: state != "waiting")
    cancelled = client.delete(f"/api/v1/diagnosis-runs/{run['id']}").json()
    assert cancelled["state"] == "cancelled"
    assert client.delete(f"/api/v1/diagnosis-runs/{run['id']}").json()["type"] == "urn:hydro:problem:refused"
    while house.context.runs._processes:
        time.sleep(0.05)
    assert client.get("/api/v1/diagnoses").json() == before


def test_a_run_that_cannot_be_made_says_why(house: House) -> None:
    client = house.client("operator")
    long_ago = NOW - timedelta(days=20)
    window = {"start": long_ago.isoformat(), "end": (long_ago + timedelta(hours=1)).isoformat()}
    run = client.post("/api/v1/diagnosis-runs", json=window).json()
    failed = wait_for(client, run["id"], lambda state: state in runs.OVER)
    assert failed["state"] == "failed"
    assert "no good readings" in str(failed["problem"])


def test_a_run_that_is_asked_for_twice_under_one_key_is_made_once(house: House) -> None:
    client = house.client("operator")
    keyed = {"Idempotency-Key": "pressed-twice"}
    asked = [client.post("/api/v1/diagnosis-runs", json={"node": "J-126"}, headers=keyed) for _ in range(2)]
    assert [one.status_code for one in asked] == [202, 202]
    assert asked[0].json()["id"] == asked[1].json()["id"]
    assert len(client.get("/api/v1/diagnosis-runs").json()) == 1
    other = client.post("/api/v1/diagnoses/1/rerun", headers=keyed)
    assert other.json()["type"] == "urn:hydro:problem:key-reused"
    theirs = house.client("engineer").post("/api/v1/diagnosis-runs", json={"node": "J-126"}, headers=keyed)
    assert theirs.json()["id"] != asked[0].json()["id"]


def test_more_runs_than_can_wait_are_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_WAITING", 2)
    client = house.client("operator")
    answers = [client.post("/api/v1/diagnosis-runs", json={"node": "J-126"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 503]
    assert answers[2].json()["type"] == "urn:hydro:problem:busy"
    assert answers[2].headers["retry-after"] == "30"
    waiting = client.get(f"/api/v1/diagnosis-runs/{answers[1].json()['id']}").json()
    assert waiting["state"] == "waiting"


def test_a_question_that_makes_no_sense_is_refused(house: House) -> None:
    client = house.client("operator")
    for body, said in (
        ({"node": "J-999"}, "none of the network"),
        ({"start": NOW.isoformat(), "end": NOW.isoformat()}, "expected more than nothing"),
        ({"start": (NOW - timedelta(days=9)).isoformat()}, "at most 7 days"),
    ):
        answer = client.post("/api/v1/diagnosis-runs", json=body)
        assert answer.status_code == 422
        assert said in answer.json()["detail"]
