"""Signing in at the till page, and whose forms it takes."""

import base64

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.staff import accounts
from app.staff.roles import Grant
from app.stores import setup
from tests.conftest import rows
from tests.consoles.visitor import SITE, Visitor, hidden
from tests.shop import BOSS, PASSWORD, Shop

WRONG = "账号或密码不正确。"


@pytest.fixture
def mei(shop: Shop) -> accounts.StaffView:
    shop.person("chief", Grant("admin", None))
    return shop.person("mei", Grant("clerk", shop.store.id))


@pytest.fixture
def visitor(shop: Shop) -> Visitor:
    return Visitor(shop.app)


def test_a_clerk_signs_in_and_sees_store_till_and_name(visitor: Visitor, mei: accounts.StaffView) -> None:
    answer = visitor.sign_in("mei")
    assert (answer.status_code, answer.location) == (303, "/till/")
    page = visitor.get("/till/").text
    assert "门店 S001 · T1" in page
    assert "Mei" in page


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    visitor: Visitor, mei: accounts.StaffView
) -> None:
    [cookie] = [
        c for c in visitor.sign_in("mei").headers.getlist("Set-Cookie") if c.startswith("__Host-till=")
    ]
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_the_till_of_last_time_is_offered_again(
    visitor: Visitor, mei: accounts.StaffView, shop: Shop
) -> None:
    shop.add_till("S001", "T2")
    visitor.sign_in("mei", place="S001.T2")
    visitor.forget_session()
    page = visitor.get("/till/sign-in").text
    assert (hidden(page, "store"), hidden(page, "terminal")) == ("S001", "T2")


@pytest.mark.parametrize("path", ["/till/sign-in", "/till/"])
def test_a_bookmark_can_name_the_till(visitor: Visitor, mei: accounts.StaffView, path: str) -> None:
    page = visitor.get(f"{path}?store=S001&terminal=T7", follow_redirects=True).text
    assert (hidden(page, "store"), hidden(page, "terminal")) == ("S001", "T7")


def test_codes_may_be_typed_in_small_letters(visitor: Visitor, mei: accounts.StaffView) -> None:
    assert visitor.sign_in("mei", place="s001.t1").status_code == 303
    assert "门店 S001 · T1" in visitor.get("/till/").text


def test_which_stores_and_tills_there_are_is_told_to_nobody(
    visitor: Visitor, mei: accounts.StaffView, shop: Shop
) -> None:
    shop.add_till("S001", "T2")
    for page in (
        visitor.get("/till/sign-in").text,
        visitor.refused("mei", "not the password", place="S001.T9"),
    ):
        assert "门店 S001" not in page
        assert "T2" not in page


def test_unknown_logins_wrong_passwords_and_disabled_people_get_one_answer(
    visitor: Visitor, mei: accounts.StaffView, shop: Shop
) -> None:
    gone = shop.person("gone", Grant("clerk", shop.store.id))
    disable(gone)
    for login, password in (("mei", "not the password"), ("nobody", "not the password"), ("gone", PASSWORD)):
        assert WRONG in visitor.refused(login, password)
        assert visitor.client.get_cookie("__Host-till", domain="till.shop.test") is None


def test_the_password_never_comes_back(visitor: Visitor, mei: accounts.StaffView) -> None:
    answer = visitor.sign_in("mei", "not the password")
    [kept] = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-till-said=")]
    brought = base64.urlsafe_b64decode(kept.partition("=")[2].partition(";")[0] + "==")
    assert b'"login":"mei"' in brought
    assert b"password" not in brought
    assert "not the password" not in answer.text + visitor.get("/till/sign-in").text


def test_a_refused_form_answers_with_a_redirect_and_its_address_tells_nothing(
    visitor: Visitor, mei: accounts.StaffView
) -> None:
    answer = visitor.sign_in("mei", "not the password")
    assert (answer.status_code, answer.location) == (303, "/till/sign-in")
    page = visitor.get("/till/sign-in").text
    assert WRONG in page
    assert [hidden(page, name) for name in ("store", "terminal", "login")] == ["S001", "T1", "mei"]
    assert WRONG not in visitor.get("/till/sign-in").text


@pytest.mark.parametrize("value", ["", "x", "e30", "bm90IGpzb24", "eyJyZWFzb24iOjF9", "早"])
def test_a_cookie_that_is_not_ours_says_nothing(visitor: Visitor, value: str) -> None:
    visitor.client.set_cookie("__Host-till-said", value, domain="till.shop.test")
    assert 'id="fault"' not in visitor.get("/till/sign-in").text


def test_whoever_is_signed_in_goes_on_to_the_till(clerk: Visitor) -> None:
    answer = clerk.get("/till/sign-in")
    assert (answer.status_code, answer.location) == (303, "/till/")
    clerk.forget_session()
    assert clerk.get("/till/sign-in").status_code == 200


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(
    visitor: Visitor, mei: accounts.StaffView
) -> None:
    for _ in range(5):
        assert WRONG in visitor.refused("mei", "not the password")
    assert "15 分钟" in visitor.refused("mei")


def test_guests_who_fail_from_the_shop_s_address_do_not_lock_its_till(
    visitor: Visitor, mei: accounts.StaffView, shop: Shop
) -> None:
    visitor.sign_in("mei")
    visitor.forget_session()
    guest = Visitor(shop.app)
    for _ in range(5):
        guest.refused("mei", "not the password")
    assert "15 分钟" in guest.refused("mei")
    assert visitor.sign_in("mei").location == "/till/"


def test_a_clerk_of_another_store_is_turned_away_as_if_there_were_no_such_till(
    visitor: Visitor, shop: Shop
) -> None:
    other = shop.open_store("S002")
    shop.person("bo", Grant("clerk", other.id))
    told = visitor.refused("bo", place="S001.T1")
    assert "您没有在那里收银的权限" in told
    assert told == visitor.refused("bo", place="S009.T1").replace("S009", "S001")


def test_whoever_may_sell_nowhere_is_told_so_and_the_till_is_not_blamed(visitor: Visitor, shop: Shop) -> None:
    shop.person("max", Grant("marketer", None))
    told = visitor.refused("max", place="S001.T1")
    assert "您的账号没有收银权限" in told
    assert "没有这个收银台" not in told
    assert "您的账号没有收银权限" in visitor.refused("max", place="S009.T1")


@pytest.mark.parametrize("place", ["S001.T9", "S009.T1", "", ".", "S001"])
def test_a_till_that_is_not_there_is_said_so(visitor: Visitor, mei: accounts.StaffView, place: str) -> None:
    assert "没有这个收银台" in visitor.refused("mei", place=place)


@pytest.mark.parametrize("login", ["x" * 41, "me\0i", "me\ni"])
def test_a_login_that_cannot_be_one_is_a_wrong_login(
    visitor: Visitor, mei: accounts.StaffView, login: str
) -> None:
    assert WRONG in visitor.refused(login)


def test_over_plain_http_nobody_can_sign_in(shop: Shop, mei: accounts.StaffView) -> None:
    visitor = Visitor(shop.app, "http://till.shop.test")
    page = visitor.get("/till/sign-in")
    assert "https://" in page.text
    assert 'type="password"' not in page.text
    answer = visitor.post(
        "/till/sign-in", {"login": "mei", "password": PASSWORD, "store": "S001", "terminal": "T1"}
    )
    assert answer.status_code == 403
    assert "__Host-till=" not in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("site", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_on_the_machine_itself_plain_http_will_do(app: Flask, site: str) -> None:
    assert "不能登录" not in Visitor(app, site).get("/till/sign-in").text


def test_the_sign_in_form_of_another_browser_is_refused(
    visitor: Visitor, mei: accounts.StaffView, shop: Shop
) -> None:
    foreign_token = hidden(Visitor(shop.app).get("/till/sign-in").text, "csrf_token")
    visitor.get("/till/sign-in")
    data = {
        "login": "mei",
        "password": PASSWORD,
        "store": "S001",
        "terminal": "T1",
        "csrf_token": foreign_token,
    }
    assert visitor.post("/till/sign-in", data).status_code == 403


def test_a_sign_in_form_without_token_is_refused(visitor: Visitor, mei: accounts.StaffView) -> None:
    data = {"login": "mei", "password": PASSWORD, "store": "S001", "terminal": "T1"}
    assert visitor.post("/till/sign-in", data).status_code == 403


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": None, "Origin": "https://evil.test"},
    {"Sec-Fetch-Site": None, "Origin": "null"},
    {"Sec-Fetch-Site": None, "Origin": None},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_forms_that_other_sites_send_are_refused(
    visitor: Visitor, mei: accounts.StaffView, headers: dict[str, str | None]
) -> None:
    assert visitor.sign_in("mei", headers=headers).status_code == 403


def test_an_older_browser_that_only_tells_the_origin_may_sign_in(
    visitor: Visitor, mei: accounts.StaffView
) -> None:
    assert visitor.sign_in("mei", headers={"Sec-Fetch-Site": None, "Origin": SITE}).status_code == 303


@pytest.mark.parametrize("headers", FOREIGN)
def test_at_the_till_too_forms_that_other_sites_send_are_refused(
    clerk: Visitor, headers: dict[str, str | None]
) -> None:
    data = {"csrf_token": clerk.csrf_token()}
    assert clerk.post("/till/sign-out", data, headers=headers).status_code == 403
    assert clerk.get("/till/").status_code == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "早"])
def test_a_form_without_the_session_s_token_is_refused(clerk: Visitor, token: str) -> None:
    data = {"code": "1", "scan_key": "k" * 20, "csrf_token": token}
    answer = clerk.post("/till/scans", data, headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert "页面已过期" in answer.text


def test_the_token_of_a_former_session_is_refused(clerk: Visitor) -> None:
    former = clerk.csrf_token()
    clerk.forget_session()
    clerk.sign_in("mei")
    assert clerk.post("/till/sign-out", {"csrf_token": former}).status_code == 403


def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page(visitor: Visitor) -> None:
    whole = visitor.get("/till/")
    assert (whole.status_code, whole.location) == (303, "/till/sign-in")
    piece = visitor.htmx("/till/ready")
    assert (piece.status_code, piece.headers["HX-Redirect"]) == (401, "/till/sign-in")


def test_whoever_has_only_just_come_is_told_nothing(visitor: Visitor) -> None:
    visitor.get("/till/")
    assert 'id="fault"' not in visitor.get("/till/sign-in").text


def test_a_token_of_the_back_office_opens_no_till(clerk: Visitor) -> None:
    token = clerk.client.post("/office/v1/login", json={"login": "mei", "password": PASSWORD}).json["token"]
    clerk.client.set_cookie("__Host-till", token, domain="till.shop.test")
    assert clerk.get("/till/").status_code == 303


def test_signing_out_ends_the_session_for_good(clerk: Visitor) -> None:
    session = clerk.client.get_cookie("__Host-till", domain="till.shop.test")
    assert session is not None
    assert clerk.post("/till/sign-out", {"csrf_token": clerk.csrf_token()}).location == "/till/sign-in"
    assert clerk.client.get_cookie("__Host-till", domain="till.shop.test") is None
    clerk.client.set_cookie("__Host-till", session.value, domain="till.shop.test")
    assert clerk.get("/till/").status_code == 303


def test_a_disabled_clerk_is_out_with_the_next_request(clerk: Visitor) -> None:
    disable(accounts.by_login("mei"))
    assert clerk.get("/till/").location == "/till/sign-in"
    assert "登录已失效" in clerk.get("/till/sign-in").text
    assert clerk.htmx("/till/ready").headers["HX-Redirect"] == "/till/sign-in"


@pytest.mark.parametrize("how", ["disabled", "cookies gone"])
def test_thrown_out_while_selling_one_is_told_what_became_of_the_sale(
    clerk: Visitor, engine: Engine, how: str
) -> None:
    piece, token = clerk.htmx("/till/sale").text, clerk.csrf_token()
    if how == "disabled":
        disable(accounts.by_login("mei"))
    else:
        clerk.forget_session()
    clerk.csrf_token = lambda: token  # type: ignore[method-assign]  # of the page that is still open
    answer = clerk.sell(piece, "30")
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/till/sign-in")
    assert rows(engine, "SELECT count(*) FROM sales") == [(0,)]
    page = clerk.get("/till/sign-in").text
    assert "刚才这次提交没有记录" in page
    assert "那一次可能已经记录" in page  # an earlier try, whose answer was lost
    assert "登录已失效" not in clerk.get("/till/sign-in").text


def test_a_clerk_who_lost_the_store_is_told_so_with_the_next_request(clerk: Visitor, shop: Shop) -> None:
    other = shop.open_store("S002")
    person = accounts.by_login("mei")
    accounts.change(
        staff_id=person.id,
        version=person.version,
        name=None,
        status=None,
        grants=(Grant("clerk", other.id),),
        boss=BOSS,
        now=clock.now(),
    )
    answer = clerk.get("/till/")
    assert answer.status_code == 403
    assert "没有权限" in answer.text
    assert "/till/sign-in" in answer.text


def test_the_language_switch_is_remembered(visitor: Visitor) -> None:
    assert 'lang="zh-Hans-CN"' in visitor.get("/till/sign-in").text
    assert visitor.post("/till/language/en", {}).status_code == 303
    page = visitor.get("/till/sign-in", headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="en">' in page
    assert "Sign in at the till" in page


def test_there_is_no_third_language(visitor: Visitor) -> None:
    assert visitor.post("/till/language/fr", {}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "shown"), [("en-US,en", "Sign in at the till"), ("zh-CN", "收银台登录"), ("fr", "收银台登录")]
)
def test_without_a_choice_the_browser_s_language_counts(visitor: Visitor, asked: str, shown: str) -> None:
    assert shown in visitor.get("/till/sign-in", headers={"Accept-Language": asked}).text


def test_what_an_address_brings_is_text_and_not_markup(visitor: Visitor) -> None:
    page = visitor.get('/till/sign-in?store="><img src=x>&terminal=T1').text
    assert "<img" not in page
    assert "&lt;img src=x&gt;" in page


def test_names_of_stores_are_text_and_not_markup(visitor: Visitor, shop: Shop) -> None:
    setup.open_store(
        code="X1", name="<img src=x>", time_zone="Asia/Shanghai", actor=OPERATOR, now=clock.now()
    )
    shop.add_till("X1", "T1")
    shop.person("chief", Grant("admin", None))
    visitor.sign_in("chief", place="X1.T1")
    page = visitor.get("/till/").text
    assert "<img" not in page
    assert "&lt;img src=x&gt;" in page


def disable(person: accounts.StaffView) -> None:
    accounts.change(
        staff_id=person.id,
        version=person.version,
        name=None,
        status="disabled",
        grants=None,
        boss=BOSS,
        now=clock.now(),
    )
