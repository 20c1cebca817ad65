"""Each question about who holds coupons finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app import clock, idempotency
from app.coupons import transfer
from app.ledger.check_coupon_holders import HOLDER_QUESTIONS
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.coupons import give, live_template
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "who holds a coupon follows from its history": [
        "UPDATE coupons SET member_id = member_id + 1",
        "DELETE FROM coupon_events WHERE kind = 'transferred'",
        "DELETE FROM coupon_events",
    ],
    "only what may be passed on was offered": [
        "UPDATE coupon_faces SET face = face - 'transferable'",
        "UPDATE coupons SET offer_hash = 'h' || id, offer_until = valid_until WHERE offer_hash IS NULL",
        "DELETE FROM coupon_events WHERE kind = 'offered'",
    ],
}
CASES = [(promise, broken) for promise, ways in VIOLATIONS.items() for broken in ways]


@pytest.fixture
def written(shop: Shop, engine: Engine) -> Engine:
    """A coupon that a friend has taken, one that is offered, and one that is just held."""
    now, throttle = clock.now(), shop.parts.throttle
    owner, friend = shop.member().member_id, shop.member().member_id
    taken, offered, _ = give(live_template(now, transferable=True), owner, now, 3)
    link = transfer.offer(member_id=owner, coupon_id=taken, throttle=throttle, now=now)
    request = idempotency.Request(scope=f"member:{friend}", key="k", hash=b"h" * 32)
    transfer.take(member_id=friend, secret=link.secret, request=request, throttle=throttle, now=now)
    transfer.offer(member_id=owner, coupon_id=offered, throttle=throttle, now=now)
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(HOLDER_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
