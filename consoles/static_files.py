"""Styles, scripts and pictures. Addresses carry a hash of the file, so that browsers may keep them for a year."""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory
from werkzeug.security import safe_join

from web.guards import opened

ROOT = Path(__file__).resolve().parent / "static"
_A_YEAR_S = 365 * 24 * 3600
#: Said here and not left to the operating system's table: a browser refuses a module or a WASM of another type.
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".json": "application/json",
}

blueprint = Blueprint("static_files", __name__, url_prefix="/static")
opened(blueprint, "styles and scripts are the same for everybody and are needed to show the sign-in page")


@blueprint.get("/<path:name>")
def serve(name: str) -> Response:
    """One file; kept by browsers when the address names its content, else checked for changes each time."""
    response = send_from_directory(ROOT, name, mimetype=_TYPES.get(Path(name).suffix, "text/plain"))
    asked = request.args.get("v")
    if asked is not None and asked == _version_of(name):
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR_S}, immutable"
    return response


def static_url(name: str) -> str:
    """The address of a file of ours with its content's hash. Raises `FileNotFoundError` for one that is not there."""
    version = _version_of(name)
    if version is None:
        raise FileNotFoundError(name)
    return f"/static/{name}?v={version}"


def _version_of(name: str) -> str | None:
    path = safe_join(str(ROOT), name)
    if path is None or not Path(path).is_file():
        return None
    return _hash(path, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _hash(path: str, _changed_at_ns: int) -> str:
    """The modification time is part of the question, so that an edited file gets a new address at once."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]
