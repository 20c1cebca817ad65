"""Each question about campaigns finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app.ledger.check_campaigns import CAMPAIGN_QUESTIONS
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.campaigns import begun, coupons, work
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "what a campaign gave is in the books, once, and given to nobody else": [
        "DELETE FROM coupons WHERE nth = 2",
        "UPDATE coupons SET source_id = 'another'",
        "DELETE FROM ledger_transactions WHERE kind = 'campaign'",
        "UPDATE ledger_entries SET amount = 6 WHERE amount = 5",
        "UPDATE campaign_members SET given = false, gift_cost = 0",
    ],
    "whoever was told has what the campaign gives": [
        "UPDATE campaign_members SET given = false, gift_cost = 0",
    ],
    "a campaign spent what stands with its members, within its budget": [
        "UPDATE campaigns SET spent = spent - 1",
        "ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_never_over; UPDATE campaigns SET budget_fen = 1",
    ],
    "the guards of campaigns are in place": [
        "ALTER TABLE campaigns DROP CONSTRAINT ck_campaigns_never_over",
        "ALTER TABLE campaign_members DROP CONSTRAINT pk_campaign_members",
        "ALTER TABLE campaign_members DROP CONSTRAINT ck_campaign_members_held_out_gets_nothing",
    ],
}


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


def test_every_promise_of_a_campaign_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(CAMPAIGN_QUESTIONS)


def test_each_violation_is_noticed(shop: Shop, engine: Engine) -> None:
    begun(shop, [shop.member(), shop.member()], gift={**coupons(2), "points": 5}, budget_fen=100_000)
    work()
    assert promises_broken(engine) == set()
    missed = [
        (promise, way)
        for promise, ways in VIOLATIONS.items()
        for way in ways
        if not notices(engine, promise, way)
    ]
    assert missed == []
