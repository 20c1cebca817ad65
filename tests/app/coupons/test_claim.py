"""Claiming: within limits and stock, once for a key, however many come at once."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, idempotency
from app.coupons.claim import Claimed, claim
from app.coupons.issue import CouponLimitReached, CouponNotAvailable, CouponsUsedUp
from app.errors import DomainError, NotFound
from app.idempotency import KeyReused
from tests.conftest import rows
from tests.coupons import live_template
from tests.racing import race
from tests.shop import Shop

CENTRE = {"in_centre": True}
TWICE = "SELECT 1 FROM coupons GROUP BY template_id HAVING count(*) > 1"


def claimed(template_id: str, member_id: int, key: str, **changes: Any) -> Claimed:
    request = idempotency.Request(scope=f"member:{member_id}", key=key, hash=b"h" * 32)
    given: dict[str, Any] = {"template_id": template_id, "claim_key": None, "now": clock.now()} | changes
    return claim(member_id=member_id, request=request, **given)


def outcome(run: Any) -> str:
    try:
        run()
    except DomainError as error:
        return error.code
    return "claimed"


def drop(engine: Engine, table: str, constraint: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))


def goes_wrong(engine: Engine, one_round: Callable[[int], None], wrong: str) -> None:
    """Within twenty rounds."""
    for number in range(20):
        one_round(number)
        if rows(engine, wrong):
            return
    pytest.fail("all went well in every round")


def test_a_claim_writes_coupon_event_answer_and_stock(shop: Shop, engine: Engine) -> None:
    template, member = live_template(clock.now(), stock=3, terms=CENTRE), shop.member().member_id
    first = claimed(template, member, "k")
    assert claimed(template, member, "k") == first
    assert rows(engine, "SELECT id, nth, source, source_id, state, member_id, issued_to FROM coupons") == [
        (first.coupon_id, 1, "claim", first.coupon_id, "held", member, member)
    ]
    assert rows(engine, "SELECT kind, coupon_id, member_id FROM coupon_events") == [
        ("issued", first.coupon_id, member)
    ]
    assert rows(engine, "SELECT issued FROM coupon_stock") == [(1,)]
    with pytest.raises(KeyReused):
        claim(
            member_id=member,
            template_id=template,
            claim_key=None,
            request=idempotency.Request(scope=f"member:{member}", key="k", hash=b"x" * 32),
            now=clock.now(),
        )


def test_limits_and_stock_are_kept(shop: Shop, engine: Engine) -> None:
    now, member, other = clock.now(), shop.member().member_id, shop.member().member_id
    once = live_template(now, terms=CENTRE | {"per_member": 1})
    daily = live_template(now, terms=CENTRE | {"per_member_a_day": 1})
    two = live_template(now, stock=2, terms=CENTRE)
    for template in (once, daily, two):
        claimed(template, member, f"{template}-1")
    with pytest.raises(CouponLimitReached) as refused:
        claimed(once, member, "again")
    assert refused.value.data == {"limit": 1, "per": "member"}
    with pytest.raises(CouponLimitReached) as refused:
        claimed(daily, member, "again")
    assert refused.value.data == {"limit": 1, "per": "day"}
    claimed(daily, member, "tomorrow", now=now + timedelta(days=1))
    claimed(two, other, "second")
    with pytest.raises(CouponsUsedUp):
        claimed(two, other, "third")
    assert rows(engine, "SELECT count(*) FROM coupons") == [(5,)]


def test_only_what_is_live_open_and_meant_for_claims_is_claimed(shop: Shop, engine: Engine) -> None:
    now, member = clock.now(), shop.member().member_id
    hour = timedelta(hours=1)
    between = {"kind": "between", "begins_at": now - 2 * hour, "ends_at": now + hour}
    for terms, refusal in (
        ({"in_centre": False}, NotFound),
        (CENTRE | {"state": "draft"}, NotFound),
        (CENTRE | {"state": "in_review"}, NotFound),
        (CENTRE | {"state": "stopped"}, CouponNotAvailable),
        (CENTRE | {"claim_from": now + hour, "claim_until": now + 2 * hour}, CouponNotAvailable),
        (CENTRE | {"claim_from": now - hour, "claim_until": now}, CouponNotAvailable),
    ):
        with pytest.raises(refusal):
            claimed(live_template(now, terms=terms), member, "k", now=now)
    with pytest.raises(NotFound):
        claimed("0" * 26, member, "k")
    texts = {name: at.isoformat() if name != "kind" else at for name, at in between.items()}
    ended = live_template(now, terms=CENTRE, validity=texts)
    assert claimed(ended, member, "k", now=now).valid_until == between["ends_at"]
    with pytest.raises(CouponNotAvailable):
        claimed(ended, member, "late", now=now + hour)
    assert rows(engine, "SELECT count(*) FROM coupons") == [(1,)]


def test_a_claim_key_opens_what_is_not_in_the_centre(shop: Shop) -> None:
    now, member = clock.now(), shop.member().member_id
    hidden = live_template(now, terms={"claim_key": "key-of-a-link"})
    with pytest.raises(NotFound):
        claimed(hidden, member, "a")
    with pytest.raises(NotFound):
        claimed(None, member, "b", claim_key="key-of-another-link")  # type: ignore[arg-type]
    assert claimed(None, member, "c", claim_key="key-of-a-link")  # type: ignore[arg-type]


def test_thirty_two_members_share_the_last_coupons(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now(), stock=5, terms=CENTRE)
    members = [shop.member().member_id for _ in range(32)]
    found = race(32, lambda n: outcome(lambda: claimed(template, members[n], f"k{n}")))
    assert sorted(found) == ["claimed"] * 5 + ["coupons_used_up"] * 27
    assert rows(engine, "SELECT issued, (SELECT count(*) FROM coupons) FROM coupon_stock") == [(5, 5)]


def test_one_member_who_asks_often_at_once_gets_what_one_may(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now(), terms=CENTRE | {"per_member": 2})
    member = shop.member().member_id
    found = race(32, lambda n: outcome(lambda: claimed(template, member, f"k{n}")))
    assert sorted(found) == ["claimed"] * 2 + ["coupon_limit_reached"] * 30
    assert rows(engine, "SELECT nth FROM coupons ORDER BY nth") == [(1,), (2,)]


def test_one_key_at_once_is_one_coupon(shop: Shop, engine: Engine) -> None:
    template, member = live_template(clock.now(), stock=9, terms=CENTRE), shop.member().member_id
    assert len(set(race(32, lambda _: claimed(template, member, "k").coupon_id))) == 1
    assert rows(engine, "SELECT issued, (SELECT count(*) FROM coupons) FROM coupon_stock") == [(1, 1)]


@pytest.mark.long
class TestWithoutTheGuards:
    """The controls: what the look has seen alone keeps nothing, or the races above prove nothing."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def test_more_are_given_than_there_are(self, shop: Shop, engine: Engine) -> None:
        drop(engine, "coupon_stock", "ck_coupon_stock_never_over")

        def one_round(number: int) -> None:
            template = live_template(clock.now(), stock=1, terms=CENTRE)
            members = [shop.member().member_id for _ in range(16)]
            race(16, lambda n: outcome(lambda: claimed(template, members[n], f"{number}-{n}")))

        goes_wrong(engine, one_round, "SELECT 1 FROM coupon_stock WHERE issued > stock")

    def test_one_member_gets_more_than_one_may(self, shop: Shop, engine: Engine) -> None:
        drop(engine, "coupons", "uq_coupons_template_id_issued_to_nth")

        def one_round(number: int) -> None:
            template = live_template(clock.now(), terms=CENTRE | {"per_member": 1})
            member = shop.member().member_id
            race(16, lambda n: outcome(lambda: claimed(template, member, f"{number}-{n}")))

        goes_wrong(engine, one_round, TWICE)

    def test_one_key_is_more_than_one_coupon(self, shop: Shop, engine: Engine) -> None:
        drop(engine, "idempotency_keys", "pk_idempotency_keys")
        drop(engine, "coupons", "uq_coupons_template_id_issued_to_nth")

        def one_round(number: int) -> None:
            template, member = live_template(clock.now(), terms=CENTRE), shop.member().member_id
            # Who looks again finds two answers where there can be only one.
            with suppress(ValueError):
                race(16, lambda _: outcome(lambda: claimed(template, member, f"k{number}")))

        goes_wrong(engine, one_round, TWICE)
