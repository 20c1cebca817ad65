"""Scanning on the till page: who is shown, and each refusal's screen."""

import pytest

from app import clock
from app.checkout.member_code import renew
from tests.consoles.visitor import Visitor, hidden
from tests.shop import Phone, Shop


@pytest.fixture
def member(shop: Shop) -> Phone:
    return shop.member("张小明")


def test_a_scan_shows_the_masked_name_tier_points_and_balance(
    clerk: Visitor, shop: Shop, member: Phone
) -> None:
    shop.earn(member, 1280)
    answer = clerk.scan(shop.code(member))
    assert answer.status_code == 200
    for words in ("会员有效", "张**", "普通会员", "1,280", "¥0.00"):
        assert words in answer.text
    assert "小明" not in answer.text


def test_in_english_too(clerk: Visitor, shop: Shop, member: Phone) -> None:
    clerk.post("/till/language/en", {})
    page = clerk.scan(shop.code(member)).text
    assert "Member confirmed" in page
    assert "Points" in page


def test_a_member_without_a_name_is_shown_as_such(clerk: Visitor, shop: Shop) -> None:
    assert "未填姓名" in clerk.scan(shop.code(shop.member(""))).text


def test_a_name_is_text_and_not_markup(clerk: Visitor, shop: Shop) -> None:
    page = clerk.scan(shop.code(shop.member("<script>alert(1)</script>"))).text
    assert "&lt;***" in page
    assert "<***" not in page
    assert "alert" not in page


def test_the_code_stands_in_no_answer(clerk: Visitor, shop: Shop, member: Phone) -> None:
    code = shop.code(member)
    assert code not in clerk.scan(code).text
    assert code not in clerk.scan(code, "another-key-of-a-form").text


def test_the_same_form_sent_twice_is_one_scan(clerk: Visitor, shop: Shop, member: Phone) -> None:
    code = shop.code(member)
    first, second = (clerk.scan(code) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert hidden(first.text, "ticket") == hidden(second.text, "ticket")


def test_the_next_code_in_the_same_form_is_another_scan(clerk: Visitor, shop: Shop, member: Phone) -> None:
    clerk.scan(shop.code(member))
    assert "李*" in clerk.scan(shop.code(shop.member("李雷"))).text


def test_a_code_that_was_used_before(clerk: Visitor, shop: Shop, member: Phone) -> None:
    code = shop.code(member)
    shop.till.scan(code)
    assert_screen(clerk.scan(code), 409, "code_replayed", "tone-used", "已使用")


def test_a_code_that_has_expired(clerk: Visitor, shop: Shop, member: Phone) -> None:
    assert_screen(clerk.scan(shop.code(member, steps=-5)), 410, "code_expired", "tone-used", "已过期")


def test_a_code_whose_time_has_not_come(clerk: Visitor, shop: Shop, member: Phone) -> None:
    assert_screen(clerk.scan(shop.code(member, steps=5)), 422, "code_not_yet", "tone-used", "未到时间")


def test_a_code_that_was_withdrawn(clerk: Visitor, shop: Shop, member: Phone) -> None:
    now = clock.now()
    code = shop.code(member, at=now, steps=-1)
    renew(issuer=shop.parts.issuer, member_id=member.member_id, now=now)
    assert_screen(clerk.scan(code), 410, "code_revoked", "tone-used", "已作废")


@pytest.mark.parametrize(
    "code", ["", "123", "x" * 5000, "６９０１２３４５６７８９２", "' OR 1=1 --", "\0" * 20]
)
def test_what_is_no_member_code(clerk: Visitor, code: str) -> None:
    assert_screen(clerk.scan(code), 422, "code_malformed", "tone-bad", "不是会员码")


def test_an_invented_code(clerk: Visitor, shop: Shop, member: Phone) -> None:
    other = shop.code(shop.member("李雷"))
    invented = "90" + "0" + other[3:12] + shop.code(member)[12:19]
    digits = [invented + str(last) for last in range(10)]
    answers = [clerk.scan(code) for code in digits]
    forged = [answer for answer in answers if answer.status_code == 410 or "code_forged" in answer.text]
    assert len(forged) == 1


def test_a_payment_code_has_a_screen_of_its_own_and_is_not_repeated(clerk: Visitor) -> None:
    answer = clerk.scan("134567890123456789")
    assert_screen(answer, 422, "payment_code", "tone-pay", "这是付款码")
    assert "134567890123456789" not in answer.text


def test_a_till_that_guesses_has_to_wait(clerk: Visitor, shop: Shop, member: Phone) -> None:
    for _ in range(20):
        assert clerk.scan(shop.code(shop.member(), steps=5)).status_code == 422
    answer = clerk.scan(shop.code(member))
    assert_screen(answer, 429, "too_many_requests", "tone-wait", "请稍候")
    assert "5 分钟" in answer.text
    assert answer.headers["Retry-After"] == "300"


def test_a_refusal_covers_the_page_instead_of_replacing_it(clerk: Visitor) -> None:
    answer = clerk.scan("123")
    assert answer.headers["HX-Retarget"] == "#overlay"
    assert 'role="alert"' in answer.text or "<dialog" in answer.text


def test_without_htmx_a_refusal_is_a_page(clerk: Visitor) -> None:
    data = {"code": "123", "scan_key": "scan-key-of-a-form-1", "csrf_token": clerk.csrf_token()}
    answer = clerk.post("/till/scans", data)
    assert answer.status_code == 422
    assert answer.mimetype == "text/html"
    assert "<!doctype html>" in answer.text
    assert "不是会员码" in answer.text


@pytest.mark.parametrize("key", ["", "short", "with space in the key", "键" * 20, "k" * 65])
def test_a_key_the_page_did_not_make_is_refused(clerk: Visitor, shop: Shop, member: Phone, key: str) -> None:
    assert clerk.scan(shop.code(member), key).status_code == 422


def test_a_scan_during_a_sale_keeps_what_was_typed(clerk: Visitor, shop: Shop, member: Phone) -> None:
    page = clerk.htmx("/till/sale").text
    kept = {name: hidden(page, name) for name in ("sale_key", "receipt_no")}
    answer = clerk.scan(shop.code(member), amount='12.5"><b>', **kept)
    assert hidden(answer.text, "amount") == "12.5&#34;&gt;&lt;b&gt;"
    assert {name: hidden(answer.text, name) for name in kept} == kept


def assert_screen(answer: object, status: int, code: str, tone: str, word: str) -> None:
    """A refusal says what it is in colour, code and word."""
    assert (answer.status_code, answer.mimetype) == (status, "text/html")  # type: ignore[attr-defined]
    text = answer.text  # type: ignore[attr-defined]
    assert f'data-code="{code}"' in text
    assert tone in text
    assert word in text
