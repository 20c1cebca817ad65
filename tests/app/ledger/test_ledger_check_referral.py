"""Each question about referrals finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app.ledger.check_referral import REFERRAL_QUESTIONS
from tests.app.engagement.inviting import brought, referral
from tests.app.engagement.offering import work
from tests.app.engagement.test_gifts import refund, sell
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "whoever was brought was new then, and by somebody who was there": [
        "UPDATE referrals SET joined_at = joined_at - interval '1 second'",
        "UPDATE referrals SET inviter_id = m.id FROM (SELECT max(id) AS id FROM members) m WHERE newcomer_id < m.id",
        "DELETE FROM invite_codes",
    ],
    "a referral brought both what its purchase was worth, once": [
        "UPDATE activity_grants SET taken_back_at = now(), coupons_kept = 0, chances_kept = 0",
        "UPDATE referrals SET inviter_grant_id = newcomer_grant_id",
        "UPDATE referrals SET inviter_grant_id = NULL",
    ],
    "what counted was the newcomer's, in time and large enough": [
        "UPDATE sales SET amount_fen = 1",
        "UPDATE sales SET member_id = (SELECT min(id) FROM members)",
        "UPDATE referrals SET buy_until = joined_at + interval '1 microsecond'",
        "UPDATE referrals SET state = 'rewarded', taken_back_at = NULL WHERE state = 'taken_back'",
    ],
    "an inviter's referrals are counted without a gap and within the caps": [
        "UPDATE referrals SET nth = 5 WHERE nth = 1",
        "UPDATE referrals SET counted_on = counted_on + 1 WHERE nth_of_day = 2",
    ],
    "the guards of referrals are in place": [
        "DROP TRIGGER referrals_kept ON referrals",
        "ALTER TABLE referrals DROP CONSTRAINT uq_referrals_newcomer_id",
        "ALTER TABLE referrals DROP CONSTRAINT ck_referrals_within_cap",
    ],
}


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


def test_every_promise_of_a_referral_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(REFERRAL_QUESTIONS)


def test_each_violation_is_noticed(shop: Shop, engine: Engine) -> None:
    referral()
    inviter = shop.member()
    sales = [sell(shop, brought(shop, inviter), 1_000) for _ in range(2)]
    work(shop.app)
    refund(shop, sales[0])
    work(shop.app)
    assert promises_broken(engine) == set()
    missed = [
        (promise, way)
        for promise, ways in VIOLATIONS.items()
        for way in ways
        if not notices(engine, promise, way)
    ]
    assert missed == []
