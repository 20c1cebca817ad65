"""The `Idempotency-Key` header, for every POST that moves value."""

import hashlib
import re

import orjson
from flask import request

from app import idempotency
from app.errors import Invalid
from web.errors import MissingIdempotencyKey

LONGEST = 200
_FIT = re.compile(rf"[!-~]{{1,{LONGEST}}}")
#: What a hash would give away: there are so few PINs that they can all be tried.
_NOT_HASHED = ("staff_pin",)


class BadIdempotencyKey(Invalid):
    code = "idempotency_key_malformed"


#: How the header stands in the OpenAPI document.
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[!-~]+$"},
    "description": "Made by the caller before the first try; repeating a request with its key has no second effect.",
}


def idempotency_key() -> str:
    """Raises `MissingIdempotencyKey`, or `BadIdempotencyKey` when it is not 1 to 200 visible ASCII characters."""
    key = sent_key()
    if key is None:
        raise MissingIdempotencyKey if request.headers.get("Idempotency-Key") is None else BadIdempotencyKey
    return key


def sent_key() -> str | None:
    """The key, None where there is none that is fit."""
    key = request.headers.get("Idempotency-Key", "")
    return key if _FIT.fullmatch(key) else None


def keyed(scope: str) -> idempotency.Request:
    """The request's key with a hash over route and body, so that the key cannot serve for something else.

    The body as it was sent, not as the schema filled it in: a default that a later version adds must not make another
    request of one that is repeated across the upgrade. A PIN that was left out, or mistyped, can
    be given with the same key. Raises as `idempotency_key`.
    """
    body = request.get_json(silent=True)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in _NOT_HASHED}
    sent = [request.method, request.path, body]
    return idempotency.Request(scope=scope, key=idempotency_key(), hash=content_hash(sent))


def content_hash(sent: object) -> bytes:
    """Over JSON as it was sent; the order of an object's keys does not matter."""
    return hashlib.sha256(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS)).digest()
