"""`/preview/`: there only when a setting asks for it, and unable to talk to anything but us and the sandbox."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

import wsgi
from app import settings
from consoles.preview.pages import DIST
from demo import configuration, keys
from demo.folder import Folder
from web.guards import is_guarded, open_blueprints

SANDBOX = "http://127.0.0.1:8001"


@pytest.fixture(scope="module")
def preview(given_settings: settings.Settings) -> FlaskClient:
    """With a path behind the sandbox's address, which a browser does not count as part of the origin."""
    return wsgi.create_app(replace(given_settings, preview_sandbox_url=f"{SANDBOX}/behind")).test_client()


def test_without_the_setting_there_is_no_preview(given_settings: settings.Settings) -> None:
    client = wsgi.create_app(given_settings).test_client()

    for path in ("/", "/preview", "/preview/", "/preview/config.json", "/preview/mp.js"):
        assert client.get(path).status_code == 404


def test_every_file_of_the_bundle_is_served_as_what_it_is(preview: FlaskClient) -> None:
    types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
    files = [file for file in DIST.rglob("*") if file.is_file()]

    assert len(files) > 4
    for file in files:
        answer = preview.get(f"/preview/{file.relative_to(DIST).as_posix()}")
        assert answer.data == file.read_bytes()
        assert answer.mimetype == types.get(file.suffix, "text/plain")
        answer.close()


def test_the_page_learns_where_the_sandbox_is_and_may_talk_to_nothing_else(
    preview: FlaskClient, given_settings: settings.Settings
) -> None:
    with preview.get("/preview/") as page:
        policy = page.headers["Content-Security-Policy"]

    told = preview.get("/preview/config.json").json
    assert told == {"sandbox": SANDBOX, "brand": given_settings.brand_name}
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
        f" connect-src 'self' {SANDBOX}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def test_the_text_the_demo_asks_to_agree_to_can_be_opened_and_says_that_it_is_a_sample(
    preview: FlaskClient, tmp_path: Path
) -> None:
    known = keys.load_or_make(Folder(tmp_path))
    given = configuration.product(
        known,
        database_url="",
        redis_url=None,
        sandbox_url=SANDBOX,
        app_url="http://127.0.0.1:8000",
        pay_keys={},
        mail_port=1025,
    )
    with preview.get(urlsplit(given["POLICY_URL"]).path) as answer:
        page = answer.get_data(as_text=True)

    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    for words in ("示例文本", "会员服务与隐私政策", "Sample text", "Terms and privacy policy"):
        assert words in page


def test_the_slash_at_the_end_is_put_there_for_those_who_forget_it(preview: FlaskClient) -> None:
    answer = preview.get("/preview?user=alice")

    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/preview/?user=alice")


def test_the_bare_address_leads_to_the_preview(preview: FlaskClient) -> None:
    answer = preview.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/preview/")


@pytest.mark.parametrize(
    "name", ["../build.mjs", "%2e%2e/build.mjs", "..%2fbuild.mjs", "%00", "/etc/passwd", "assets"]
)
def test_nothing_beside_the_bundle_is_served(preview: FlaskClient, name: str) -> None:
    assert preview.get(f"/preview/{name}", follow_redirects=True).status_code == 404


def test_it_is_open_on_purpose() -> None:
    for name in ("preview", "preview_entrance"):
        assert not is_guarded(name)
        assert name in open_blueprints()
