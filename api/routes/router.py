"""How every router is made: its tag, its names in the OpenAPI, and the problems that any of its routes may end in."""

from __future__ import annotations

import re

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.problems import ProblemType, responses

PREFIX = "/api/v1"
ALWAYS = (ProblemType.MALFORMED, ProblemType.HOST, ProblemType.INTERNAL, ProblemType.UNAVAILABLE, ProblemType.INVALID)
SIGNED_IN = (*ALWAYS, ProblemType.UNAUTHENTICATED, ProblemType.FORBIDDEN)
CHANGING = (ProblemType.CSRF, ProblemType.TOO_LARGE, ProblemType.REFUSED)


def router(tag: str, open_to_all: bool = False) -> APIRouter:
    """Return a router of one resource."""
    always = ALWAYS if open_to_all else SIGNED_IN
    return APIRouter(
        prefix=PREFIX, tags=[tag], responses=responses(*always, *CHANGING), generate_unique_id_function=name_of
    )


def name_of(route: APIRoute) -> str:
    """Return the route's name in the OpenAPI: the function's, as TypeScript writes it."""
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), route.name)
