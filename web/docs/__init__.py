"""The interface, to read and to try in a browser: /docs, the document itself, and what each error code means."""

from functools import lru_cache
from pathlib import Path

import orjson
from flask import Blueprint, Flask, Response, current_app, render_template, send_from_directory
from werkzeug.exceptions import NotFound

from app.texts.errors import ERRORS
from web.document import document
from web.guards import opened
from web.headers import page_policy
from web.language import language

_HERE = Path(__file__).resolve().parent / "assets"
_SWAGGER = Path(__file__).resolve().parents[2] / "consoles" / "static" / "vendor" / "swagger-ui-dist"
#: File → (folder, type). A closed list: nothing else of those folders is anybody's business.
_ASSETS = {
    "docs.css": (_HERE, "text/css"),
    "docs.js": (_HERE, "text/javascript"),
    "icon.svg": (_HERE, "image/svg+xml"),
    "swagger-ui.css": (_SWAGGER, "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER, "text/javascript"),
}

blueprint = Blueprint("docs", __name__)
opened(blueprint, "what the interface looks like is no secret; calling it needs a token")


@blueprint.get("/docs")
def show() -> str:
    """The interface as a page."""
    return render_template("docs/api.html", language=language())


@blueprint.get("/docs/errors")
def errors() -> str:
    """Every error code and its text; problem documents point here."""
    return render_template("docs/errors.html", language=language(), errors=sorted(ERRORS.items()))


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The document."""
    return Response(_rendered(current_app._get_current_object()), mimetype="application/json")  # type: ignore[attr-defined]


@blueprint.get("/docs/assets/<name>")
def asset(name: str) -> Response:
    if name not in _ASSETS:
        raise NotFound
    folder, mimetype = _ASSETS[name]
    return send_from_directory(folder, name, mimetype=mimetype)


@blueprint.after_request
def finish(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = page_policy()
        response.headers.add("Vary", "Accept-Language")
    return response


@lru_cache(maxsize=4)
def _rendered(app: Flask) -> bytes:
    """Routes do not change while the process runs."""
    return orjson.dumps(document(app))
