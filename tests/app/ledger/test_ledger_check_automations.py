"""Each question about automations finds the violation it is there for."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import clock
from app.ledger.check_automations import AUTOMATION_QUESTIONS
from tests import coupons as coupon
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.automations import TELL, do, facts, turned_on
from tests.shop import Shop

VIOLATIONS: dict[str, list[str]] = {
    "what an automation gave is in the books, once": [
        "UPDATE automation_runs SET points = points + 1",
        "UPDATE automation_runs SET coupons = coupons + 1",
        "UPDATE automation_runs SET member_id = member_id + 1",
        "UPDATE automation_runs SET message_id = 'none'",
        "UPDATE ledger_transactions SET rule_id = 99 WHERE kind = 'automation'",
        "DELETE FROM automation_runs",
        "DELETE FROM automation_runs; DELETE FROM ledger_transactions WHERE kind = 'automation'",
        "DELETE FROM ledger_transactions WHERE kind = 'automation'",
        "DELETE FROM coupons",
        "DELETE FROM messages WHERE kind = 'automation'",
    ],
    "an automation did no more than it may, and counts what it did": [
        "UPDATE automations SET acted = acted + 1",
        "DELETE FROM automation_runs",
        "ALTER TABLE automations DROP CONSTRAINT ck_automations_never_over; UPDATE automations SET max_runs = 0",
    ],
    "an automation is on because a second person agreed": [
        "UPDATE automations SET version = version + 1",
        "UPDATE automations SET approval_id = 'none'",
        "UPDATE approval_requests SET state = 'rejected'",
        "UPDATE approval_requests SET subject = '0'",
    ],
    "the guards of automations are in place": [
        "ALTER TABLE automation_runs DISABLE TRIGGER automation_runs_end_once",
        "DROP TRIGGER automation_runs_stay ON automation_runs",
        "ALTER TABLE automation_runs DROP CONSTRAINT ex_automation_runs_once",
        "ALTER TABLE automations DROP CONSTRAINT ck_automations_never_over",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def acted(shop: Shop, unaudited_engine: Engine) -> Engine:
    """An automation gave a member points and a coupon, and told them."""
    gives = {"points": {"points": 7}, "coupon": {"template": coupon.live_template(clock.now())}}
    turned_on(shop, "joined", clock.now(), actions={**TELL, **gives}, max_runs=3)
    shop.member()
    facts(shop, clock.now())
    assert do(clock.now()) == 1
    assert promises_broken(unaudited_engine) == set()
    return unaudited_engine


def test_every_promise_about_automations_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(AUTOMATION_QUESTIONS)


def test_each_broken_promise_about_automations_is_found(acted: Engine) -> None:
    assert [case for case in CASES if not notices(acted, *case)] == []
    assert promises_broken(acted) == set()


KEPT = (
    "UPDATE automation_runs SET state = 'waiting', decided_at = NULL, points = 0, coupons = 0",
    "UPDATE automation_runs SET occasion = 'another'",
    "DELETE FROM automation_runs",
    "UPDATE automations SET max_runs = 0",
)


def test_the_database_itself_keeps_what_was_done(acted: Engine) -> None:
    for statement in KEPT:
        with acted.connect() as connection, pytest.raises(DBAPIError):
            connection.execute(text(statement))
