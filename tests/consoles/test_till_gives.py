"""A clerk gives the member in front of them a coupon: shown with the scan, given once, in the wallet at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.coupons.code import issue_coupon_code
from app.engagement import referral_staff
from tests.adjusting import member_no
from tests.conftest import rows
from tests.consoles.test_till_quote import payable
from tests.consoles.visitor import Visitor, hidden
from tests.coupons import give, live_template
from tests.shop import BOSS, Phone, Shop

THREE = {"per_clerk_a_day": 3}
GIVEN = "SELECT count(*) FROM coupons WHERE source = 'clerk'"


def template(minutes: int = 0, **what: Any) -> str:
    """One that was made so long ago: of two in one millisecond nobody knows which is the newer."""
    return live_template(clock.now() - timedelta(minutes=minutes), **{"terms": THREE} | what)


def fields(piece: str) -> dict[str, str]:
    """Of the first form that gives one away."""
    form = piece[piece.index('hx-post="/till/coupons/give"') :]
    return {name: hidden(form, name) for name in ("ticket", "template_id", "coupon_key")}


def to_give(piece: str) -> list[str]:
    """What each of the buttons says."""
    return re.findall(r"确认送出：(.*?)</button>", piece)


def mei(engine: Engine) -> int:
    [(staff_id,)] = rows(engine, "SELECT id FROM staff WHERE login = 'mei'")
    return int(staff_id)


def test_what_may_be_given_is_shown_given_and_used_in_this_bill(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    template(at_least_fen=2_000)
    sale = clerk.scan(shop.code(member)).text
    assert "送优惠券" in sale
    assert "满 ¥20.00，减 ¥10.00 · 您今天还可送 3 张" in sale
    answer = clerk.htmx("/till/coupons/give", fields(sale))
    assert answer.status_code == 200, answer.text
    assert 'data-say="已送出：十元券"' in answer.text
    assert "已放入会员券包：满 ¥20.00，减 ¥10.00，有效期至" in answer.text
    assert "本次结账即可使用" in answer.text
    assert "这次扫码已送过一张" in answer.text
    assert rows(engine, "SELECT member_id, granted_by FROM coupons") == [(member.member_id, mei(engine))]
    # No bill was worked out yet, so there is none to do again.
    assert "/till/sales/quote" not in answer.text
    shown = clerk.due(sale, "60").text
    assert payable(shown) == "¥50.00"
    # The wallet and the switch name the same last day.
    [day] = re.findall(r"有效期至 ([\d-]+)", answer.text)
    assert f"{day} 到期" in shown


def test_the_same_form_twice_gives_one_and_another_template_another(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    first, second = template(1), template()
    sale = clerk.scan(shop.code(member)).text
    form = fields(sale)
    assert form["template_id"] == second  # the newest first
    answers = [clerk.htmx("/till/coupons/give", form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all("已送出：十元券" in answer.text for answer in answers)
    assert rows(engine, GIVEN) == [(1,)]
    # Of the same piece of page, its answer lost, the other button is another gift.
    assert clerk.htmx("/till/coupons/give", form | {"template_id": first}).status_code == 200
    assert rows(engine, GIVEN) == [(2,)]
    other_key = clerk.htmx("/till/coupons/give", form | {"coupon_key": "another-form-of-the-page"})
    assert 'data-code="ticket_used"' in other_key.text
    assert rows(engine, GIVEN) == [(2,)]


def test_a_bill_that_was_worked_out_before_is_worked_out_again(
    clerk: Visitor, shop: Shop, member: Phone
) -> None:
    template()
    sale = clerk.scan(shop.code(member)).text
    shown = clerk.due(sale, "60").text
    assert payable(shown) == "¥60.00"
    answer = clerk.htmx("/till/coupons/give", fields(sale) | {"quote_id": hidden(shown, "quote_id")}).text
    assert 'hx-post="/till/sales/quote" hx-include="#sale-form"' in answer
    again = clerk.go_on(shown, "quote").text
    assert payable(again) == "¥50.00"
    assert clerk.go_on(again, "take", paid_by="cash").status_code == 200


def test_what_may_not_be_given_says_why(clerk: Visitor, shop: Shop, member: Phone) -> None:
    spent = template(5, terms={"per_clerk_a_day": 1}, name_zh="送完券")
    had = template(4, terms=THREE | {"per_member": 1}, name_zh="已有券")
    had_today = template(3, terms=THREE | {"per_member_a_day": 1}, name_zh="今天已有券")
    template(2, stock=0, name_zh="领完券")
    template(1, name_zh="可送券")
    for one in (had, had_today):
        give(one, member.member_id, clock.now())
    other = clerk.scan(shop.code(shop.member())).text
    assert to_give(other) == ["可送券", "今天已有券", "已有券", "送完券"]
    given = clerk.htmx("/till/coupons/give", fields(other) | {"template_id": spent})
    assert given.status_code == 200
    sale = clerk.scan(shop.code(member), "scan-key-of-a-form-2").text
    assert to_give(sale) == ["可送券"]
    assert why(sale) == {
        "领完券": "优惠券已领完。",
        "今天已有券": "该会员已达到领取上限。",
        "已有券": "该会员已达到领取上限。",
        "送完券": "您今天可赠送的这种优惠券已达上限。",
    }


def why(piece: str) -> dict[str, str]:
    return dict(re.findall(r'<p class="give-not">(.*?)<small>.*? · (.*?)</small>', piece))


def test_what_is_refused_is_what_is_said_to_be(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    """The list and the gift look at the same things, so a button that is missing would not have worked."""
    used_up = template(4, stock=0)
    limited = template(3, terms=THREE | {"per_member": 1})
    spent = template(2, terms={"per_clerk_a_day": 1})
    template(1)
    give(limited, member.member_id, clock.now())
    other = clerk.scan(shop.code(shop.member())).text
    given = clerk.htmx("/till/coupons/give", fields(other) | {"template_id": spent})
    assert given.status_code == 200
    sale = clerk.scan(shop.code(member), "scan-key-of-a-form-2").text
    form = fields(sale)
    assert len(to_give(sale)) == 1
    others = (used_up, limited, spent)
    answers = [clerk.htmx("/till/coupons/give", form | {"template_id": one}).text for one in others]
    assert [re.findall(r'data-code="(\w+)"', answer) for answer in answers] == [
        ["coupons_used_up"],
        ["coupon_limit_reached"],
        ["coupon_clerk_limit"],
    ]


@pytest.mark.parametrize(
    "what",
    [
        {"terms": {}},
        {"terms": THREE | {"state": "stopped"}},
        {"conditions": {"stores": [10**6]}},
    ],
    ids=["not for clerks", "stopped", "another store"],
)
def test_without_anything_to_give_here_nothing_is_offered(
    clerk: Visitor, shop: Shop, member: Phone, what: dict[str, Any]
) -> None:
    template(**what)
    assert "送优惠券" not in clerk.scan(shop.code(member)).text


def test_one_that_is_not_good_yet_says_so(clerk: Visitor, shop: Shop, member: Phone) -> None:
    template(validity={"kind": "days", "days": 3, "after_days": 1})
    answer = clerk.htmx("/till/coupons/give", fields(clerk.scan(shop.code(member)).text)).text
    assert "“十元券”尚未到可用时间" in answer
    assert "本次结账即可使用" not in answer


def test_a_gift_to_be_handed_over_can_be_redeemed_at_once(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    mug = {"kind": "gift", "item_zh": "马克杯", "item_en": "Mug"}
    template(effect=mug, without_sale=True)
    answer = clerk.htmx("/till/coupons/give", fields(clerk.scan(shop.code(member)).text)).text
    assert "可直接兑换的券（1）" in answer
    done = clerk.htmx(
        "/till/coupons", {name: hidden(answer, name) for name in ("ticket", "coupon_id", "coupon_key")}
    ).text
    assert "已兑换，请交付：马克杯" in done
    assert "送优惠券" in done
    assert rows(engine, "SELECT state FROM coupons") == [("used",)]


def test_a_clerk_gives_nothing_to_their_own_membership(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    template()
    sale = clerk.scan(shop.code(member)).text
    form = fields(sale)
    referral_staff.add(staff_id=mei(engine), member_no=member_no(member), boss=BOSS, now=clock.now())
    refused = clerk.htmx("/till/coupons/give", form)
    assert (refused.status_code, 'data-code="own_membership"' in refused.text) == (403, True)
    assert "本人会员" in refused.text
    shown = clerk.scan(shop.code(member, steps=1), "scan-key-of-a-form-2").text
    assert to_give(shown) == []
    assert "这是您本人的会员账户" in shown
    assert rows(engine, GIVEN) == [(0,)]


def test_a_coupon_s_own_code_opens_no_gifts(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    now = clock.now()
    shown = template()
    [coupon] = give(shown, member.member_id, now)
    code = issue_coupon_code(
        codes=shop.parts.issuer.coupons, member_id=member.member_id, coupon_id=coupon, now=now
    ).code
    sale = clerk.scan(code).text
    assert "送优惠券" not in sale
    form = {"ticket": hidden(sale, "ticket"), "template_id": shown, "coupon_key": "key-of-some-other-form"}
    assert 'data-code="ticket_earns_only"' in clerk.htmx("/till/coupons/give", form).text
    assert rows(engine, GIVEN) == [(0,)]


def test_the_form_must_be_the_pages_own(clerk: Visitor, shop: Shop, member: Phone, engine: Engine) -> None:
    template()
    form = fields(clerk.scan(shop.code(member)).text)
    assert clerk.htmx("/till/coupons/give", form, headers={"X-CSRF-Token": "0" * 64}).status_code == 403
    for wrong in (
        {"coupon_key": "short"},
        {"template_id": "x" * 27},
        {"ticket": "x" * 44},
        {"quote_id": "x" * 27},
    ):
        assert clerk.htmx("/till/coupons/give", form | wrong).status_code == 422
    assert rows(engine, GIVEN) == [(0,)]
    assert clerk.htmx("/till/coupons/give", form).status_code == 200
