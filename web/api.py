"""The OpenAPI document, and the plumbing that keeps flask-smorest to our rules."""

from threading import Lock
from typing import Any

import orjson
from flask import Blueprint as PlainBlueprint
from flask import Flask, Response
from flask.json.provider import JSONProvider
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from web.bodies import MAX_BODY_BYTES, BodyParser, require_json
from web.errors import http_refused
from web.schemas import Problem


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """Routes of a face, documented; their bodies are read once, by our rules."""

    ARGUMENTS_PARSER = BodyParser()
    #: Its bodies are no JSON: whoever reads one says how much of it (`web.bodies.read_file`).
    takes_files = False


class OurApi(Api):  # type: ignore[misc]
    """flask-smorest with our problem documents in place of its own, and our rules for bodies."""

    ERROR_SCHEMA = Problem

    def __init__(self, app: Flask) -> None:
        self._undocumented: list[SmorestBlueprint] = []
        self._documenting = Lock()
        super().__init__(app)

    def handle_http_exception(self, error: HTTPException) -> Response:
        return http_refused(error)

    def register_blueprint(self, blueprint: PlainBlueprint, **options: Any) -> None:
        """Register a face's blueprint; its bodies are looked at after its guard let the request pass.

        Its routes are documented when somebody asks: that takes longer than all else here, and workers, commands and
        most servers never ask.
        """
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint, **options)
        if not getattr(blueprint, "takes_files", False):
            self._app.before_request_funcs.setdefault(blueprint.name, []).append(require_json)
        self._undocumented.append(blueprint)

    def gathered(self) -> dict[str, Any]:
        """What the routes say of themselves, as OpenAPI."""
        with self._documenting:
            for blueprint in self._undocumented:
                blueprint.register_views_in_doc(
                    self, self._app, self.spec, name=blueprint.name, parameters=None
                )
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
            self._undocumented.clear()
            spec: dict[str, Any] = self.spec.to_dict()
        return spec


class RowNumber(IntegerConverter):
    """Numbers in addresses that a database column can hold; a larger one is an address that is not there.

    The pattern says so: a number that is refused only later answers 405 where several methods share an address.
    """

    regex = r"\d{1,18}"

    def __init__(
        self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int | None = None
    ) -> None:
        super().__init__(map, fixed_digits, min, 10**18 - 1 if max is None else max)


class OrjsonProvider(JSONProvider):
    """orjson refuses NaN and duplicates nothing; `str` for the rare type it does not know."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, default=str, option=orjson.OPT_UTC_Z).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), default=str, option=orjson.OPT_UTC_Z)
        return Response(body, mimetype="application/json")


def install(app: Flask) -> OurApi:
    """Configure JSON, body size and the document; returns the Api that faces register on."""
    app.json = OrjsonProvider(app)
    app.url_map.converters["int"] = RowNumber
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
