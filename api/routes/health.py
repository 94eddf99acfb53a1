"""Whether the service lives, whether it is ready, and its metrics."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.access import Serving, Viewer
from api.gauges import take_gauges
from api.health import health_of
from api.problems import responses
from api.routes.router import ALWAYS, name_of, router
from api.schemas.health import HealthView, LifeView

PATIENCE_S = 2.0
"""How long Prometheus waits for what has to be asked for: it gives up after ten seconds, and has no figure at all."""
ROUTER = router("health")
PROBES = APIRouter(tags=["health"], generate_unique_id_function=name_of, responses=responses(*ALWAYS))


@ROUTER.get("/health")
def get_health(_person: Viewer, context: Serving) -> HealthView:
    """How the service is, part by part."""
    return health_of(context)


@PROBES.get("/healthz")
def get_life() -> LifeView:
    """That the process lives and answers."""
    return LifeView(alive=True)


@PROBES.get(
    "/readyz",
    responses={503: {"model": HealthView, "description": "Not ready; the parts say why."}},
)
def get_readiness(context: Serving, response: Response) -> HealthView:
    """Whether what the service shows can be believed; a stale boundary is not ready."""
    health = health_of(context)
    if not health.ready:
        response.status_code = 503
    return health


@PROBES.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(context: Serving) -> Response:
    """Metrics for Prometheus."""
    # The gauges of a store that is silent stay as they were.
    with anyio.move_on_after(PATIENCE_S):
        await anyio.to_thread.run_sync(take_gauges, context, abandon_on_cancel=True)
    return Response(context.metrics.text(), media_type=CONTENT_TYPE_LATEST)
