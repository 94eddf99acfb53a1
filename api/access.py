"""Who asks, and whether the person may. Every route but a few names the role that it needs.

A browser proves itself by a cookie that scripts on the page cannot read; to change anything it must also repeat the
session's word in ``X-CSRF-Token``, which another site's page does not know. A script proves itself by a bearer token.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from api.context import Context, context_of
from api.passwords import digest
from api.problems import ApiProblem, ProblemType
from models.user import Role, Session

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_PREFIX = "hydro_"
LINK = "sign-in link"
"""The label of a token that signs one browser in, once, and proves nothing else."""

Serving = Annotated[Context, Depends(context_of)]


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``full_name`` stands on what the person does; ``session`` is None for a script."""

    name: str
    full_name: str
    role: Role
    session: Session | None = None
    session_digest: str = ""


def asker(request: Request, context: Context) -> Person | None:
    """Return who asks; None for nobody who is known.

    Raises
    ------
    ApiProblem
        A change comes with a cookie but without the session's word, or from another site's page.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        found = context.accounts.bearer(digest(secret.strip()))
        if found is None or found[1].label == LINK:
            return None
        user, token = found
        role = token.role if user.role.may(token.role) else user.role
        return Person(user.name, user.full_name, role)
    cookie = request.cookies.get(context.cookie)
    if not cookie:
        return None
    key = digest(cookie)
    session = context.accounts.session(key)
    if session is None:
        return None
    if request.method not in SAFE:
        check_origin(request)
        if not secrets.compare_digest(request.headers.get("X-CSRF-Token", "").encode(), session.csrf.encode()):
            raise ApiProblem(ProblemType.CSRF, "header X-CSRF-Token is not the session's, expected that of GET session")
    user = session.user
    return Person(user.name, user.full_name, user.role, session, key)


def check_origin(request: Request) -> None:
    """Refuse a change that a page of another site sends."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise ApiProblem(ProblemType.CSRF, f"the request comes from a page of {origin}, expected one of this service")


def needing(role: Role) -> Callable[[Request, Context], Person]:
    """Return the dependency of a route that needs ``role``."""

    def person(request: Request, context: Serving) -> Person:
        found = asker(request, context)
        if found is None:
            raise ApiProblem(ProblemType.UNAUTHENTICATED, "nobody is signed in, or the session or token is over")
        request.state.person = found.name
        if not found.role.may(role):
            raise ApiProblem(ProblemType.FORBIDDEN, f"{found.name} is {found.role}, expected {role} or more")
        return found

    person.__dict__["role"] = role
    return person


Viewer = Annotated[Person, Depends(needing(Role.VIEWER))]
Operator = Annotated[Person, Depends(needing(Role.OPERATOR))]
Engineer = Annotated[Person, Depends(needing(Role.ENGINEER))]
Admin = Annotated[Person, Depends(needing(Role.ADMIN))]
