"""The gate in front of every request: which names are answered to, how large a body may be, what is logged of it.

Plain ASGI, so that a stream is passed on piece by piece.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Context
from api.problems import ApiProblem, ProblemType, answer

LOG = logging.getLogger("hydro.access")
MOST_BODY_BYTES = 1024 * 1024
LARGE_BODIES: Mapping[str, int] = {"/photos": 11 * 1024 * 1024, "/network-checks": 65 * 1024 * 1024}
"""Ends of paths whose bodies may be larger."""
SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
        b"object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
]


class Gate:
    """Lets requests in, counts them and logs each once."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        scope.setdefault("state", {})["request_id"] = identity = secrets.token_hex(6)
        taken = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *SECURITY, (b"x-request-id", identity.encode())]
            await send(message)

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _too_large(limit)
            return message

        limit = _limit(scope["path"])
        try:
            refusal = self._refusal(Request(scope), limit)
            if refusal is not None:
                await answer(refusal)(scope, receive, sending)
            else:
                await self._app(scope, receiving, sending)
        except ApiProblem as error:
            await answer(error)(scope, receive, sending)
        finally:
            self._note(scope, status or 499, time.perf_counter() - started)

    def _refusal(self, request: Request, limit: int) -> ApiProblem | None:
        host = (
            request.headers.get("host", "").rsplit(":", 1)[0] if "]" not in request.headers.get("host", "") else "[::1]"
        )
        hosts = self._context.listening.hosts
        if hosts and host.lower() not in hosts:
            return ApiProblem(ProblemType.HOST, f"host {host!r}, expected {' or '.join(sorted(hosts))}")
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            return _too_large(limit)
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        metrics = self._context.metrics
        metrics.requests.labels(method, route, status).inc()
        if not route.endswith("/stream"):
            metrics.seconds.labels(method, route).observe(seconds)
        said: dict[str, Any] = {
            "request": scope["state"]["request_id"],
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(1e3 * seconds, 1),
            "person": scope["state"].get("person", ""),
            "from": (scope.get("client") or ("",))[0],
        }
        LOG.info("%s", json.dumps(said, ensure_ascii=False), extra={"fields": said})


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _limit(path: str) -> int:
    return next((limit for end, limit in LARGE_BODIES.items() if path.endswith(end)), MOST_BODY_BYTES)


def _too_large(limit: int) -> ApiProblem:
    return ApiProblem(ProblemType.TOO_LARGE, f"the body is larger than {limit} bytes, which is the most that is taken")
