from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from models.alarm import Alarm, AlarmKind, Raise
from models.diagnosis import Document
from stores.records import Records
from tests.api.conftest import BLOCKED, LOW, NOW, House

PATH = "/api/v1/alarms/limit~1PT-07~1low"


def test_two_acknowledge_at_once_and_one_is_told_who_was_first(house: House) -> None:
    house.context.accounts.change_user("engineer", "test", full_name="Engineer Person")
    clients = [house.client("operator"), house.client("engineer")]
    version = clients[0].get(PATH).json()["version"]
    ready = Barrier(2)

    def acknowledge(client: TestClient) -> tuple[int, dict[str, object]]:
        ready.wait()
        answer = client.post(f"{PATH}/acknowledge", json={"version": version})
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(acknowledge, clients), key=lambda one: one[0])
    assert [status for status, _ in answers] == [200, 409]
    winner, loser = answers[0][1], answers[1][1]
    assert loser["type"] == "urn:hydro:problem:changed"
    assert loser["current"] == winner
    assert str(winner["acknowledged_by"]) in str(loser["detail"])
    assert house.context.records.alarm(LOW).acknowledged_by == winner["acknowledged_by"]  # type: ignore[union-attr]


def test_an_alarm_goes_through_a_shift(house: House) -> None:
    operator, engineer = house.client("operator"), house.client("engineer")

    def act(client: TestClient, what: str, **more: object) -> str:
        version = operator.get(PATH).json()["version"]
        answer = client.post(f"{PATH}/{what}", json={"version": version, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])

    until = (NOW + timedelta(hours=2)).isoformat()
    assert act(operator, "shelve", reason="crew is on its way", until=until) == "shelved"
    assert act(operator, "unshelve") == "unacknowledged"
    assert act(operator, "comment", words="<b>rang</b> the factory") == "unacknowledged"
    assert act(operator, "acknowledge", comment="seen") == "acknowledged"
    assert act(engineer, "remove-from-service", reason="gauge broken") == "out_of_service"
    assert act(engineer, "return-to-service") == "unacknowledged"
    events = operator.get("/api/v1/alarm-events", params={"alarm_id": "limit~1PT-07~1low"}).json()["items"]
    assert [one["event"] for one in events][-3:] == ["unshelve", "shelve", "raise"]
    assert {one["by"] for one in events} == {"", "Operator Person", "Engineer Person"}
    assert events[-4]["details"] == {"words": "<b>rang</b> the factory"}


def test_what_does_not_fit_the_state_is_refused_with_the_fact(house: House) -> None:
    operator = house.client("operator")
    version = operator.get(PATH).json()["version"]
    answer = operator.post(f"{PATH}/unshelve", json={"version": version})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:hydro:problem:refused"
    assert "is not shelved, it is unacknowledged" in answer.json()["detail"]
    late = (NOW + timedelta(days=30)).isoformat()
    answer = operator.post(f"{PATH}/shelve", json={"version": version, "reason": "x", "until": late})
    assert "expected at most 7 days ahead" in answer.json()["detail"]


def test_a_naive_time_is_refused(house: House) -> None:
    body = {"version": 1, "reason": "x", "until": "2026-07-11T09:00:00"}
    answer = house.client("operator").post(f"{PATH}/shelve", json=body)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["where"] == "body.until"
    assert "timezone" in answer.json()["faults"][0]["message"]


def test_lists_go_on_by_cursor_and_filter(house: House) -> None:
    for place in range(7):
        alarm = Alarm(f"device/rtu-{place}", AlarmKind.DEVICE, f"rtu-{place}", "silent")
        house.context.records.apply(alarm, Raise(NOW + timedelta(seconds=place // 3)))
    viewer = house.client("viewer")
    seen: list[str] = []
    cursor = None
    while True:
        asked = {"limit": 4, **({} if cursor is None else {"cursor": cursor})}
        page = viewer.get("/api/v1/alarms", params=asked).json()
        seen += [one["key"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 9
    devices = viewer.get("/api/v1/alarms", params={"kind": "device", "limit": 50}).json()["items"]
    assert {one["source"] for one in devices} == {f"rtu-{place}" for place in range(7)}
    broken = viewer.get("/api/v1/alarms", params={"cursor": "bm9uc2Vuc2U"})
    assert broken.status_code == 422


def test_an_alarm_knows_its_diagnosis(house: House) -> None:
    alarm = house.client("viewer").get("/api/v1/alarms/diagnosis~1blocked_link~1P-144").json()
    assert alarm["diagnosis_id"] == 1


def test_a_kept_diagnosis_is_opened_once_for_all_who_look_at_the_alarms(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    read = Records.diagnosis

    def reading(records: Records, number: int) -> Document:
        opened.append(number)
        return read(records, number)

    monkeypatch.setattr(Records, "diagnosis", reading)
    for _ in range(3):
        alarms = house.client("viewer").get("/api/v1/alarms").json()["items"]
    assert {alarm["key"]: alarm["diagnosis_id"] for alarm in alarms}[BLOCKED] == 1
    assert opened == [1]
