"""Request ids and the headers that tell browsers what they may do with an answer."""

import re
import secrets
import time

from flask import Flask, Response, g, request
from werkzeug.exceptions import NotFound as RoutingNotFound

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'{connect}; media-src 'self' blob:; worker-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_UNLESS_THERE = (("Content-Security-Policy", _NOTHING), ("Cache-Control", "no-store"))
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def page_policy(*, wasm: bool = False, connect: str = "") -> str:
    """The Content-Security-Policy of a page: our own files only. `wasm` lets the till's bar code reader compile."""
    return _PAGE_POLICY.format(
        scripts=" 'wasm-unsafe-eval'" if wasm else "", connect=f" {connect}" if connect else ""
    )


def begin() -> None:
    """Name the request. An address with control characters is nowhere: PostgreSQL could not even look for a NUL."""
    asked = request.environ.get("HTTP_X_REQUEST_ID", "")
    g.request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
    g.started = time.perf_counter()
    if not request.path.isprintable():
        raise RoutingNotFound


def finish(response: Response) -> Response:
    headers = response.headers
    there = {name.lower() for name, _ in headers}
    headers.add("X-Request-Id", g.get("request_id", "-"))
    headers.extend(_ALWAYS)
    for name, value in _UNLESS_THERE:
        if name.lower() not in there:
            headers.add(name, value)
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return response


def install(app: Flask) -> None:
    app.before_request(begin)
    app.after_request(finish)
