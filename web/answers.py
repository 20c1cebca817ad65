"""Making answers: a dict out, JSON on the wire."""

from typing import Any

import orjson
from flask import Response


def answer(body: dict[str, Any], status: int = 200) -> Response:
    """A JSON answer, times in UTC with `Z`. The schema at the route documents it; contract tests hold them together."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, mimetype="application/json")


def nothing() -> Response:
    """204: done, and there is nothing to say."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
