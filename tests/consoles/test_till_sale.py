"""Selling on the till page: what is written down, what is refused, and that nothing counts twice."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy import text as sql

from app import clock, db
from consoles.clerk.forms import AmountRefused, fen_of, suggested_receipt_no
from tests.app.ledger.books import move, points
from tests.conftest import rows
from tests.consoles.visitor import Visitor, hidden
from tests.shop import Phone, Shop


@pytest.fixture
def member(shop: Shop) -> Phone:
    return shop.member("张小明")


@pytest.fixture
def sale(clerk: Visitor, shop: Shop, member: Phone) -> str:
    """The piece of page after a scan."""
    return str(clerk.scan(shop.code(member)).text)


def sales(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT amount_fen, points_earned, receipt_no FROM sales ORDER BY id")


def test_a_sale_earns_and_shows_its_receipt(clerk: Visitor, sale: str, engine: Engine) -> None:
    answer = clerk.sell(sale, "128.50")
    assert answer.status_code == 200
    for words in ("收款成功", "¥128.50", "+128", "门店 S001", hidden(sale, "receipt_no")):
        assert words in answer.text
    assert sales(engine) == [(12850, 128, hidden(sale, "receipt_no"))]


def test_the_receipt_shows_the_points_after_the_sale(clerk: Visitor, shop: Shop, member: Phone) -> None:
    shop.earn(member, 1000)
    piece = clerk.scan(shop.code(member)).text
    assert re.search(r"可用积分</dt><dd>1,012<", clerk.sell(piece, "12").text)


def test_the_receipt_shows_the_points_also_where_nothing_was_earned(
    clerk: Visitor, shop: Shop, member: Phone
) -> None:
    shop.earn(member, 1000)
    shown = clerk.sell(clerk.scan(shop.code(member)).text, "0.50").text
    assert "+0" in shown
    assert re.search(r"可用积分</dt><dd>1,000<", shown)


@pytest.mark.parametrize("typed", ["0", "０", "0.00", "¥0", "000"])
def test_a_sale_of_nothing_is_refused_and_the_member_s_scan_stays_good(
    clerk: Visitor, sale: str, engine: Engine, typed: str
) -> None:
    answer = clerk.sell(sale, typed)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#sale-form")
    assert "不能记录 0 元的销售" in answer.text
    assert sales(engine) == []
    assert clerk.sell(answer.text, "0.01").status_code == 200
    assert [sale[0] for sale in sales(engine)] == [1]


def test_the_receipt_says_which_rule_gave_what(clerk: Visitor, sale: str) -> None:
    shown = clerk.sell(sale, "128.50").text
    assert re.search(r"<dt>消费积分</dt><dd>¥128.50 每元积 1 分，得 128 分</dd>", shown)


def test_the_sale_carries_the_clerk_and_the_till(clerk: Visitor, sale: str, engine: Engine) -> None:
    clerk.sell(sale, "1")
    found = rows(
        engine,
        "SELECT p.login, t.code FROM sales s JOIN staff p ON p.id = s.staff_id"
        " JOIN terminals t ON t.id = s.terminal_id",
    )
    assert found == [("mei", "T1")]


def test_a_sale_without_member(clerk: Visitor, engine: Engine) -> None:
    answer = clerk.sell(clerk.htmx("/till/sale").text, "30")
    assert "非会员，本次不积分" in answer.text
    assert [sale[:2] for sale in sales(engine)] == [(3000, 0)]


def test_the_same_form_sent_twice_is_one_sale(clerk: Visitor, sale: str, engine: Engine) -> None:
    first, second = clerk.sell(sale, "128.50"), clerk.sell(sale, "128.50")
    assert second.status_code == 200
    assert without_keys(first.text) == without_keys(second.text)
    assert len(sales(engine)) == 1


def test_a_hail_of_taps_is_one_sale(clerk: Visitor, shop: Shop, sale: str, engine: Engine) -> None:
    token = clerk.csrf_token()
    cookie = clerk.client.get_cookie("__Host-till", domain="till.shop.test")
    assert cookie is not None

    def tap(_: int) -> int:
        finger = Visitor(shop.app)
        finger.client.set_cookie("__Host-till", cookie.value, domain="till.shop.test")
        finger.csrf_token = lambda: token  # type: ignore[method-assign]  # one page, many taps
        return int(finger.sell(sale, "128.50").status_code)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(tap, range(16))) == [200] * 16
    assert len(sales(engine)) == 1


def test_a_changed_amount_after_a_lost_answer_is_not_a_second_sale(
    clerk: Visitor, sale: str, engine: Engine
) -> None:
    clerk.sell(sale, "12")
    answer = clerk.sell(sale, "21")
    assert answer.status_code == 422
    assert "这笔已记录" in answer.text
    assert [sale[0] for sale in sales(engine)] == [1200]


def test_a_used_receipt_number_is_said_beside_its_field(clerk: Visitor, sale: str, engine: Engine) -> None:
    clerk.sell(clerk.htmx("/till/sale").text, "5", receipt_no="R-1")
    answer = clerk.sell(sale, "12", receipt_no="R-1")
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#sale-form")
    assert "本店已有这个小票号" in answer.text
    assert hidden(answer.text, "amount") == "12"
    assert clerk.sell(answer.text, "12", receipt_no="R-2").status_code == 200
    assert [sale[2] for sale in sales(engine)] == ["R-1", "R-2"]


def test_a_scan_that_is_over_keeps_the_amount_and_drops_the_member(
    clerk: Visitor, sale: str, engine: Engine
) -> None:
    with db.transaction() as session:
        session.execute(
            sql("UPDATE scan_tickets SET expires_at = :then"), {"then": clock.now() - timedelta(seconds=1)}
        )
    answer = clerk.sell(sale, "12")
    assert answer.status_code == 409
    assert "会员的扫码已失效" in answer.text
    assert hidden(answer.text, "amount") == "12"
    assert hidden(answer.text, "ticket") == ""
    assert sales(engine) == []


def test_the_ticket_of_another_till_is_worth_nothing(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    ticket = shop.add_till("S001", "T2").ticket(shop.code(member))
    assert clerk.sell(clerk.htmx("/till/sale").text, "12", ticket=ticket).status_code == 409
    assert sales(engine) == []


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("12", 1200),
        ("12.5", 1250),
        ("12.50", 1250),
        ("0.01", 1),
        ("0", 0),
        (" ¥12.50 ", 1250),
        ("￥12", 1200),
        ("１２．５", 1250),
        ("12。5", 1250),
        ("007", 700),
        ("0.07", 7),
        ("1.10", 110),
        ("9999999.99", 999_999_999),
        ("10000000", 1_000_000_000),
    ],
)
def test_amounts_are_read_to_the_fen(typed: str, fen: int) -> None:
    assert fen_of(typed) == fen


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12.345",
        "12.",
        ".5",
        "-1",
        "+1",
        "1e3",
        "1,000",
        "12 50",
        "abc",
        "NaN",
        "٣",
        "10000000.01",
        "6901234567892",
        "0x10",
    ],
)
def test_what_is_no_amount_is_refused_and_not_guessed(typed: str) -> None:
    with pytest.raises(AmountRefused):
        fen_of(typed)


@pytest.mark.parametrize("typed", ["", "12.345", "abc", "6901234567892"])
def test_a_wrong_amount_is_said_beside_its_field(
    clerk: Visitor, sale: str, engine: Engine, typed: str
) -> None:
    answer = clerk.sell(sale, typed)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#sale-form")
    assert 'aria-invalid="true"' in answer.text
    assert hidden(answer.text, "sale_key") == hidden(sale, "sale_key")
    assert sales(engine) == []


def test_a_payment_code_in_the_amount_is_not_shown_again(clerk: Visitor, sale: str) -> None:
    answer = clerk.sell(sale, "134567890123456789")
    assert answer.status_code == 422
    assert "134567890123456789" not in answer.text


def test_a_sale_without_receipt_number_is_refused(clerk: Visitor, sale: str) -> None:
    answer = clerk.sell(sale, "12", receipt_no=" ")
    assert answer.status_code == 422
    assert "请输入小票号" in answer.text


@pytest.mark.parametrize(
    "field", [{"receipt_no": "r" * 41}, {"receipt_no": "a\0b"}, {"ticket": "t" * 44}, {"sale_key": "k"}]
)
def test_fields_the_page_would_not_send_are_refused(clerk: Visitor, sale: str, field: dict[str, str]) -> None:
    assert clerk.sell(sale, "12", **field).status_code == 422


def test_a_body_of_megabytes_is_refused_with_a_screen(clerk: Visitor, sale: str) -> None:
    answer = clerk.sell(sale, "1" * 2_000_000)
    assert answer.status_code == 413
    assert "<dialog" in answer.text


def test_suggested_receipt_numbers_tell_till_and_local_time() -> None:
    at = datetime(2026, 3, 14, 16, 5, 9, tzinfo=UTC)
    number = suggested_receipt_no("T1", "Asia/Shanghai", at)
    assert re.fullmatch(r"T1-260315-000509-[0-9A-Z]{2}", number)
    assert len(suggested_receipt_no("T" * 32, "Asia/Shanghai", at)) <= 40


def test_pages_are_not_kept_by_browsers_and_run_only_our_scripts(clerk: Visitor) -> None:
    headers = clerk.get("/till/").headers
    assert headers["Cache-Control"] == "no-store"
    assert "'unsafe-inline'" not in headers["Content-Security-Policy"]
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "camera=()" in Visitor(clerk.client.application).get("/till/sign-in").headers["Permissions-Policy"]


def without_keys(page: str) -> str:
    return re.sub(r'value="[^"]*"', "", page)


@pytest.mark.parametrize("amount", ["12", "0.50"])
def test_the_receipt_tells_pending_points_apart_with_their_first_day(
    clerk: Visitor, shop: Shop, member: Phone, amount: str
) -> None:
    shop.earn(member, 1000)
    tomorrow = clock.now() + timedelta(days=1)
    move(points(member.member_id, 70, available_at=tomorrow), at=clock.now())
    shown = clerk.sell(clerk.scan(shop.code(member)).text, amount).text
    assert re.search(rf"可用积分</dt><dd>{1000 + int(float(amount)):,}<", shown)
    assert re.search(r"待生效积分</dt><dd>70<", shown)
    assert f"最早可用日期</dt><dd>{clock.business_date(tomorrow, 'Asia/Shanghai')}<" in shown
