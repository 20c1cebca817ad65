"""The interface as a page, in a real browser: nothing is blocked, nothing complains, every operation is listed."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.browsers import PATIENCE_MS, chromium, serious
from tests.web.test_openapi_document import operations
from web import document as openapi

#: Of two groups.
_FEW = {"/api/v1/config", "/api/v1/me", "/api/v1/me/email"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose every complaint, a blocked style or script among them, fails the test."""
    complaints: list[str] = []
    page = browser.new_page(base_url=address, locale="zh-CN")
    page.set_default_timeout(PATIENCE_MS)
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on(
        "request",
        lambda request: (
            complaints.append(request.url)
            if address not in request.url and not request.url.startswith("data:")
            else None
        ),
    )
    yield page
    page.close()
    assert complaints == []


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize("whole", [False, True])
def test_the_page_lists_every_operation_tries_one_and_keeps_no_token(
    app: Flask, page: Page, whole: bool
) -> None:
    everything = openapi.document(app)
    if not whole:
        # Chromium takes many seconds to draw the interface as it is.
        few = {path: item for path, item in everything["paths"].items() if path in _FEW}
        assert set(few) == _FEW
        everything = {**everything, "paths": few}
        used = {tag for _, one in operations(everything) for tag in one["tags"]}
        everything["tags"] = [tag for tag in everything["tags"] if tag["name"] in used]
        page.route("**/openapi.json", lambda route: route.fulfill(json=everything))
    page.goto("/docs")
    groups = page.locator(".opblock-tag")
    expect(groups).to_have_count(len({tag for _, one in operations(everything) for tag in one["tags"]}))
    [name] = next(one["tags"] for path, one in operations(everything) if path == "get /api/v1/config")
    own = [path for path, one in operations(everything) if one["tags"] == [name]]
    page.locator(f'.opblock-tag[data-tag="{name}"]').click()
    expect(page.locator(".opblock")).to_have_count(len(own))
    page.get_by_role("button", name="GET /api/v1/config", exact=False).first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text("policy_version")
    page.locator(".btn.authorize").first.click()
    page.locator("#auth-bearer-value").first.fill("a-token-typed-into-the-page")
    page.locator(".auth-btn-wrapper .btn.authorize").first.click()
    kept = page.evaluate(
        "() => JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie"
    )
    assert kept == "{}{}"


@pytest.mark.browser
def test_an_error_code_is_found_by_its_address(page: Page) -> None:
    page.goto("/docs/errors#busy")
    row = page.locator("tr:target")
    expect(row).to_contain_text("系统正忙")
    expect(row).to_be_in_viewport()
    assert serious(page) == []


def test_pages_speak_the_readers_language(app: Flask) -> None:
    client = app.test_client()
    assert 'lang="en"' in client.get("/docs/errors", headers={"Accept-Language": "en"}).text
    chinese = client.get("/docs/errors")
    assert 'lang="zh-Hans"' in chinese.text
    assert "Accept-Language" in chinese.headers["Vary"]


def test_names_of_fields_are_shown_as_such(app: Flask) -> None:
    page = app.test_client().get("/docs/errors", headers={"Accept-Language": "en"}).text
    assert "see <code>fields</code>." in page
    assert "`" not in page
    # What a summary holds is not taken for Markdown.
    assert [one["summary"] for _, one in operations(openapi.document(app)) if "`" in one["summary"]] == []


def test_only_the_files_of_the_page_are_handed_out(app: Flask) -> None:
    client = app.test_client()
    for name in ("LICENSE", "NOTICE", "../__init__.py", "%2e%2e/__init__.py", "MANIFEST.json"):
        assert client.get(f"/docs/assets/{name}").status_code == 404
    with client.get("/docs/assets/swagger-ui-bundle.js") as script:
        assert script.content_type.startswith("text/javascript")


def test_no_page_holds_script_or_style_of_its_own(app: Flask) -> None:
    for path in ("/docs", "/docs/errors"):
        page = app.test_client().get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count("<script src=")
