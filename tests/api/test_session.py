from __future__ import annotations

from tests.api.conftest import PASSWORD, House

SIGN_IN = {"name": "operator", "password": PASSWORD}


def test_nobody_is_signed_in_at_first(house: House) -> None:
    assert house.client().get("/api/v1/session").json()["user"] is None
    answer = house.client().get("/api/v1/site")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:hydro:problem:unauthenticated"


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(house: House) -> None:
    client = house.client()
    answer = client.post("/api/v1/session", json=SIGN_IN)
    assert answer.json()["user"] == {"name": "operator", "full_name": "Operator Person", "role": "operator"}
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/api/v1/site").status_code == 200


def test_a_session_ends_when_its_person_signs_out(house: House) -> None:
    client = house.client("viewer")
    assert client.delete("/api/v1/session").status_code == 204
    assert client.get("/api/v1/site").status_code == 401
