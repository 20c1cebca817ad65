"""Each question about coupons finds the violation it is there for."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, idempotency
from app.approvals.second_person import Waiting
from app.audit import Actor
from app.checkout.decide import decide
from app.checkout.grant_coupon import grant as give_at_till
from app.coupons import change_template, grant, grant_run, recall
from app.coupons.face import face_of
from app.coupons.grant_rows import Row, by_number
from app.coupons.policy import CouponPolicy
from app.coupons.template import Draft
from app.coupons.terms import Terms
from app.ledger.check_coupons import COUPON_QUESTIONS
from app.staff.roles import Grant
from app.stores.tills import till_of_key
from tests.adjusting import member_no
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.app.stored_value.offering import offer, ticket, topped_up
from tests.coupons import TEN_OFF
from tests.quoting import set_policy
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "as many coupons of a stock are out as it says": [
        "UPDATE coupon_stock SET issued = issued + 1",
        "DELETE FROM coupons",
        "ALTER TABLE coupon_stock DROP CONSTRAINT ck_coupon_stock_never_over; UPDATE coupon_stock SET stock = 0",
    ],
    "coupons of a member are counted without a gap": [
        "UPDATE coupons SET nth = nth + 10 WHERE nth = 1",
        "DELETE FROM coupons WHERE nth = 1",
    ],
    "nobody was issued more than the widest limit there was": [
        "UPDATE audit_log SET"
        " data = jsonb_set(data, '{terms,per_member}', '1') WHERE object_type = 'coupon_template'",
        "UPDATE audit_log SET data = jsonb_set(data, '{terms,per_member_a_day}', '1')"
        " WHERE object_type = 'coupon_template'",
    ],
    "no clerk gave away more on a day than the widest limit there was": [
        "UPDATE audit_log SET data = jsonb_set(data, '{terms,per_clerk_a_day}', '0')"
        " WHERE object_type = 'coupon_template'",
    ],
    "a clerk's gift has its name and its line in the audit log": [
        "DELETE FROM audit_log WHERE action = 'coupon.give'",
        "UPDATE coupons SET granted_by = NULL WHERE source = 'clerk'",
    ],
    "a coupon is as its face says": [
        "UPDATE coupons SET uses = uses + 1",
        "UPDATE coupons SET uses = 4 WHERE uses = 3",
        "UPDATE coupon_grant_members SET uses = NULL WHERE uses = 3",
        "UPDATE coupon_grant_members SET uses = 11 WHERE uses = 3; UPDATE coupons SET uses = 11 WHERE uses = 3",
        "UPDATE coupon_faces SET face = face || '{\"uses\": 7}'",
        "UPDATE coupon_faces SET template_id = 'x' || left(template_id, 25)",
    ],
    "how a coupon began and that it was recalled is told, and nothing else": [
        "DELETE FROM coupon_events WHERE kind = 'issued'",
        "UPDATE coupon_events SET member_id = member_id + 1 WHERE kind = 'issued'",
        "INSERT INTO coupon_events (coupon_id, kind, member_id, at) SELECT coupon_id, kind, member_id, at"
        " FROM coupon_events WHERE kind = 'issued'",
        "DELETE FROM coupon_events WHERE kind = 'recalled'",
        "UPDATE coupons SET state = 'held' WHERE state = 'void'",
        "UPDATE coupons SET state = 'void'",
    ],
    "a grant gave what it says, to whom it says": [
        "UPDATE coupon_grant_members SET state = 'left' WHERE state = 'issued'",
        "UPDATE coupon_grant_members SET state = 'issued', refusal = NULL, member_id = 1000 + place"
        " WHERE state = 'refused'",
        "UPDATE coupons SET source_id = 'x' || source_id WHERE source = 'grant'",
        "UPDATE coupon_grants SET coupons = coupons + 1",
        "UPDATE coupons SET valid_until = valid_until + interval '1 day' WHERE uses = 3",
        "UPDATE coupon_grants SET state = 'waiting', approval_id = 'x' || left(id, 25) WHERE approval_id IS NULL",
    ],
    "a top-up gave the coupons of its offer, or the audit log says why not": [
        "DELETE FROM coupons WHERE source = 'top_up'",
        "UPDATE coupons SET source_id = 'another' WHERE source = 'top_up'",
        "INSERT INTO audit_log (at, actor_type, action, object_type, object_id, data) SELECT credited_at, 'system',"
        " 'top_up.coupons_missed', 'top_up', id, '{}' FROM top_ups",
        "UPDATE top_up_offers SET coupon_count = 2",
    ],
    "a recall took what it says": [
        "UPDATE coupon_recalls SET recalled = recalled + 1",
        "DELETE FROM audit_log WHERE action = 'coupons.recall'",
        "UPDATE coupon_recalls SET state = 'closed', approval_id = 'x' || left(id, 25), done_at = NULL",
    ],
    "many coupons given or recalled had a second person": [
        "ALTER TABLE coupon_grants DROP CONSTRAINT ck_coupon_grants_second_person;"
        "UPDATE coupon_grants SET alone_grants = 0 WHERE approval_id IS NULL",
        "ALTER TABLE coupon_recalls DROP CONSTRAINT ck_coupon_recalls_second_person;"
        "UPDATE coupon_recalls SET alone_recalls = 0",
        "UPDATE approval_requests SET state = 'rejected' WHERE kind = 'coupon_grant'",
        "UPDATE approval_requests SET requested_by = 99 WHERE kind = 'coupon_grant'",
        "DELETE FROM approval_requests WHERE kind = 'coupon_grant'",
    ],
    "what a template gives was agreed to by a second person": [
        "UPDATE approval_requests SET state = 'rejected' WHERE kind = 'coupon_template'",
        "UPDATE audit_log SET data = data - 'approval_id' WHERE action = 'coupon_template.publish'",
    ],
    "the guards of coupons are in place": [
        "ALTER TABLE coupons DISABLE TRIGGER coupons_kept",
        "DROP TRIGGER coupon_grants_kept ON coupon_grants",
        "ALTER TABLE coupon_recalls DISABLE TRIGGER coupon_recalls_kept",
        "ALTER TABLE coupons DROP CONSTRAINT uq_coupons_template_id_issued_to_nth",
        "ALTER TABLE coupon_stock DROP CONSTRAINT ck_coupon_stock_never_over",
        "ALTER TABLE coupon_grants DROP CONSTRAINT ck_coupon_grants_second_person",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


def live(asks: int, agrees: int, **face: Any) -> str:
    """A template that one made and another agreed to."""
    terms = Terms(per_member=10, per_member_a_day=10, per_clerk_a_day=2, stock=50)
    draft = Draft(face=face_of(TEN_OFF | face), terms=terms)
    actor = Actor(type="staff", id=asks)
    made = change_template.create(draft=draft, actor=actor, now=clock.now())
    waiting = change_template.submit(template_id=made.id, version=1, actor=actor, now=clock.now())
    assert isinstance(waiting, Waiting)
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=agrees, now=clock.now())
    return made.id


def request(key: str) -> idempotency.Request:
    return idempotency.Request(scope="test", key=key, hash=b"")


def started(shop: Shop, wish: grant.Wish, asks: int) -> grant.Granted:
    return grant.start(
        wish=wish, staff_id=asks, request=request(wish.reason), vault=shop.parts.phones, now=clock.now()
    )


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """A template that was agreed to; grants by one person and by two, a clerk's gifts, and a recall."""
    asks, agrees = (shop.person(login, Grant("admin", None)).id for login in ("asks", "agrees"))
    template = live(asks, agrees)
    first, second = shop.member(), shop.member()
    names = [member_no(first), member_no(second), "nobody"]
    made = []
    for key, count in (("one", 2), ("two", 1)):
        wish = grant.Wish(template_id=template, rows=by_number(names), count=count, reason=key)
        made.append(started(shop, wish, asks).grant_id)
        grant_run.run(made[-1], now=clock.now())
    card = live(asks, agrees, uses=10)
    held = [Row(member_no=names[0], uses_left=3, valid_through=clock.now().date() + timedelta(days=9))]
    brought = grant.Wish(template_id=card, rows=held, count=1, reason="three left")
    grant_run.run(started(shop, brought, asks).grant_id, now=clock.now())
    set_policy(CouponPolicy, alone_grants=1)
    many = grant.Wish(template_id=template, rows=by_number(names), count=1, reason="many")
    started(shop, many, asks)
    with engine.connect() as connection:
        [waiting] = connection.exec_driver_sql(
            "SELECT id FROM approval_requests WHERE state = 'pending'"
        ).scalars()
    decide(approval_id=waiting, agree=True, stores=None, staff_id=agrees, now=clock.now())
    assert grant_run.sweep(now=clock.now()) == 1
    clerk = shop.person("anna", Grant("clerk", shop.store.id))
    give_at_till(
        till=till_of_key(shop.till.key).naming(clerk.staff_no),
        ticket=ticket(shop, first, clerk=clerk),
        template_id=template,
        request=request("till"),
        now=clock.now(),
    )
    wish = recall.Wish(template_id=template, source_id=made[1], reason="mistake")
    assert recall.recall(wish=wish, staff_id=asks, request=request("back"), now=clock.now()).recalled == 2
    gift = offer(coupon_template_id=template, coupon_count=1)
    assert topped_up(shop, second, offer_id=gift.id).json["coupons"] == 1
    assert promises_broken(engine) == set()
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(COUPON_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
