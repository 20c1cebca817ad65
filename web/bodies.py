"""Request bodies: JSON, said to be JSON, and only what has one meaning.

The parser behind the routes is lenient: it takes NaN, keys given twice (the last one wins), halves of characters that
no database stores, and it falls over deep nesting. Refused here, before it sees them.
"""

import json
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from web.errors import MalformedJson

MAX_BODY_BYTES = 64 * 1024


def require_json() -> None:
    """A body must be JSON and say so: a form posted by a foreign page is refused before it is read.

    Raises 415 for another type, 413 for a body over 64 KiB, 400 for one that is not JSON.
    """
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if not has_body:
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
