"""One JSON line per request and per event: route, status, time, request id; no address, no body, no person."""

import logging
import sys
import time
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request

from web.metrics import known_method, observe

access = structlog.get_logger()


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
            without_values,
            structlog.processors.JSONRenderer(
                serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
            ),
        ],
    )
    logging.getLogger().handlers[0].setFormatter(formatter)
    # The line of every request goes around the standard library, which would take four times as long over it.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    for noisy in ("urllib3", "alembic", "asyncio", "aiohttp.access", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def without_values(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Tell of an exception its kind and where it happened. Its words are left out: they quote what was being handled,
    a statement with its parameters, the row that clashed, a header, and so tokens, codes and phone numbers."""
    exc_info = event.pop("exc_info", None)
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = list(_chain(error))
    return event


def _chain(error: BaseException | None) -> Iterator[dict[str, Any]]:
    """The exception and those it came from, latest first."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
        yield {
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "sqlstate": getattr(error, "sqlstate", None),
            "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


_MOST_CAUSES, _MOST_FRAMES = 8, 40


def finish(response: Response) -> Response:
    rule = request.url_rule
    route = rule.rule if rule else "(none)"
    here = g._get_current_object()  # asked once: each question to `g` finds it anew
    now = time.perf_counter()
    elapsed = now - here.get("started", now)
    method = known_method(request.method)
    observe(method, route, response.status_code, elapsed)
    if route not in _QUIET or response.status_code >= 500:
        access.info(
            "request",
            logger="access",
            method=method,
            route=route,
            status=response.status_code,
            ms=round(elapsed * 1000, 1),
            code=here.get("error_code"),
            request_id=here.get("request_id"),
        )
    return response


_QUIET = {"/healthz", "/readyz", "/metrics"}


def install(app: Flask) -> None:
    app.after_request(finish)
