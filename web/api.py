"""The OpenAPI document, and the plumbing that keeps flask-smorest to our rules."""

from typing import Any

import orjson
from flask import Flask, Response, request
from flask.json.provider import JSONProvider
from flask_smorest import Api
from marshmallow import fields
from werkzeug.exceptions import HTTPException, UnsupportedMediaType

from web.errors import http_refused
from web.schemas import Strict

MAX_BODY_BYTES = 64 * 1024


class Problem(Strict):
    """RFC 9457. `code` is the stable word to act on; docs/errors.md lists them all."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    fields_ = fields.Dict(data_key="fields", attribute="fields")


class OurApi(Api):  # type: ignore[misc]
    """flask-smorest with our problem documents in place of its own."""

    ERROR_SCHEMA = Problem

    def handle_http_exception(self, error: HTTPException) -> Response:
        return http_refused(error)


class OrjsonProvider(JSONProvider):
    """orjson refuses NaN and duplicates nothing; `str` for the rare type it does not know."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, default=str, option=orjson.OPT_UTC_Z).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), default=str, option=orjson.OPT_UTC_Z)
        return Response(body, mimetype="application/json")


def require_json() -> None:
    """A body must be JSON and say so: a form posted by a foreign page is refused before it is read."""
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body and request.mimetype != "application/json":
        raise UnsupportedMediaType


def install(app: Flask) -> OurApi:
    """Configure JSON, body size and the document; returns the Api that faces register on."""
    app.json = OrjsonProvider(app)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        API_TITLE="Member Center",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {
                "description": "Membership for a chain of shops. Errors are problem documents with a stable `code`;"
                " POSTs that move value take an `Idempotency-Key` header.",
                "license": {"name": "Apache-2.0"},
            },
            "components": {
                "securitySchemes": {
                    "member": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "token of POST /api/v1/login",
                    },
                    "till": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "API key of a point-of-sale machine",
                    },
                    "staff": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "token of POST /office/v1/login",
                    },
                }
            },
        },
    )
    return OurApi(app)
