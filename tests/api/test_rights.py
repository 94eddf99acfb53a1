from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from starlette.testclient import TestClient

from api.rights import rights, rights_text
from models.complaint import Complaint
from models.measurement import HandReading
from models.photo import Photo
from models.scenario import Change, ChangeKind, Scenario
from models.site import Site
from models.user import Role
from models.works import WorksKind, WorksWindow
from service.dispatch import open_order
from tests.api.conftest import NOW, PASSWORD, House, copy_site, document, fill, open_house

WRITTEN = Path(__file__).parents[2] / "docs" / "reference" / "http-rights.md"
NAMES = {"node": "J-126", "link": "P-144", "alarm_id": "limit~1PT-07~1low", "whatif_id": "0" * 20}
SIGNING_IN = ("/api/v1/session", "/sign-in")
"""Told in test_session; the stream, which never ends, in test_stream."""
ALL = [one for one in rights() if one[1] not in (*SIGNING_IN, "/api/v1/stream")]


def _cases(routes: list[tuple[str, str, Role | None]]) -> list[ParameterSet]:
    return [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in routes]


def path_of(path: str, **ids: object) -> str:
    """A path with its parameters filled in: one that the site has where it has some."""
    point_or_user = "viewer" if "/users/" in path else "PT-07"
    names = {**NAMES, "name": point_or_user, **ids}
    for part in path.split("{")[1:]:
        name = part.partition("}")[0]
        path = path.replace("{" + name + "}", str(names.get(name, 1)))
    return path


@pytest.fixture(scope="module")
def clients(shared_house: House) -> dict[str, TestClient]:
    return {role.value: shared_house.client(role.value) for role in Role}


def test_written_table_is_what_the_routes_say() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == rights_text(), "run make openapi"


@pytest.mark.parametrize(("method", "path", "needed"), _cases([one for one in rights() if one[2] is not None]))
def test_nobody_is_let_in_where_a_role_is_needed(
    shared_house: House, method: str, path: str, needed: Role | None
) -> None:
    answer = shared_house.client().request(method, path_of(path), json={})
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:hydro:problem:unauthenticated"


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path", "needed"), _cases(ALL))
def test_a_role_may_what_the_table_says(
    shared_house: House, clients: dict[str, TestClient], method: str, path: str, needed: Role | None, role: Role
) -> None:
    # An empty body is refused once the role is accepted, so that this changes as little as it can.
    answer = clients[role.value].request(method, path_of(path), json={} if method in ("POST", "PUT", "PATCH") else None)
    if needed is not None and not role.may(needed):
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:hydro:problem:forbidden"
    else:
        assert answer.status_code not in (401, 403, 500), answer.text


@pytest.mark.parametrize(("method", "path", "needed"), _cases([one for one in ALL if one[0] != "GET"]))
def test_a_change_without_the_word_of_the_session_is_refused(
    shared_house: House, clients: dict[str, TestClient], method: str, path: str, needed: Role | None
) -> None:
    admin = clients["admin"]
    answer = admin.request(method, path_of(path), json={}, headers={"X-CSRF-Token": "guessed"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:hydro:problem:csrf"
    foreign = admin.request(method, path_of(path), json={}, headers={"Origin": "https://elsewhere.example"})
    assert foreign.json()["type"] == "urn:hydro:problem:csrf"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, hashed: str) -> Iterator[House]:
    """Another site's service, which has one of everything."""
    site: Site = copy_site(tmp_path_factory.mktemp("other") / "site")
    fill(site)
    with open_house(site, hashed) as opened:
        context = opened.context
        for _ in range(3):
            complaint = context.records.register_complaint(Complaint("C-FAN", "J-126", NOW, "low"))
            context.records.keep_hand_reading(HandReading("J-126", NOW, 12.0, "Li", complaint.id))
            diagnosis = context.records.keep_diagnosis(document(), "cycle", complaint.id)
            order = open_order(context.records, site, diagnosis, NOW, context.layout, complaint.id)
            change = Change(ChangeKind.CLOSE, "P-144")
            context.scenarios.keep(Scenario("close", (change,), "Li", NOW, NOW))
            context.works.plan(WorksWindow(WorksKind.FLUSHING, NOW, NOW.replace(hour=9), "flushing", "Li"), NOW)
        assert order is not None
        context.photos.keep(Photo(order.id, "image/png", 8, "Li", NOW), b"\x89PNG\r\n\x1a\n")
        opened.client("admin").post("/api/v1/tokens", json={"label": "x", "role": "admin"})
        yield opened


OF_THE_OTHER = [
    ("GET", "/complaints/3", None),
    ("GET", "/complaints/3/readings", None),
    ("GET", "/diagnoses/4", None),
    ("POST", "/diagnoses/4/rerun", {}),
    ("GET", "/orders/3", None),
    ("POST", "/orders/3/dispatch", {"version": 1}),
    ("POST", "/orders/3/arrive", {"version": 1}),
    ("POST", "/orders/3/findings", {"findings": [{"kind": "debris"}]}),
    ("POST", "/orders/3/pressures", {"before_m": 1.0}),
    ("POST", "/orders/3/close", {"version": 1}),
    ("POST", "/orders/3/cancel", {"version": 1}),
    ("GET", "/orders/3/photos/1", None),
    ("GET", "/scenarios/3", None),
    ("PUT", "/scenarios/3", {"version": 1, "name": "x", "changes": [{"kind": "close", "element": "P-144"}]}),
    ("DELETE", "/scenarios/3?version=1", None),
    ("GET", "/scenarios/3/network.inp", None),
    ("POST", "/works/3/end", None),
    ("POST", "/orders", {"diagnosis_id": 4}),
    ("POST", "/diagnosis-runs", {"complaint_id": 3}),
    ("POST", "/whatifs", {"from_diagnosis": 4}),
    ("DELETE", "/tokens/1", None),
    ("POST", "/readings", {"node": "J-126", "value_m": 10.0, "complaint_id": 3}),
]


@pytest.mark.parametrize(("method", "path", "body"), OF_THE_OTHER, ids=[f"{one[0]} {one[1]}" for one in OF_THE_OTHER])
def test_what_another_site_has_is_not_here(
    shared_house: House, clients: dict[str, TestClient], other: House, method: str, path: str, body: object
) -> None:
    answer = clients["admin"].request(method, f"/api/v1{path}", json=body)
    assert answer.status_code == 404, answer.text
    assert answer.json()["type"] == "urn:hydro:problem:missing"


def test_a_session_of_another_site_opens_nothing_here(shared_house: House, other: House) -> None:
    theirs = other.client("admin")
    ours = shared_house.client()
    secret = theirs.cookies[other.context.cookie]
    ours.cookies.set(other.context.cookie, secret)
    ours.cookies.set(shared_house.context.cookie, secret)
    assert ours.get("/api/v1/site").status_code == 401


def test_a_token_of_another_site_opens_nothing_here(shared_house: House, other: House) -> None:
    made = other.client("admin").post("/api/v1/tokens", json={"label": "x", "role": "viewer"}).json()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert other.client().get("/api/v1/site", headers=bearer).status_code == 200
    assert shared_house.client().get("/api/v1/site", headers=bearer).status_code == 401


def test_a_password_of_another_site_opens_nothing_here(shared_house: House, other: House) -> None:
    other.client("admin").post(
        "/api/v1/users", json={"name": "mei", "full_name": "Mei", "role": "admin", "password": PASSWORD}
    )
    answer = shared_house.client().post("/api/v1/session", json={"name": "mei", "password": PASSWORD})
    assert answer.json()["type"] == "urn:hydro:problem:wrong-password"
