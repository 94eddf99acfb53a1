from __future__ import annotations

import json
from pathlib import Path

from api.application import every_route, role_of
from api.openapi import openapi_text

WRITTEN = Path(__file__).parents[2] / "web" / "openapi.json"
OPEN = {"getSession", "signIn", "signOut", "followLink", "getLife", "getReadiness", "getMetrics"}


def test_written_openapi_is_what_the_code_says() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == openapi_text(), "run make openapi"


def test_every_route_but_the_known_ones_names_a_role() -> None:
    document = json.loads(openapi_text())
    without = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "x-role" not in operation
    }
    assert without == OPEN
    assert {route.name for route in every_route() if role_of(route) is None} >= {"get_session", "sign_in"}


def test_every_answer_that_is_no_success_is_problem_json() -> None:
    document = json.loads(openapi_text())
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and operation["operationId"] != "getReadiness":
                    assert list(answer["content"]) == ["application/problem+json"], operation["operationId"]
