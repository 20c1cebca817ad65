"""Counters for Prometheus. With several worker processes, PROMETHEUS_MULTIPROC_DIR names the folder they share."""

import hmac
import os
from functools import cache

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest, multiprocess
from prometheus_client import REGISTRY as PROCESS_REGISTRY

from app.errors import NotFound, Unauthenticated
from web.guards import bearer_token, guarded

REQUESTS = Histogram(
    "member_center_request_seconds",
    "Time to answer, by route and status.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

blueprint = Blueprint("metrics", __name__)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    _counted(method, route, status).observe(seconds)


@cache
def _counted(method: str, route: str, status: int) -> Histogram:
    """Kept, because `labels` takes a lock and looks again each time; there are as many as routes have answers."""
    return REQUESTS.labels(method, route, str(status))


def known_method(method: str) -> str:
    """The method, or one word for all others: each new word would be another counter to keep for ever."""
    return method if method in _METHODS else "OTHER"


def require_metrics_token() -> None:
    """Only whoever holds METRICS_TOKEN; without one set there is no such page."""
    token = current_app.config["METRICS_TOKEN"]
    if token is None:
        raise NotFound
    if not hmac.compare_digest(bearer_token().encode(), token.encode()):
        raise Unauthenticated


@blueprint.get("/metrics")
def metrics() -> Response:
    registry = PROCESS_REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


guarded(blueprint, require_metrics_token)
