"""One JSON line per request and per event: route, status, time, request id; no address, no body, no person."""

import logging
import sys
import time

import orjson
import structlog
from flask import Flask, Response, g, request

from web.metrics import observe

access = structlog.get_logger("access")


def configure(level: str) -> None:
    """Send everything, our own events and the standard library's, as JSON lines to standard error."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=level.upper(), force=True)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(
                serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
            ),
        ],
    )
    logging.getLogger().handlers[0].setFormatter(formatter)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    for noisy in ("urllib3", "alembic", "asyncio", "aiohttp.access", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def finish(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "(none)"
    elapsed = time.perf_counter() - g.get("started", time.perf_counter())
    observe(request.method, route, response.status_code, elapsed)
    if route not in _QUIET or response.status_code >= 500:
        access.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round(elapsed * 1000, 1),
            code=g.get("error_code"),
            request_id=g.get("request_id"),
        )
    return response


_QUIET = {"/healthz", "/readyz", "/metrics"}


def install(app: Flask) -> None:
    app.after_request(finish)
