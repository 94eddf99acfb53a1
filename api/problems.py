"""What goes wrong, as problem+json (RFC 9457): a stable type for programs, one sentence for people.

A message states the fact, the element, the value and what was expected; a traceback never leaves the process.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hydro.errors import HydroError, NetworkError
from models.problem import BadInput, Changed, Missing, Refused, Unavailable

LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class ProblemType(StrEnum):
    """Every kind of problem. The words are stable: programs rely on them."""

    MALFORMED = "urn:hydro:problem:malformed"
    INVALID = "urn:hydro:problem:invalid"
    UNAUTHENTICATED = "urn:hydro:problem:unauthenticated"
    WRONG_PASSWORD = "urn:hydro:problem:wrong-password"
    TOO_MANY_TRIES = "urn:hydro:problem:too-many-tries"
    FORBIDDEN = "urn:hydro:problem:forbidden"
    CSRF = "urn:hydro:problem:csrf"
    HOST = "urn:hydro:problem:host"
    MISSING = "urn:hydro:problem:missing"
    METHOD = "urn:hydro:problem:method"
    CHANGED = "urn:hydro:problem:changed"
    REFUSED = "urn:hydro:problem:refused"
    KEY_REUSED = "urn:hydro:problem:key-reused"
    GONE = "urn:hydro:problem:gone"
    TOO_LARGE = "urn:hydro:problem:too-large"
    MEDIA = "urn:hydro:problem:media"
    BUSY = "urn:hydro:problem:busy"
    UNSOLVED = "urn:hydro:problem:unsolved"
    UNAVAILABLE = "urn:hydro:problem:unavailable"
    INTERNAL = "urn:hydro:problem:internal"


STATUS: dict[ProblemType, tuple[int, str]] = {
    ProblemType.MALFORMED: (400, "The request cannot be read"),
    ProblemType.HOST: (400, "This service does not answer under that name"),
    ProblemType.UNAUTHENTICATED: (401, "Sign in first"),
    ProblemType.WRONG_PASSWORD: (401, "Name or password is wrong"),
    ProblemType.FORBIDDEN: (403, "Your role does not allow this"),
    ProblemType.CSRF: (403, "The request does not prove that it comes from the console"),
    ProblemType.MISSING: (404, "There is nothing of that name"),
    ProblemType.METHOD: (405, "This cannot be done here"),
    ProblemType.CHANGED: (409, "Somebody else was first"),
    ProblemType.REFUSED: (409, "This does not fit the present state"),
    ProblemType.GONE: (410, "It is no longer kept"),
    ProblemType.TOO_LARGE: (413, "The request is too large"),
    ProblemType.MEDIA: (415, "Content of this kind is not taken"),
    ProblemType.INVALID: (422, "Something in the request is wrong"),
    ProblemType.KEY_REUSED: (422, "This Idempotency-Key was used for another request"),
    ProblemType.UNSOLVED: (422, "The network does not solve, or cannot carry the question"),
    ProblemType.TOO_MANY_TRIES: (429, "Too many wrong passwords"),
    ProblemType.INTERNAL: (500, "A fault in Hydro"),
    ProblemType.BUSY: (503, "Too much is being worked on"),
    ProblemType.UNAVAILABLE: (503, "A part of the service is not there"),
}
"""Status and title of each type."""


class Fault(BaseModel):
    """One thing that is wrong, and where in the request or file it stands."""

    message: str
    where: str = Field(default="", examples=["body.until", "network.inp:12"])


class Problem(BaseModel):
    """The body of every answer that is no success."""

    type: ProblemType
    title: str
    status: int
    detail: str = Field(examples=["alarm limit/PT-07/low: has changed meanwhile, it is now acknowledged by Li"])
    faults: list[Fault] = Field(default_factory=list, description="Every problem found, not the first alone.")
    current: dict[str, Any] | None = Field(default=None, description="The thing as it is now, for `changed`.")
    retry_after_s: float | None = Field(default=None, description="When to try again, for `too-many-tries` and `busy`.")


class ApiProblem(Exception):
    """An answer that is no success."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        faults: Sequence[Fault] = (),
        current: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        status, title = STATUS[kind]
        self.problem = Problem(
            type=kind,
            title=title,
            status=status,
            detail=detail,
            faults=list(faults),
            current=None if current is None else dict(current),
            retry_after_s=retry_after_s,
        )


def answer(error: ApiProblem) -> Response:
    """Return the response for a problem."""
    problem = error.problem
    headers = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after_s)))
    if problem.type is ProblemType.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def problem_of(error: Exception) -> ApiProblem:
    """Return the problem that an error of the house is to whoever asked."""
    if isinstance(error, ApiProblem):
        return error
    if isinstance(error, BadInput):
        kinds = ((Changed, ProblemType.CHANGED), (Refused, ProblemType.REFUSED), (Missing, ProblemType.MISSING))
        kind = next((kind for of, kind in kinds if isinstance(error, of)), ProblemType.INVALID)
        return ApiProblem(kind, str(error), [Fault(message=str(one)) for one in error.problems])
    if isinstance(error, Unavailable):
        return ApiProblem(ProblemType.UNAVAILABLE, str(error))
    if isinstance(error, NetworkError):
        return ApiProblem(ProblemType.INVALID, str(error))
    if isinstance(error, HydroError):
        return ApiProblem(ProblemType.UNSOLVED, str(error))
    return ApiProblem(ProblemType.INTERNAL, "an unexpected fault; the service's log says more")


def responses(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may end in these problems."""
    told: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = STATUS[kind]
        there = told.setdefault(
            status, {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        )
        there["description"] = "; ".join(filter(None, [there["description"], f"`{kind}`: {title}"]))
    return told


def install(app: FastAPI) -> None:
    """Let every error of an application be answered as problem+json."""

    async def known(_request: Request, error: Exception) -> Response:
        return answer(problem_of(error))

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(_invalid(error))

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(_http(error))

    for kind in (ApiProblem, BadInput, Unavailable, HydroError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, known)


def _invalid(error: RequestValidationError) -> ApiProblem:
    faults = [
        Fault(message=_sayable(_message(one)), where=_sayable(".".join(str(part) for part in one.get("loc", ()))))
        for one in error.errors()
    ]
    unreadable = any(one.get("type") == "json_invalid" for one in error.errors())
    kind = ProblemType.MALFORMED if unreadable else ProblemType.INVALID
    return ApiProblem(kind, "; ".join(f"{one.where}: {one.message}" for one in faults[:5]), faults)


def _sayable(text: str) -> str:
    """Return text that UTF-8 can carry: JSON may name half of a surrogate pair, which is repeated as it was written."""
    return text.encode(errors="backslashreplace").decode()


def _message(error: Mapping[str, Any]) -> str:
    said = str(error.get("msg", "")).removeprefix("Value error, ")
    given = error.get("input")
    if {"password", "present", "wanted"} & set(error.get("loc", ())):
        return said
    if isinstance(given, str | int | float | bool) and error.get("type") not in ("missing", "json_invalid"):
        return f"{said}, got {json.dumps(given, ensure_ascii=False)[:80]}"
    return said


def _http(error: HTTPException) -> ApiProblem:
    kinds = {404: ProblemType.MISSING, 405: ProblemType.METHOD, 413: ProblemType.TOO_LARGE, 415: ProblemType.MEDIA}
    kind = kinds.get(error.status_code)
    if kind is None:
        kind = ProblemType.MALFORMED if error.status_code < 500 else ProblemType.INTERNAL
    return ApiProblem(kind, str(error.detail))
