"""For load balancers: is the process alive, and can it serve?"""

from collections.abc import Callable

from flask import Blueprint, Response, current_app, jsonify

from web.guards import opened

blueprint = Blueprint("health", __name__)
opened(blueprint, "load balancers have no credentials; the answers hold words, not data")

_GOOD_ENOUGH = {"ok", "degraded", "not configured", "ahead", "held"}

Probe = Callable[[], str]


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Each thing we depend on, in a word. 503 when a needed one is missing.

    Redis may be away, the outbox may be held, and the database may have been migrated for the version that is being
    rolled out.
    """
    probes: dict[str, Probe] = current_app.extensions["readiness"]
    words = {name: probe() for name, probe in probes.items()}
    ready = all(word in _GOOD_ENOUGH for word in words.values())
    return jsonify(status="ready" if ready else "not ready", checks=words), 200 if ready else 503
