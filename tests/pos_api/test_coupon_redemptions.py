"""Coupons redeemed by themselves, given back by hand, and codes of their own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, text

import scan_codes
from app import clock, db
from app.coupons.code import issue_coupon_code
from app.coupons.redeem import CouponNotRedeemable
from app.errors import NotFound, TooMany
from app.parts import assemble
from app.settings import SettingsError
from app.staff.roles import Grant
from tests.app.checkout.test_scan import outcome
from tests.conftest import rows
from tests.coupons import give, live_template, recall
from tests.quoting import CUP, TEA, fill, points_pay, take
from tests.shop import Phone, Shop

MUG = {"kind": "gift", "item_zh": "马克杯", "item_en": "Mug", "sku": "MUG"}


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def held(phone: Phone, count: int = 1, **face: Any) -> list[str]:
    now = clock.now()
    template = live_template(now, **{"effect": MUG, "without_sale": True, "name_zh": "赠品券"} | face)
    return give(template, phone.member_id, now, count)


def redeem(shop: Shop, ticket: str, coupon: str, key: str | None = None, **body: Any) -> Any:
    return shop.till.post("/coupon-redemptions", {"ticket": ticket, "coupon_id": coupon, **body}, key)


def ticket_older(engine: Engine, by: timedelta) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE scan_tickets SET created_at = created_at - :by"), {"by": by})
        connection.execute(
            text("UPDATE code_uses SET used_at = used_at - :by, step = step - :steps"),
            {"by": by, "steps": by // timedelta(seconds=30)},
        )


def test_a_coupon_is_redeemed_by_itself_and_the_ticket_stays_good(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    [coupon] = held(phone)
    ticket = shop.till.ticket(shop.code(phone))
    first, second = (redeem(shop, ticket, coupon, "key") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    told = first.json
    assert (told["name"], told["what"], told["gift_sku"], told["uses_left"]) == ("赠品券", "马克杯", "MUG", 0)
    assert (told["sale_id"], told["undone_at"]) == (None, None)
    shown = shop.till.get(f"/coupon-redemptions/{told['id']}")
    assert shown.json == told
    other = shop.add_till(shop.open_store("S002").code, "T1")
    assert other.get(f"/coupon-redemptions/{told['id']}").status_code == 404
    again = redeem(shop, ticket, coupon)
    assert (outcome(again), again.json["reason"]) == ((409, "coupon_not_redeemable"), "used")
    assert shop.till.sell(ticket, 1_000).status_code == 201
    assert outcome(redeem(shop, ticket, coupon)) == (409, "ticket_used")
    assert rows(engine, "SELECT action FROM audit_log WHERE object_type = 'coupon'") == [("coupon.redeem",)]


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        ({"without_sale": False}, "needs_sale"),
        ({"conditions": {"stores": [999]}}, "not_here"),
        ({"conditions": {"tiers": ["gold"]}}, "not_your_tier"),
        ({"validity": {"kind": "days", "days": 3, "after_days": 2}}, "not_yet"),
    ],
)
def test_what_is_not_redeemed_by_itself(shop: Shop, phone: Phone, face: dict[str, Any], reason: str) -> None:
    [coupon] = held(phone, **face)
    answer = redeem(shop, shop.till.ticket(shop.code(phone)), coupon)
    assert (outcome(answer), answer.json["reason"]) == ((409, "coupon_not_redeemable"), reason)


def test_whose_coupon_which_clerk_and_which_ticket(shop: Shop, phone: Phone, engine: Engine) -> None:
    [coupon] = held(phone)
    other = shop.member()
    ticket = shop.till.ticket(shop.code(phone))
    assert redeem(shop, shop.till.ticket(shop.code(other)), coupon).status_code == 404
    assert redeem(shop, ticket, "0" * 26).status_code == 404
    assert outcome(redeem(shop, "x" * 43, coupon)) == (404, "ticket_unknown")
    assert outcome(redeem(shop, ticket, coupon, staff_no="nobody")) == (403, "forbidden")
    assert redeem(shop, ticket, coupon, more=1).status_code == 422
    ticket_older(engine, timedelta(minutes=5))
    assert outcome(redeem(shop, ticket, coupon)) == (410, "ticket_expired")
    assert rows(engine, "SELECT used FROM coupons") == [(0,)]


def test_a_use_is_given_back_by_whoever_may_refund(shop: Shop, phone: Phone, engine: Engine) -> None:
    [coupon] = held(phone, forfeited=True)
    anna = shop.person("anna", Grant("clerk", shop.store.id)).staff_no
    redeemed = redeem(shop, shop.till.ticket(shop.code(phone)), coupon).json

    def undo(key: str | None = None, **body: Any) -> Any:
        return shop.till.post(f"/coupon-redemptions/{redeemed['id']}/undo", body, key)

    assert undo().status_code == 422
    assert outcome(undo(staff_no="nobody")) == (403, "forbidden")
    first, second = (undo("key", staff_no=anna) for _ in range(2))
    assert (first.status_code, first.data) == (200, second.data)
    assert (first.json["coupon"]["id"], first.json["coupon"]["outcome"]) == (coupon, "restored")
    again = undo(staff_no=anna)
    assert (outcome(again), again.json["reason"]) == ((409, "redemption_stays"), "undone")
    assert rows(engine, "SELECT state, used, restored FROM coupons") == [("held", 1, 1)]
    assert shop.till.get(f"/coupon-redemptions/{redeemed['id']}").json["undone_at"]
    # No sale was refunded, and the member is not told so.
    assert phone.get(f"/coupons/{coupon}").json["events"][0]["text"] == "已退回"
    other = shop.add_till(shop.open_store("S002").code, "T1")
    bob = shop.person("bob", Grant("admin", None)).staff_no
    assert other.post(f"/coupon-redemptions/{redeemed['id']}/undo", {"staff_no": bob}).status_code == 404


def test_what_cannot_be_given_back(shop: Shop, phone: Phone, engine: Engine) -> None:
    with_sale, old = (held(phone)[0] for _ in range(2))
    [void] = held(phone, uses=2)
    anna = shop.person("anna", Grant("clerk", shop.store.id)).staff_no
    ticket = shop.till.ticket(shop.code(phone))
    redeemed = [redeem(shop, ticket, coupon).json["id"] for coupon in (void, old)]
    bill = {"ticket": ticket, "lines": [TEA], "benefits": [f"coupon:{with_sale}"], "best": False}
    sale = take(shop.till, shop.till.post("/quotes", bill).json).json
    assert recall(void) == 1
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE coupon_redemptions SET business_date = business_date - 31 WHERE id = :id"),
            {"id": redeemed[1]},
        )
    for redemption, code, reason in (
        (sale["coupons"][0]["redemption_id"], "redemption_stays", "with_sale"),
        (redeemed[0], "redemption_stays", "recalled"),
        (redeemed[1], "refund_too_late", None),
    ):
        answer = shop.till.post(f"/coupon-redemptions/{redemption}/undo", {"staff_no": anna})
        assert (outcome(answer), answer.json.get("reason")) == ((409, code), reason)


def test_the_till_sees_what_the_member_holds(shop: Shop, phone: Phone) -> None:
    first = held(phone)[0]
    second = held(phone, conditions={"stores": [999]}, without_sale=False, name_zh="他店券")[0]
    ticket = shop.till.ticket(shop.code(phone))
    page = shop.till.get(f"/coupons?ticket={ticket}&limit=1").json
    [newest] = page["items"]
    assert (newest["id"], newest["usable"], newest["reason"]) == (second, False, "not_here")
    assert newest["text"] == "“他店券”不适用于本店"
    [oldest] = shop.till.get(f"/coupons?ticket={ticket}&cursor={page['next_cursor']}").json["items"]
    assert (oldest["id"], oldest["what"], oldest["usable"], oldest["without_sale"]) == (
        first,
        "赠送 马克杯",
        True,
        True,
    )
    assert shop.till.get("/coupons").status_code == 422
    assert shop.till.get(f"/coupons?ticket={'x' * 43}").status_code == 404


def code_of(shop: Shop, phone: Phone, coupon: str) -> str:
    codes = shop.parts.issuer.coupons
    return issue_coupon_code(codes=codes, member_id=phone.member_id, coupon_id=coupon, now=clock.now()).code


def test_a_coupon_s_own_code_stands_for_it_and_for_nothing_else(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    points_pay()
    fill(phone, points=500, principal_fen=5_000)
    [coupon] = held(phone)
    [other] = held(phone, effect={"kind": "amount", "off_fen": 500}, without_sale=False)
    code = code_of(shop, phone, coupon)
    assert (len(code), code[:2]) == (20, "91")
    scanned = shop.till.scan(code, idempotency_key="scan")
    assert scanned.status_code == 201
    assert shop.till.scan(code, idempotency_key="scan").data == scanned.data
    assert outcome(shop.till.scan(code)) == (409, "code_replayed")
    told = scanned.json
    assert (told["member"]["name"], told["member"]["points"], told["member"]["balance_fen"]) == (
        "陈*",
        None,
        None,
    )
    assert (told["coupon"]["id"], told["coupon"]["what"], told["coupon"]["without_sale"]) == (
        coupon,
        "马克杯",
        True,
    )
    ticket = told["ticket"]
    assert [one["id"] for one in shop.till.get(f"/coupons?ticket={ticket}").json["items"]] == [coupon]
    assert redeem(shop, ticket, other).status_code == 404

    def quote(**wishes: Any) -> Any:
        return shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP], **wishes})

    assert outcome(quote(points=1)) == (409, "ticket_earns_only")
    assert outcome(quote(balance_fen=1)) == (409, "ticket_earns_only")
    assert quote(benefits=[f"coupon:{other}"]).json["reason"] == "unknown"
    assert outcome(
        shop.till.post(
            "/topups", {"ticket": ticket, "amount_fen": 1_000, "method": "cash", "receipt_no": "T"}
        )
    ) == (409, "ticket_earns_only")
    assert [one["key"] for one in quote().json["benefits"]] == [f"coupon:{coupon}"]
    sale = take(shop.till, quote().json).json
    assert ([one["id"] for one in sale["coupons"]], sale["points_earned"]) == ([coupon], 39)
    assert rows(engine, "SELECT payload ->> 'noted' FROM facts WHERE kind = 'sale_completed'") == [(None,)]


def test_the_two_kinds_of_codes_never_pass_for_one_another(shop: Shop, phone: Phone) -> None:
    issuer, step = shop.parts.issuer, scan_codes.step_of(clock.now())
    [coupon] = held(phone)
    [(number,)] = rows_of(shop, coupon)
    assert (
        outcome(shop.till.scan(scan_codes.issue(issuer.ring, number, step, prefix="91")))[1] == "code_forged"
    )
    assert (
        outcome(shop.till.scan(scan_codes.issue(issuer.coupons.ring, phone.member_id, step, prefix="90")))[1]
        == "code_forged"
    )


def rows_of(shop: Shop, coupon: str) -> list[tuple[Any, ...]]:
    return rows(db.engine(), "SELECT coupon_no FROM coupons WHERE id = :id", id=coupon)


def test_codes_of_coupons_are_withdrawn_with_the_member_s(shop: Shop, phone: Phone) -> None:
    [coupon] = held(phone)
    with time_machine.travel(clock.now(), tick=False):  # with each step that ends there is one code more
        code = code_of(shop, phone, coupon)
        assert phone.post("/me/code", json={"renew": True}).status_code == 200
        assert outcome(shop.till.scan(code)) == (410, "code_revoked")
        assert shop.till.scan(code_of(shop, phone, coupon)).status_code == 201
        with pytest.raises(TooMany):
            code_of(shop, phone, coupon)


def test_only_the_holder_gets_a_code_and_only_while_it_is_good(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    [coupon] = held(phone)
    with pytest.raises(NotFound):
        code_of(shop, shop.member(), coupon)
    code = code_of(shop, phone, coupon)
    assert redeem(shop, shop.till.ticket(shop.code(phone)), coupon).status_code == 201
    with pytest.raises(CouponNotRedeemable):
        code_of(shop, phone, coupon)
    refused = shop.till.scan(code)
    assert (outcome(refused), refused.json["reason"]) == ((409, "coupon_not_redeemable"), "used")
    assert rows(engine, "SELECT count(*) FROM coupon_code_uses") == [(0,)]


def test_the_prefix_of_coupons_is_not_to_be_had_for_member_codes(shop: Shop) -> None:
    with pytest.raises(SettingsError, match="CODE_PREFIX"):
        assemble(replace(shop.parts.settings, code_prefix="91"))
