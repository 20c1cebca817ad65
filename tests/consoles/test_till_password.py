"""A temporary password opens one page of the till: the one where it is changed."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from app import clock
from app.staff import accounts
from app.staff.roles import Grant
from tests.consoles.till_page import TillPage
from tests.consoles.visitor import Visitor, hidden
from tests.shop import BOSS, PASSWORD, Shop

OWN = "夏天的风 2026 晴"


@pytest.fixture
def temporary(shop: Shop) -> str:
    """The password that was made for Mei, a clerk."""
    shop.person("chief", Grant("admin", None))
    mei = shop.person("mei", Grant("clerk", shop.store.id))
    return accounts.reset_password(staff_id=mei.id, boss=BOSS, now=clock.now())


@pytest.fixture
def newcomer(shop: Shop, temporary: str) -> Visitor:
    """Mei, signed in with it."""
    visitor = Visitor(shop.app)
    assert visitor.sign_in("mei", temporary).status_code == 303
    return visitor


def change(visitor: Visitor, current: str, new: str, again: str | None = None) -> Any:
    token = hidden(visitor.get("/till/password").text, "csrf_token")
    data = {"current": current, "new": new, "again": new if again is None else again, "csrf_token": token}
    return visitor.post("/till/password", data)


def focused(page: str) -> str:
    """The one field that gets the focus."""
    [tag] = [tag for tag in re.findall(r"<input[^>]*>", page) if "autofocus" in tag]
    found = re.search(r'id="(\w+)"', tag)
    assert found is not None
    return found[1]


def test_with_a_temporary_password_everything_leads_to_changing_it(newcomer: Visitor) -> None:
    for path in ("/till/", "/till/ready", "/till/sale"):
        assert (newcomer.get(path).status_code, newcomer.get(path).location) == (303, "/till/password")
    headers = {
        "HX-Request": "true",
        "X-CSRF-Token": hidden(newcomer.get("/till/password").text, "csrf_token"),
    }
    for path in ("/till/scans", "/till/sales"):
        piece = newcomer.post(path, {}, headers=headers)
        assert (piece.status_code, piece.headers["HX-Redirect"]) == (403, "/till/password")
    assert "临时密码" in newcomer.get("/till/password").text


def test_a_password_of_their_own_opens_the_till(newcomer: Visitor, temporary: str, shop: Shop) -> None:
    changed = change(newcomer, temporary, OWN)
    assert (changed.status_code, changed.location) == (303, "/till/")
    assert newcomer.get("/till/").status_code == 200
    assert "账号或密码不正确" in Visitor(shop.app).refused("mei", temporary)
    assert Visitor(shop.app).sign_in("mei", OWN).location == "/till/"


@pytest.mark.parametrize(
    ("current", "new", "again", "said", "at"),
    [
        ("not the password", OWN, OWN, "临时密码不正确", "current"),
        (None, OWN, "夏天的风 2026 雨", "两次输入的新密码不一致", "new"),
        (None, "short", "short", "太简单", "new"),
        (None, None, None, "新密码不能与临时密码相同", "new"),
        ("x" * 5_000, "x" * 5_000, "x" * 5_000, "临时密码不正确", "current"),
    ],
)
def test_what_is_wrong_is_said_and_the_till_stays_shut(
    newcomer: Visitor,
    temporary: str,
    current: str | None,
    new: str | None,
    again: str | None,
    said: str,
    at: str,
) -> None:
    answer = change(newcomer, current or temporary, new or temporary, again or temporary)
    assert answer.status_code == 422
    assert said in answer.text
    assert focused(answer.text) == at
    assert temporary not in answer.text
    assert newcomer.get("/till/").location == "/till/password"


def test_guessing_the_temporary_password_at_an_open_till_has_to_wait(newcomer: Visitor) -> None:
    for _ in range(5):
        assert change(newcomer, "a guess", OWN).status_code == 422
    answer = change(newcomer, "a guess", OWN)
    assert (answer.status_code, "15 分钟" in answer.text) == (429, True)


def test_with_a_temporary_password_one_can_sign_out(newcomer: Visitor) -> None:
    token = hidden(newcomer.get("/till/password").text, "csrf_token")
    assert newcomer.post("/till/sign-out", {"csrf_token": token}).location == "/till/sign-in"
    assert newcomer.get("/till/password").location == "/till/sign-in"


def test_the_form_of_another_session_changes_nothing(newcomer: Visitor, temporary: str) -> None:
    data = {"current": temporary, "new": OWN, "again": OWN, "csrf_token": "0" * 64}
    assert newcomer.post("/till/password", data).status_code == 403


def test_a_clerk_may_change_a_password_of_their_own_too(clerk: Visitor) -> None:
    page = clerk.get("/till/password").text
    assert "当前密码" in page
    assert "取消" in page
    assert "当前密码不正确" in change(clerk, "a guess", OWN).text
    assert change(clerk, PASSWORD, OWN).status_code == 303


def test_without_a_password_of_their_own_there_is_nothing_to_cancel(newcomer: Visitor) -> None:
    page = newcomer.get("/till/password").text
    assert "取消" not in page
    assert "退出" in page


def test_one_s_name_at_the_top_leads_to_the_password_and_back(clerk: Visitor) -> None:
    page = clerk.get("/till/").text
    assert re.search(r'<a [^>]*href="/till/password"[^>]*title="修改密码"[^>]*>[^/]*?<svg', page)
    assert 'href="/till/"' in clerk.get("/till/password").text


def test_an_expired_temporary_password_is_said_to_be_one(shop: Shop) -> None:
    shop.person("chief", Grant("admin", None))
    mei = shop.person("mei", Grant("clerk", shop.store.id))
    long_ago = clock.now() - accounts.TEMPORARY_LIFE
    password = accounts.reset_password(staff_id=mei.id, boss=BOSS, now=long_ago)
    assert "临时密码已过期" in Visitor(shop.app).refused("mei", password)


def test_a_new_clerk_is_led_to_the_till(temporary: str, open_till: Any) -> None:
    till: TillPage = open_till()
    till.page.goto(f"{till.address}/till/?store=S001&terminal=T1")
    till.page.fill("#login", "mei")
    till.page.fill("#password", temporary)
    till.page.keyboard.press("Enter")
    expect(till.page.locator("h1")).to_have_text("设置登录密码")
    assert till.faults() == []
    expect(till.page.locator("#current")).to_be_focused()
    till.page.keyboard.type(temporary)
    till.page.fill("#new", OWN)
    till.page.fill("#again", OWN)
    till.page.keyboard.press("Enter")
    expect(till.page.locator("body[data-listening] [data-stage=ready]")).to_be_visible()
