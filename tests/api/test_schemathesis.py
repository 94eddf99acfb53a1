"""Everything that the OpenAPI allows and more is asked in every role: no 500, no answer that it does not tell of."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.access import TOKEN_PREFIX
from api.context import open_context
from api.listening import Door, open_socket
from api.openapi import openapi_text
from api.passwords import digest
from api.server import serve
from models.user import Role, Token
from tests.api.conftest import NOW, copy_site, fill, furnish

EXAMPLES = int(os.environ.get("HYDRO_EXAMPLES", "5"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True, slots=True)
class Asked:
    url: str
    headers: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, hashed: str) -> Iterator[Asked]:
    """A service on loopback, and what each role proves itself with."""
    site = copy_site(tmp_path_factory.mktemp("schemathesis") / "site")
    fill(site)
    context = open_context(site)
    furnish(context, hashed)
    # Runs wait for ever: what they do is told elsewhere.
    context.runs._slots = threading.Semaphore(0)
    headers: dict[str, dict[str, str]] = {"": {}}
    for role in Role:
        secret = TOKEN_PREFIX + role
        context.accounts.add_token(digest(secret), Token(0, role.value, "schemathesis", role, NOW))
        headers[role] = {"Authorization": f"Bearer {secret}"}
    listener, started = open_socket(Door(port=0)), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(context, Door(), listener, stop, lambda _port: started.set()))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    serving = threading.Thread(target=run)
    serving.start()
    assert started.wait(60)
    yield Asked(f"http://127.0.0.1:{listener.getsockname()[1]}", headers)
    loop.call_soon_threadsafe(stop.set)
    serving.join(60)


Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi_text()))
OPERATIONS: list[Operation] = [
    found.ok()  # type: ignore[union-attr]
    for found in SCHEMA.exclude(path="/api/v1/stream").get_all_operations()
]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.label for one in OPERATIONS])
def test_every_answer_is_one_that_the_openapi_tells_of(asked: Asked, operation: Operation) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: Case) -> None:
        for headers in asked.headers.values():
            answer = case.call(base_url=asked.url, headers=headers, allow_redirects=False, timeout=60)
            case.validate_response(answer, checks=CHECKS, headers=headers)

    ask()
