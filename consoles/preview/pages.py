"""Serves the committed bundle of `preview/dist`, and tells it where the stand-in for WeChat is."""

from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, redirect, send_from_directory, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.guards import opened
from web.parts import parts

DIST = Path(__file__).resolve().parents[2] / "preview" / "dist"
#: Narrower than the policy of our own pages: no form leaves it, nothing is played, no worker runs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self' {sandbox}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
#: Said here and not left to the operating system's table: a browser refuses a script of another type.
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".png": "image/png"}

blueprint = Blueprint("preview", __name__, url_prefix="/preview")
opened(
    blueprint, "a phone's software is the same for everybody, and who holds the phone logs in through the API"
)


#: The bare address, which people type when they try the product out; in production it is nothing.
entrance = Blueprint("preview_entrance", __name__)
opened(entrance, "it leads to the preview and tells nothing")


@entrance.get("/")
def to_preview() -> AnyResponse:
    """On to the page there is to see."""
    return redirect(url_for("preview.index"), 302)


@blueprint.get("/")
def index() -> Response:
    """The page; its files and config.json lie beside it, so the slash at the end matters."""
    return send_from_directory(DIST, "index.html")


@blueprint.get("/<path:name>")
def file(name: str) -> Response:
    """One file of the bundle."""
    return send_from_directory(DIST, name, mimetype=_TYPES.get(Path(name).suffix, "text/plain"))


@blueprint.get("/config.json")
def config() -> Response:
    """Where the stand-in for WeChat is, and whose mini-program this is: WeChat knows, a browser does not."""
    return jsonify(sandbox=_sandbox_origin(), brand=parts().settings.brand_name)


@blueprint.after_request
def finish(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY.format(sandbox=_sandbox_origin())
    return response


def _sandbox_origin() -> str:
    """Scheme, host and port of the setting: what the browser calls an origin."""
    url = urlsplit(parts().settings.preview_sandbox_url or "")
    return f"{url.scheme}://{url.netloc}"
