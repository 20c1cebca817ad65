"""What is due on the till page: discounts, points, stored value, the member's word on the phone, what may fail."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy import text as sql

from app import clock, db
from app.audit import OPERATOR
from app.checkout.confirm import confirm, waiting_for
from app.checkout.pricing import RoundingPolicy
from app.discounts.change import Draft, create
from app.discounts.effects import AmountOff
from app.discounts.rules import Definition
from app.points.rules import Conditions
from app.stored_value.policy import StoredValuePolicy
from tests.conftest import rows
from tests.consoles.visitor import Visitor, hidden
from tests.quoting import fill, points_pay, set_policy
from tests.shop import Phone, Shop


@pytest.fixture
def member(shop: Shop) -> Phone:
    return shop.member("张小明")


@pytest.fixture
def sale(clerk: Visitor, shop: Shop, member: Phone) -> str:
    """The piece of page after a scan."""
    return str(clerk.scan(shop.code(member)).text)


def ten_off(at_least_fen: int) -> None:
    create(
        draft=Draft(
            name_zh="满减",
            name_en="Off",
            definition=Definition(effect=AmountOff(off_fen=1_000), at_least_fen=at_least_fen),
        ),
        actor=OPERATOR,
        now=clock.now() - timedelta(minutes=1),
    )


def payable(page: str) -> str:
    found = re.search(r'id="payable">([^<]*)<', page)
    assert found is not None, page
    return found[1]


def tenders(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT kind, amount_fen, points FROM sale_tenders ORDER BY kind")


def expire_quotes() -> None:
    """As five minutes do; what stands in a quote is never changed otherwise."""
    with db.transaction() as session:
        session.execute(sql("SET LOCAL session_replication_role = replica"))
        session.execute(sql("UPDATE quotes SET expires_at = :then"), {"then": clock.now()})


def ask_on_the_phone(clerk: Visitor, sale: str, member: Phone, amount: str = "30") -> str:
    """A quote that takes the member's whole balance of 20 yuan, for which they are asked."""
    fill(member, principal_fen=2_000)
    set_policy(StoredValuePolicy, confirm_above_fen=1_000)
    return str(clerk.go_on(clerk.due(sale, amount).text, "quote", balance="1").text)


def answer(member: Phone, *, agree: bool) -> None:
    [asked] = waiting_for(member_id=member.member_id, now=clock.now())
    confirm(member_id=member.member_id, quote_id=asked.quote_id, agree=agree, now=clock.now())


def test_one_tap_where_the_amount_is_what_is_due(clerk: Visitor, sale: str, engine: Engine) -> None:
    receipt = clerk.sell(sale, "30", paid_by="wechat_pay").text
    assert re.search(r"微信支付</dt><dd>¥30.00<", receipt)
    assert tenders(engine) == [("wechat_pay", 3_000, 0)]


def test_one_tap_on_another_amount_than_what_is_due_shows_that_first(
    clerk: Visitor, sale: str, engine: Engine
) -> None:
    ten_off(5_000)
    shown = clerk.sell(sale, "60")
    assert (shown.headers["HX-Retarget"], payable(shown.text)) == ("#sale-form", "¥50.00")
    assert rows(engine, "SELECT 1 FROM sales") == []
    receipt = clerk.go_on(shown.text, "take", paid_by="cash").text
    assert re.search(r"优惠</dt><dd>−¥10.00<", receipt)
    assert rows(engine, "SELECT amount_fen, discount_fen, points_earned FROM sales") == [(5_000, 1_000, 50)]


def test_what_is_missing_for_a_discount_is_said(clerk: Visitor, sale: str) -> None:
    ten_off(5_000)
    shown = clerk.due(sale, "42").text
    assert payable(shown) == "¥42.00"
    assert "再买 ¥8.00 可享“满减”" in shown


def test_rounding_is_for_everybody_and_is_shown(clerk: Visitor, engine: Engine) -> None:
    set_policy(RoundingPolicy, down_to_fen=10)
    shown = clerk.sell(clerk.htmx("/till/sale").text, "12.34").text
    assert payable(shown) == "¥12.30"
    assert "抹零" in shown
    assert 'role="switch"' not in shown
    assert "¥12.30" in clerk.go_on(shown, "take", paid_by="cash").text


def test_points_and_balance_can_be_switched_on_and_off(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    fill(member, points=500, principal_fen=2_000)
    points_pay()
    shown = clerk.due(clerk.scan(shop.code(member)).text, "30").text
    assert "最多 500 分" in shown
    assert "最多 ¥20.00" in shown
    shown = clerk.go_on(shown, "quote", points="1").text
    assert payable(shown) == "¥25.00"
    shown = clerk.go_on(shown, "quote", balance="1").text
    assert payable(shown) == "¥5.00"
    assert payable(clerk.go_on(shown, "quote", points="").text) == "¥10.00"
    receipt = clerk.go_on(shown, "take", paid_by="cash").text
    for words in (r"使用积分</dt><dd>−500<", r"储值余额</dt><dd>¥0.00<", r"现金</dt><dd>¥5.00<"):
        assert re.search(words, receipt)
    assert tenders(engine) == [("cash", 500, 0), ("points", 500, 500), ("principal", 2_000, 0)]


def test_a_quote_whose_answer_was_lost_is_taken_once(clerk: Visitor, sale: str, engine: Engine) -> None:
    ten_off(5_000)
    shown = clerk.due(sale, "60").text
    first, second = (clerk.go_on(shown, "take", paid_by="card") for _ in range(2))
    assert [first.status_code, second.status_code] == [200, 200]
    assert "¥50.00" in second.text
    other = clerk.go_on(shown, "take", paid_by="cash")
    assert "这笔已记录" in other.text
    assert "这笔已记录" in clerk.go_on(shown, "quote", points="1").text
    assert tenders(engine) == [("card", 5_000, 0)]


def test_a_quote_that_ran_out_is_made_again_with_one_button(
    clerk: Visitor, sale: str, engine: Engine
) -> None:
    shown = clerk.due(sale, "30").text
    expire_quotes()
    over = clerk.go_on(shown, "take", paid_by="cash")
    assert over.status_code == 409
    assert "只保留 5 分钟" in over.text
    assert clerk.go_on(clerk.go_on(over.text, "quote").text, "take", paid_by="cash").status_code == 200
    assert rows(engine, "SELECT amount_fen FROM sales") == [(3_000,)]


def test_stored_value_spent_elsewhere_meanwhile_is_said(
    clerk: Visitor, shop: Shop, member: Phone, sale: str
) -> None:
    fill(member, principal_fen=2_000)
    shown = clerk.go_on(clerk.due(sale, "30").text, "quote", balance="1").text
    elsewhere = clerk.scan(shop.code(member, steps=1), "scan-key-of-a-form-2").text
    other = clerk.go_on(clerk.due(elsewhere, "20").text, "quote", balance="1").text
    assert clerk.go_on(other, "take").status_code == 200
    over = clerk.go_on(shown, "take", paid_by="cash")
    assert over.status_code == 409
    assert "储值刚在别处用掉" in over.text
    assert payable(clerk.go_on(over.text, "quote").text) == "¥30.00"


def test_the_page_waits_for_the_member_s_word_and_then_takes_the_rest(
    clerk: Visitor, member: Phone, sale: str, engine: Engine
) -> None:
    asks = ask_on_the_phone(clerk, sale, member)
    assert "请会员在手机上确认" in asks
    assert 'hx-trigger="every 2s"' in asks
    assert 'value="cash"' not in asks
    assert clerk.go_on(asks, "word").status_code == 204
    assert clerk.go_on(asks, "take", paid_by="cash").headers["HX-Retarget"] == "#sale-form"
    assert tenders(engine) == []
    answer(member, agree=True)
    agreed = clerk.go_on(asks, "word").text
    assert "会员已在手机上同意" in agreed
    assert "every 2s" not in agreed
    assert clerk.go_on(agreed, "take", paid_by="alipay").headers["HX-Retarget"] == "#stage"
    assert tenders(engine) == [("alipay", 1_000, 0), ("principal", 2_000, 0)]


def test_with_nothing_left_to_pay_the_member_s_word_is_the_sale(
    clerk: Visitor, member: Phone, sale: str, engine: Engine
) -> None:
    asks = ask_on_the_phone(clerk, sale, member, "15")
    answer(member, agree=True)
    looks = [clerk.go_on(asks, "word") for _ in range(2)]
    assert [look.headers["HX-Retarget"] for look in looks] == ["#stage", "#stage"]
    assert tenders(engine) == [("principal", 1_500, 0)]


def test_a_member_who_declines_can_be_asked_again_or_pay_otherwise(
    clerk: Visitor, member: Phone, sale: str, engine: Engine
) -> None:
    asks = ask_on_the_phone(clerk, sale, member)
    answer(member, agree=False)
    declined = clerk.go_on(asks, "word").text
    assert "会员未同意" in declined
    assert "请会员在手机上确认" in clerk.go_on(declined, "quote").text
    assert payable(clerk.go_on(declined, "quote", balance="").text) == "¥30.00"
    assert tenders(engine) == []


def test_waiting_ends_with_the_quote(clerk: Visitor, member: Phone, sale: str) -> None:
    asks = ask_on_the_phone(clerk, sale, member)
    expire_quotes()
    over = clerk.go_on(asks, "word")
    assert over.status_code == 409
    assert "every 2s" not in over.text


def test_back_to_the_amount_keeps_what_was_typed(clerk: Visitor, sale: str) -> None:
    shown = clerk.due(sale, "42").text
    back = clerk.go_on(shown, "amount").text
    for name in ("amount", "ticket", "receipt_no", "sale_key"):
        assert hidden(back, name) == hidden(shown, name)


@pytest.mark.parametrize("field", [{"paid_by": "gold"}, {"quote_id": "q" * 27}, {"points": "11"}])
def test_fields_the_page_would_not_send_are_refused(clerk: Visitor, sale: str, field: dict[str, str]) -> None:
    shown = clerk.due(sale, "42").text
    assert clerk.go_on(shown, "take", **{"paid_by": "cash", **field}).status_code == 422


def test_the_quote_of_nobody_knows_where_is_made_again(clerk: Visitor, sale: str) -> None:
    shown = clerk.due(sale, "42").text
    assert clerk.go_on(shown, "take", paid_by="cash", quote_id="0" * 26).status_code == 409


def test_what_is_due_and_by_what_stands_there_before_the_member_has_agreed(
    clerk: Visitor, member: Phone, sale: str
) -> None:
    asks = ask_on_the_phone(clerk, sale, member)
    assert payable(asks) == "¥30.00"
    assert re.search(r"储值支付，待会员同意</dt><dd>¥20.00<", asks)
    assert re.search(r"同意后另收</dt><dd>¥10.00<", asks)
    answer(member, agree=True)
    agreed = clerk.go_on(asks, "word").text
    assert payable(agreed) == "¥10.00"
    assert re.search(r"储值支付</dt><dd>−¥20.00<", agreed)


def test_a_discount_for_another_tier_names_it(clerk: Visitor, shop: Shop, sale: str) -> None:
    shop.tier("gold", "金卡会员", "Gold")
    definition = Definition(effect=AmountOff(off_fen=1_000), conditions=Conditions(tiers=frozenset({"gold"})))
    draft = Draft(name_zh="金卡立减", name_en="Gold: ¥10 off", definition=definition)
    create(draft=draft, actor=OPERATOR, now=clock.now() - timedelta(minutes=1))
    assert "“金卡立减”金卡会员可享" in clerk.due(sale, "42").text
