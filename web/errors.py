"""From the business's words to HTTP: one table, one form (`application/problem+json`, RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from app.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from app.texts import refusal_text
from web.field_faults import field_faults
from web.language import language

log = logging.getLogger(__name__)

STATUS: dict[type[DomainError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Gone: HTTPStatus.GONE,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

#: What the HTTP layer itself refuses.
HTTP_CODES = {
    400: "bad_request",
    404: "no_such_route",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "validation_failed",
}


class MissingIdempotencyKey(Invalid):
    """400, as the draft for the header asks, where other faults of a request are 422."""

    code = "idempotency_key_missing"


class MalformedJson(Invalid):
    """400: the body is not JSON, or could be read in more than one way."""

    code = "malformed_json"


def status_of(error: DomainError) -> HTTPStatus:
    if isinstance(error, MissingIdempotencyKey | MalformedJson):
        return HTTPStatus.BAD_REQUEST
    return next(status for branch, status in STATUS.items() if isinstance(error, branch))


def problem(status: int, code: str, data: dict[str, Any] | None = None) -> Response:
    """The answer to a refused request. `data` are facts the caller may act on; the sentence comes from app/texts."""
    body = {
        "type": f"/docs/errors#{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": refusal_text(code, data or {}, language()),
        "request_id": g.get("request_id"),
        **(data or {}),
    }
    # What is wrong with the third item of a list stands under the number 2, and JSON wants words there.
    dumped = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)
    response = Response(dumped, status, content_type="application/problem+json")
    if data and "retry_after_s" in data:
        response.headers["Retry-After"] = str(data["retry_after_s"])
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def refused(error: DomainError) -> Response:
    g.error_code = error.code
    return problem(status_of(error), error.code, error.data)


def http_refused(error: HTTPException) -> Response:
    """What Flask, webargs or werkzeug refuse. Keeps the headers they set, such as `Allow`."""
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect is an answer, not a refusal
    data = getattr(error, "data", None) or {}
    code = HTTP_CODES.get(status, "internal_error" if status >= 500 else "bad_request")
    fields = data.get("messages")
    g.error_code = code
    response = problem(status, code, {"fields": field_faults(fields, language())} if fields else None)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def crashed(error: Exception) -> Response:
    """Anything unforeseen: the trace goes to the log, the caller gets a request id and nothing else."""
    log.exception("unhandled error", exc_info=error)
    g.error_code = "internal_error"
    return problem(500, "internal_error")


def install(app: Flask) -> None:
    app.register_error_handler(DomainError, refused)
    app.register_error_handler(HTTPException, http_refused)
    app.register_error_handler(Exception, crashed)
