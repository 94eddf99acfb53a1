"""The application: every route around one context, with its OpenAPI."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api import problems
from api.context import VERSION, Context
from api.feed import Feed
from api.gate import Gate
from api.routes import (
    alarms,
    complaints,
    diagnoses,
    health,
    network,
    orders,
    points,
    session,
    site,
    state,
    stream,
    users,
    whatifs,
    works,
)
from models.user import Role

ROUTERS = (
    session.ROUTER, session.LINKS, site.ROUTER, network.ROUTER, state.ROUTER, points.ROUTER, stream.ROUTER,
    alarms.ROUTER, complaints.ROUTER, diagnoses.ROUTER, whatifs.ROUTER, orders.ROUTER, works.ROUTER, users.ROUTER,
    health.ROUTER, health.PROBES,
)  # fmt: skip
DESCRIPTION = """Why is the pressure low, and what should we do about it? Times are ISO 8601 with an offset, answered in
UTC; every number carries its unit in its name; errors are `application/problem+json` with a stable `type`.

A browser signs in with `POST /api/v1/session` and repeats `csrf` in `X-CSRF-Token` with every change; a script sends
`Authorization: Bearer` with a token. What makes something may carry `Idempotency-Key`."""


def create_application(context: Context) -> FastAPI:
    """Return the application that serves a context; it gives the context back when it ends."""
    app = FastAPI(
        title="Hydro",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.context = context
    describe_routes(app)
    app.add_middleware(Gate, context=context)
    if importlib.util.find_spec("api.console") is not None:
        import_module("api.console").mount(app)
    return app


def describe_routes(app: FastAPI) -> None:
    """Give an application its routes, problems and OpenAPI; they need no context to be described."""
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _openapi(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def role_of(route: APIRoute) -> Role | None:
    """Return the role that a route needs; None for one that is open to all."""
    for dependency in route.dependant.dependencies:
        role: Role | None = getattr(dependency.call, "role", None)
        if role is not None:
            return role
    return None


def _openapi(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    schemas = document["components"]["schemas"]
    told = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= told.pop("$defs", {})
    schemas["Problem"] = told
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["securitySchemes"] = {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "hydro",
            "description": "Set by `POST /session`; its real name is `hydro-` and a word of the site's own.",
        },
        "token": {"type": "http", "scheme": "bearer", "description": "A token made by `POST /tokens`."},
    }
    for route in every_route():
        _describe(document["paths"][route.path_format], route)
    _require_what_is_always_there(document)
    return document


def _require_what_is_always_there(document: dict[str, Any]) -> None:
    """Mark every field of an answer as required: a default is what a field says, not that it may be missing."""
    schemas = document["components"]["schemas"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    asked = _reached(schemas, [one.get("requestBody") for one in operations])
    for name, schema in schemas.items():
        if name not in asked and name != "Problem" and "properties" in schema:
            schema["required"] = list(schema["properties"])


def _reached(schemas: dict[str, Any], roots: list[Any]) -> set[str]:
    """Return the names of the schemas that are referred to from some place, directly or not."""
    reached: set[str] = set()
    to_visit = list(roots)
    while to_visit:
        here = to_visit.pop()
        if isinstance(here, dict):
            name = str(here.get("$ref", "")).rpartition("/")[2]
            if name and name not in reached:
                reached.add(name)
                to_visit.append(schemas[name])
            to_visit += here.values()
        elif isinstance(here, list):
            to_visit += here
    return reached


def every_route() -> Iterator[APIRoute]:
    """Yield the routes of the API."""
    for router in ROUTERS:
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def _describe(path: dict[str, Any], route: APIRoute) -> None:
    """Say which role a route needs, and leave out the problems that only changes end in."""
    role = role_of(route)
    for method in route.methods or ():
        operation = path[method.lower()]
        if method == "GET":
            for status in ("409", "413"):
                operation["responses"].pop(status, None)
        if role is not None:
            operation["security"] = [{"session": []}, {"token": []}]
            operation["x-role"] = role.value


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    stop = asyncio.Event()
    feeding = asyncio.create_task(Feed(context).run(stop), name="feed")
    try:
        yield
    finally:
        context.live.end()
        stop.set()
        await feeding
        await asyncio.to_thread(context.close)
