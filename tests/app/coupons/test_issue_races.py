"""Coupons that are issued at the same moment: to one member, and while the stock is being set."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.audit import OPERATOR
from app.coupons import change_template
from app.coupons import issue as issuing
from app.coupons.issue import CouponLimitReached, CouponsUsedUp
from app.coupons.template import CouponStockBelowIssued, Draft, locked, write
from app.coupons.template_listing import show
from app.coupons.terms import Terms
from tests.app.coupons.test_issue import issued
from tests.conftest import rows
from tests.coupons import live_template
from tests.racing import race
from tests.shop import Shop

RUNNERS = 16


def at_once(template_id: str, member_id: int) -> list[str]:
    def run(n: int) -> str:
        try:
            issued(template_id, member_id, f"race-{n}")
        except CouponLimitReached as error:
            return error.code
        except db.Busy:
            return "busy"
        return "issued"

    return sorted(race(RUNNERS, run))


def test_sixteen_at_once_for_one_member_keep_the_limit(shop: Shop) -> None:
    template = live_template(clock.now(), terms={"per_member": 3})
    assert at_once(template, shop.member().member_id) == ["coupon_limit_reached"] * 13 + ["issued"] * 3


def test_without_one_after_another_the_unique_key_alone_keeps_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nobody waits in a line, and they run into each other."""
    monkeypatch.setattr(issuing, "_ONE_AT_A_TIME", text("SELECT CAST(:words AS text)"))
    template = live_template(clock.now(), terms={"per_member": 3})
    assert "busy" in at_once(template, shop.member().member_id)


def test_whoever_claims_without_waiting_makes_it_busy_and_it_can_be_repeated(
    shop: Shop, engine: Engine
) -> None:
    """Somebody who does not stand in the line has written their coupon and not ended."""
    template, member = live_template(clock.now()), shop.member().member_id
    issued(template, member, "one")
    rival = """INSERT INTO coupons (id, template_id, face_id, issued_to, nth, source, source_id, issued_at, issued_on,
            uses, valid_from, valid_until, member_id)
        SELECT 'rival', template_id, face_id, issued_to, 2, 'claim', 'rival', issued_at, issued_on, uses, valid_from,
            valid_until, member_id FROM coupons"""
    told = (
        "INSERT INTO coupon_events (coupon_id, kind, member_id, at) VALUES ('rival', 'issued', :member, :at)"
    )
    with engine.connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text(rival))
        other.execute(text(told), {"member": member, "at": clock.now()})
        waiting = pool.submit(issued, template, member, "two")
        while not rows(engine, "SELECT FROM pg_locks WHERE NOT granted"):
            pass
        other.commit()
        with pytest.raises(db.Busy):
            waiting.result(60)
    assert len(issued(template, member, "two")) == 1


def stock_set_while_issuing(shop: Shop, template: str) -> None:
    """Fifteen get a coupon while the stock is set to eight."""
    members = [shop.member().member_id for _ in range(RUNNERS)]
    now = clock.now()
    face = show(template_id=template, store_ids=None, now=now).face
    draft = Draft(face=face, terms=Terms(stock=8))

    def run(n: int) -> None:
        try:
            if n == 0:
                with db.transaction() as session:
                    former = locked(session, template, 1, now=now)
                    write(session, former, draft, state="live", now=now)
            else:
                issued(template, members[n], f"race-{n}")
        except (CouponsUsedUp, CouponStockBelowIssued):
            pass

    race(RUNNERS, run)


def test_a_stock_that_is_set_meanwhile_counts_everybody(shop: Shop, engine: Engine) -> None:
    for _ in range(5):
        stock_set_while_issuing(shop, live_template(clock.now()))
    counted = """SELECT count(*) FROM coupon_stock s WHERE s.issued <>
        (SELECT count(*) FROM coupons c WHERE c.template_id = s.template_id)"""
    assert rows(engine, counted) == [(0,)]


@pytest.mark.usefixtures("impatient")
def test_who_had_looked_before_the_stock_was_set_is_counted(shop: Shop, engine: Engine) -> None:
    """Step by step: somebody has a coupon and has not ended, the stock waits for them."""
    template = live_template(clock.now())
    member = shop.member().member_id
    issued(template, member, "one")
    now = clock.now()
    change_template.stop(template_id=template, version=1, actor=OPERATOR, now=now)
    draft = Draft(face=show(template_id=template, store_ids=None, now=now).face, terms=Terms(stock=1))
    with engine.connect() as other:
        other.execute(text("SELECT FROM coupon_templates WHERE id = :id FOR KEY SHARE"), {"id": template})
        with pytest.raises(db.Busy):
            change_template.change(template_id=template, version=2, draft=draft, actor=OPERATOR, now=now)
        other.rollback()
    change_template.change(template_id=template, version=2, draft=draft, actor=OPERATOR, now=now)
    assert rows(engine, "SELECT stock, issued FROM coupon_stock") == [(1, 1)]
