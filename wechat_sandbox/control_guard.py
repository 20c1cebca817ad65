"""Who may use the control plane and the pages: programs on this machine, and pages served from it.

A page from elsewhere in the same browser must not press buttons here, so a foreign Origin or Host is refused.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from wechat_sandbox.config_parse import is_loopback

_ORIGIN: Final = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?")
_METHODS: Final = "GET, POST, PATCH, PUT, DELETE"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def allowed_origin(origin: str) -> bool:
    """True for pages served from this machine over plain HTTP."""
    return _ORIGIN.fullmatch(origin) is not None


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights, refuse foreign callers, name the origin that may read the answer."""
    if request.path.startswith(("/cgi-bin/", "/sns/", "/wxa/", "/wxaapi/", "/v3/")):
        return await handler(request)
    origin = request.headers.get("Origin")
    if not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise web.HTTPForbidden(text="this sandbox is reached by a loopback name only")
    if origin is not None and not allowed_origin(origin):
        raise web.HTTPForbidden(text="only pages of this machine may use the sandbox")
    if not request.path.startswith("/_sim/"):
        return await handler(request)
    response = web.Response(status=204) if request.method == "OPTIONS" else await handler(request)
    response.headers["Vary"] = "Origin"
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
    return response
