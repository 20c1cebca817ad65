"""Each question about coupons that were used finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app import clock
from app.coupons.code import issue_coupon_code
from app.ledger.check_coupons_used import COUPON_USE_QUESTIONS
from app.staff.roles import Grant
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.coupons import give, live_template
from tests.quoting import CUP, TEA, taken
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "a coupon was used as often as its redemptions say": [
        "UPDATE coupons SET used = 0, restored = 0, state = 'held' WHERE used > 0",
        "UPDATE coupons SET restored = 0, state = 'used' WHERE restored > 0",
        "DELETE FROM coupon_redemptions",
        "UPDATE coupon_redemptions SET use_no = use_no + 1",
    ],
    "a redemption was within its coupon's time": [
        "UPDATE coupons SET valid_until = valid_from + interval '1 microsecond'",
        "UPDATE coupon_redemptions SET occurred_at = occurred_at - interval '1 day'",
    ],
    "the coupons of a sale took off what it says": [
        "UPDATE coupon_redemptions SET discount_fen = 1 WHERE discount_fen > 0",
        "UPDATE sales SET discounts = '[]'",
    ],
    "a sale used the coupons of its quote, for its member": [
        "DELETE FROM coupon_redemptions WHERE sale_id IS NOT NULL",
        "UPDATE coupon_redemptions SET coupon_id = lower(coupon_id) WHERE sale_id IS NOT NULL",
        "UPDATE coupon_redemptions SET member_id = member_id + 1",
    ],
    "a coupon comes back with the whole of its sale, and not before": [
        "UPDATE coupon_redemptions SET undone_at = occurred_at WHERE sale_id IS NOT NULL AND undone_at IS NULL",
        "UPDATE coupon_redemptions SET refund_id = NULL",
        "UPDATE sale_lines SET refunded_quantity = 0",
        "UPDATE coupon_redemptions SET undone_at = NULL, refund_id = NULL",
    ],
    "every use of a coupon, and every one taken back, is told in its history": [
        "DELETE FROM coupon_events WHERE kind = 'redeemed'",
        "DELETE FROM coupon_events WHERE kind = 'restored'",
        "INSERT INTO coupon_events (coupon_id, kind, member_id, at) SELECT coupon_id, 'extended', member_id, at"
        " FROM coupon_events WHERE kind = 'restored' UNION ALL SELECT coupon_id, 'extended', member_id, at"
        " FROM coupon_events WHERE kind = 'restored'",
    ],
    "no ticket of a coupon without a used code of it": ["DELETE FROM coupon_code_uses"],
    "no coupon's code was taken outside its window": [
        "UPDATE coupon_code_uses SET step = step - 4",
        "UPDATE coupon_code_uses SET step = step + 3",
    ],
    "a ticket of a coupon used no other": [
        "UPDATE scan_tickets SET found_by = 'phone', coupon_id = NULL, staff_id = 1 WHERE found_by = 'coupon'",
        "UPDATE scan_tickets SET coupon_id = 'another' WHERE found_by = 'coupon'",
    ],
    "the guards of coupons used are in place": [
        "DROP TRIGGER coupon_redemptions_undone_once ON coupon_redemptions",
        "ALTER TABLE coupons DISABLE TRIGGER coupons_kept",
        "ALTER TABLE coupons DROP CONSTRAINT ck_coupons_used_within",
        "ALTER TABLE coupon_code_uses DROP CONSTRAINT pk_coupon_code_uses",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """Coupons used in two sales, of which one went back, and by a code of their own."""
    anna, phone = shop.person("anna", Grant("clerk", shop.store.id)), shop.member("陈一")
    now = clock.now()
    template = live_template(now)
    first, second = give(template, phone.member_id, now, 2)
    bill = {"lines": [TEA, CUP]}
    ticket = shop.till.ticket(shop.code(phone))
    body = bill | {"ticket": ticket, "benefits": [f"coupon:{first}"]}
    sale = taken(shop, shop.till.post("/quotes", body).json)
    back = {"refund_no": "RF-1", "reason": "returned", "staff_no": anna.staff_no}
    assert shop.till.post(f"/sales/{sale['id']}/refunds", back).json["coupons"]
    codes = shop.parts.issuer.coupons
    shown = issue_coupon_code(codes=codes, member_id=phone.member_id, coupon_id=second, now=clock.now())
    ticket = shop.till.scan(shown.code).json["ticket"]
    assert taken(shop, shop.till.post("/quotes", bill | {"ticket": ticket}).json)["coupons"]
    assert promises_broken(engine) == set()
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(COUPON_USE_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
