"""Styles, scripts and the bar code reader, as browsers get them."""

import json

import pytest
from flask import Flask

from consoles.static_files import ROOT, static_url


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("till.js", "text/javascript"),
        ("till.css", "text/css"),
        ("icons.svg", "image/svg+xml"),
        ("vendor/zxing-wasm/zxing_reader.wasm", "application/wasm"),
    ],
)
def test_files_come_with_the_type_browsers_insist_on(app: Flask, name: str, kind: str) -> None:
    with app.test_client().get(static_url(name)) as answer:
        assert answer.status_code == 200
        assert answer.mimetype == kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_address_with_the_right_hash_is_kept_for_a_year(app: Flask) -> None:
    with app.test_client().get(static_url("till.css")) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("address", ["/static/till.css", "/static/till.css?v=00000000"])
def test_any_other_address_is_checked_each_time(app: Flask, address: str) -> None:
    with app.test_client().get(address) as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["ETag"]


@pytest.mark.parametrize("name", ["nothing.js", "../texts.py", "..%2Ftexts.py", "vendor", "%00"])
def test_nothing_else_can_be_read(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/static/{name}").status_code == 404


def test_an_address_of_a_missing_file_is_noticed_when_the_page_is_made() -> None:
    with pytest.raises(FileNotFoundError):
        static_url("nothing.js")


def test_the_hash_in_the_address_is_the_one_of_the_manifest() -> None:
    manifest = json.loads((ROOT / "vendor" / "MANIFEST.json").read_text())
    for name in ("bootstrap/bootstrap.min.css", "htmx.org/htmx.min.js", "zxing-wasm/zxing_reader.wasm"):
        assert static_url(f"vendor/{name}").endswith(manifest[name]["sha256"][:8])
