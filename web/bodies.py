"""Request bodies: JSON, said to be JSON, and only what has one meaning.

The parser behind the routes is lenient: it takes NaN, keys given twice (the last one wins), halves of characters that
no database stores, and it falls over deep nesting. Refused here, before it sees them.
"""

import json
from typing import Any

import flask
from flask import Flask, request
from marshmallow import Schema
from webargs.core import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

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
    return bool(request.content_length) or "HTTP_TRANSFER_ENCODING" in request.environ


def require_json() -> None:
    """A body must be JSON and say so: a form posted by a foreign page is refused before it is read.

    Raises 415 for another type, 413 for a body over 64 KiB (in chunks: from there on), 400 for one that is not JSON.
    """
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    if not _has_body():
        return
    if request.content_length is None and not request.get_data(cache=True):
        return
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    _check(_whole(MAX_BODY_BYTES))


def read_file(most: int) -> bytes:
    """A body that is no JSON, of fewer than `most` bytes. Raises 413."""
    if (request.content_length or 0) >= most:
        raise RequestEntityTooLarge
    request.max_content_length = most
    return _whole(most)


def _whole(most: int) -> bytes:
    """The body, of which nothing is missing. Raises 413."""
    body = request.get_data(cache=True)
    if request.content_length is None and len(body) >= most:
        # One that comes in chunks is cut off there, and what is left of it may read as a body of another meaning.
        raise RequestEntityTooLarge
    return body


class BodyParser(FlaskParser):
    """Gives the schemas what `require_json` has read, and does not read it again."""

    def load_json(self, req: flask.Request, schema: Schema) -> Any:
        return req.get_json() if _has_body() and req.get_data(cache=True) else missing


def _check(body: bytes) -> None:
    try:
        read = request.get_json()
        # A key has a colon, so fewer keys than colons is the least a repeated one must show: only then look closer.
        if _keys(read) < body.count(b":"):
            json.loads(body, object_pairs_hook=_once)
    except (BadRequest, ValueError, RecursionError):
        # The parser's own words quote the body, which may hold a code or a password.
        raise MalformedJson from None


def _keys(read: Any) -> int:
    if isinstance(read, dict):
        return len(read) + sum(map(_keys, read.values()))
    return sum(map(_keys, read)) if isinstance(read, list) else 0


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a key stands twice")
    return read
