from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

from models.order import OrderState
from models.site import Site
from tests.api.conftest import House, open_house

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
KILLED = """
import os, signal, sys
from pathlib import Path
import api.routes.orders
from api.application import create_application
from api.context import Listening, open_context
from models.site_file import load_site
from starlette.testclient import TestClient
api.routes.orders.tell_affected = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
context = open_context(load_site(Path(sys.argv[1])), Listening(frozenset({"testserver"})))
client = TestClient(create_application(context), headers={"Authorization": "Bearer " + sys.argv[2]})
body = {"version": 1, "crew": "Crew 2"}
client.post("/api/v1/orders/1/dispatch", json=body, headers={"Idempotency-Key": "dispatch-1"})
"""


def drafted(client: TestClient) -> dict[str, object]:
    answer = client.post("/api/v1/orders", json={"diagnosis_id": 1})
    assert answer.status_code == 201, answer.text
    order: dict[str, object] = answer.json()
    return order


def act(client: TestClient, order: dict[str, object], what: str, **more: object) -> dict[str, object]:
    answer = client.post(f"/api/v1/orders/{order['id']}/{what}", json={"version": order["version"], **more})
    assert answer.status_code == 200, answer.text
    after: dict[str, object] = answer.json()
    return after


def test_an_order_from_diagnosis_to_done(house: House) -> None:
    client = house.client("operator")
    order = drafted(client)
    assert order["state"] == "draft"
    assert order["place"]["valve_id"] == "V-095"  # type: ignore[index]
    assert order["alarm_id"] == "diagnosis~1blocked_link~1P-144"
    assert drafted(client)["id"] == order["id"]
    order = client.get(f"/api/v1/orders/{order['id']}").json()
    order = act(client, order, "dispatch", crew="Crew 2")
    assert [one["code"] for one in order["notices"]] == ["low_pressure_known"]  # type: ignore[attr-defined]
    order = act(client, order, "arrive")
    found = [{"kind": "valve seized"}, {"kind": "pipe replaced by", "detail": "PE100 SDR17 DN110"}]
    answer = client.post(f"/api/v1/orders/{order['id']}/findings", json={"findings": found})
    assert [one["kind"] for one in answer.json()["findings"]] == ["valve seized", "pipe replaced by"]
    answer = client.post(f"/api/v1/orders/{order['id']}/pressures", json={"before_m": 8.0, "after_m": 26.0})
    assert answer.json()["gain"]["measured_m"] == 18.0
    assert answer.json()["gain"]["holds"] is True
    order = act(client, answer.json(), "close")
    assert order["state"] == "done"
    assert {one["by"] for one in order["steps"]} == {"Operator Person"}  # type: ignore[attr-defined]
    assert client.get("/api/v1/alarms/diagnosis~1blocked_link~1P-144").json()["order_id"] == order["id"]


def test_who_acts_on_an_older_order_is_shown_the_present_one(house: House) -> None:
    client = house.client("operator")
    order = drafted(client)
    now = act(client, order, "dispatch", crew="Crew 2")
    answer = client.post(f"/api/v1/orders/{order['id']}/cancel", json={"version": order["version"]})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:hydro:problem:changed"
    assert answer.json()["current"] == now
    assert "dispatched by Operator Person" in answer.json()["detail"]


def test_asked_again_under_a_key_nothing_is_made_twice(house: House) -> None:
    client = house.client("operator")
    key = {"Idempotency-Key": "complaint-of-this-morning"}
    body = {"customer_id": "C-FAN", "words": "low"}
    first = client.post("/api/v1/complaints", json=body, headers=key)
    again = client.post("/api/v1/complaints", json=body, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (201, first.json())
    other = client.post("/api/v1/complaints", json={**body, "words": "very low"}, headers=key)
    assert other.json()["type"] == "urn:hydro:problem:key-reused"
    somebody = house.client("engineer").post("/api/v1/complaints", json=body, headers=key)
    assert somebody.json()["id"] == 2
    assert len(house.context.records.complaints()) == 2


def test_a_service_killed_in_the_middle_of_an_order_has_done_none_of_it(site: Site, hashed: str) -> None:
    with open_house(site, hashed) as house:
        drafted(house.client("operator"))
        token = house.client("operator").post("/api/v1/tokens", json={"label": "x", "role": "operator"}).json()
    script = [sys.executable, "-c", KILLED, str(site.folder), token["secret"]]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=100, check=False, cwd=Path.cwd())
    assert ended.returncode == -9, ended.stderr
    from api.application import create_application
    from api.context import Listening, open_context

    context = open_context(site, Listening(frozenset({"testserver"})))
    with TestClient(create_application(context)) as client:
        client.headers["Authorization"] = f"Bearer {token['secret']}"
        order = client.get("/api/v1/orders/1").json()
        assert (order["state"], order["notices"]) == ("draft", [])
        key = {"Idempotency-Key": "dispatch-1"}
        body = {"version": 1, "crew": "Crew 2"}
        answers = [client.post("/api/v1/orders/1/dispatch", json=body, headers=key) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert len(answers[1].json()["notices"]) == 1
        assert context.records.order(1).state is OrderState.DISPATCHED


def test_photos_are_kept_with_their_order_and_served_as_they_are(house: House) -> None:
    client = house.client("operator")
    order = drafted(client)
    path = f"/api/v1/orders/{order['id']}/photos"
    kept = client.post(path, params={"caption": "<script>alert(1)</script>"}, content=PNG)
    assert kept.status_code == 201, kept.text
    assert kept.json()["caption"] == "<script>alert(1)</script>"
    photo = client.get(f"{path}/{kept.json()['id']}")
    assert photo.content == PNG
    assert photo.headers["content-type"] == "image/png"
    assert photo.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"/api/v1/orders/{order['id']}").json()["photos"][0]["by"] == "Operator Person"


def test_what_is_no_photo_is_refused(house: House) -> None:
    client = house.client("operator")
    path = f"/api/v1/orders/{drafted(client)['id']}/photos"
    for content in (b"", b"<html>", b"GIF89a" + bytes(10), b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        assert client.post(path, content=content).json()["type"] == "urn:hydro:problem:media"
    large = client.post(path, content=PNG + bytes(10 * 1024 * 1024))
    assert large.json()["type"] == "urn:hydro:problem:too-large"
    assert client.post("/api/v1/orders/99/photos", content=PNG).status_code == 404


def test_names_that_look_like_markup_are_words(house: House) -> None:
    client = house.client("operator")
    words = "<img src=x onerror=alert(1)> & \u202e低压"
    said = client.post("/api/v1/complaints", json={"customer_id": "C-FAN", "words": words})
    assert said.json()["words"] == words
    assert said.headers["content-type"] == "application/json"
    assert said.headers["x-content-type-options"] == "nosniff"


def test_an_hour_that_comes_twice_is_told_apart_by_its_offset(house: House) -> None:
    client = house.client("operator")
    times = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]
    kept = [
        client.post("/api/v1/complaints", json={"customer_id": "C-FAN", "words": "low", "time": time}).json()["time"]
        for time in times
    ]
    assert kept == ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]


def test_every_problem_of_a_request_is_told_at_once(house: House) -> None:
    body = {"customer_id": "C-FAN", "words": "  ", "reading_m": 5000.0, "tone": "angry"}
    answer = house.client("operator").post("/api/v1/complaints", json=body)
    assert {fault["where"] for fault in answer.json()["faults"]} == {"body.words", "body.reading_m", "body.tone"}
    broken = house.client("operator").post(
        "/api/v1/complaints", content=b'{"words": ', headers={"Content-Type": "application/json"}
    )
    assert broken.json()["type"] == "urn:hydro:problem:malformed"
    assert json.loads(broken.text)["status"] == 400
