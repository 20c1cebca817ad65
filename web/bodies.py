"""Request bodies: JSON, said to be JSON, and only what has one meaning.

The parser behind the routes is lenient: it takes NaN, keys given twice (the last one wins), halves of characters that
no database stores, and it falls over deep nesting. Refused here, before it sees them.
"""

import json
from typing import Any

import orjson
from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.providers.places import Places
from web.errors import MalformedJson
from web.guards import open_blueprints

MAX_BODY_BYTES = 64 * 1024


def install(app: Flask, places: Places) -> None:
    """Read the bodies that anybody may send in a bounded number of threads.

    A sender may take as long as it likes over a body. Behind a guard only those who are known get so far; on the open
    routes a handful of strangers would hold every thread of the server, and no till would get an answer.
    """

    @app.before_request
    def read_what_strangers_send() -> None:
        if _has_body() and request.blueprint in open_blueprints():
            with places.one():
                request.get_data(cache=True)


def _has_body() -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def require_json() -> None:
    """A body must be JSON and say so: a form posted by a foreign page is refused before it is read.

    Raises 415 for another type, 413 for a body over 64 KiB, 400 for one that is not JSON.
    """
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if not _has_body():
        return
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    _check(request.get_data(cache=True))


def _check(body: bytes) -> None:
    try:
        orjson.loads(body)
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        # The parser's own words quote the body, which may hold a code or a password.
        raise MalformedJson from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a key stands twice")
    return read
