"""Coupons are issued within their limits and their stock, and once for each cause."""

import pytest
from sqlalchemy import Engine

from app import clock, db
from app.coupons.issue import (
    CouponLimitReached,
    CouponNotAvailable,
    CouponsUsedUp,
    Issued,
    Source,
    issue,
)
from app.errors import NotFound
from tests.conftest import rows
from tests.coupons import live_template
from tests.racing import race
from tests.shop import Shop


def issued(template_id: str, member_id: int, source_id: str, count: int = 1) -> tuple[Issued, ...]:
    source = Source(kind="grant", id=source_id)
    with db.transaction() as session:
        return issue(
            session,
            template_id=template_id,
            member_id=member_id,
            count=count,
            source=source,
            now=clock.now(),
        )


def test_coupons_are_issued_once_for_a_cause(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now())
    member = shop.member().member_id
    first = issued(template, member, "one", count=2)
    assert issued(template, member, "one", count=2) == first
    assert rows(engine, "SELECT nth, source_line, state FROM coupons ORDER BY nth") == [
        (1, 0, "held"),
        (2, 1, "held"),
    ]
    assert rows(engine, "SELECT count(*) FROM coupon_events WHERE kind = 'issued'") == [(2,)]


def test_limits_and_stock_are_kept_and_nothing_of_a_refusal_stays(shop: Shop, engine: Engine) -> None:
    now, member = clock.now(), shop.member().member_id
    with pytest.raises(NotFound):
        issued("0" * 26, member, "none")
    with pytest.raises(CouponLimitReached):
        issued(live_template(now, terms={"per_member": 1}), member, "a", count=2)
    with pytest.raises(CouponLimitReached):
        issued(live_template(now, terms={"per_member_a_day": 1}), member, "b", count=2)
    with pytest.raises(CouponsUsedUp):
        issued(live_template(now, stock=1), member, "c", count=2)
    with pytest.raises(CouponNotAvailable):
        issued(live_template(now, terms={"state": "stopped"}), member, "d")
    assert rows(engine, "SELECT count(*) FROM coupons") == [(0,)]


def test_sixteen_at_once_get_no_more_than_the_stock(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now(), stock=5)
    members = [shop.member().member_id for _ in range(16)]

    def run(n: int) -> str:
        try:
            issued(template, members[n], f"race-{n}")
        except CouponsUsedUp as error:
            return error.code
        return "issued"

    assert sorted(race(16, run)) == ["coupons_used_up"] * 11 + ["issued"] * 5
    assert rows(engine, "SELECT issued FROM coupon_stock") == [(5,)]
