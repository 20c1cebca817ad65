"""Coupons that come with a top-up, and go with its refund."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, db
from app.approvals.second_person import Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.coupons import change_template
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stored_value import coupons
from app.stored_value.change_offer import create
from app.stored_value.offers import Draft, OfferMalformed
from tests.app.stored_value.offering import offer, set_value_policy, ticket, topped_up
from tests.app.stored_value.refunding import refunded, set_refund_policy
from tests.conftest import rows
from tests.coupons import give, live_template, use
from tests.shop import Phone, Shop


@pytest.fixture
def clerk(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


def gift(template: str, count: int = 2, **changes: Any) -> int:
    """An offer of 100.00 that gives nothing but coupons."""
    values = {"pay_fen": 10_000, "bonus_fen": 0, "points": 0, **changes}
    return offer(coupon_template_id=template, coupon_count=count, **values).id


def taken(shop: Shop, phone: Phone, offer_id: int, **more: Any) -> Any:
    return topped_up(shop, phone, offer_id=offer_id, amount_fen=10_000, **more)


def states(engine: Engine) -> list[str]:
    return [str(state) for (state,) in rows(engine, "SELECT state FROM coupons ORDER BY coupon_no")]


def test_coupons_come_with_the_top_up_and_go_with_its_refund(
    shop: Shop, clerk: StaffView, engine: Engine
) -> None:
    phone = shop.member()
    answer = taken(shop, phone, gift(live_template(clock.now())), key="k")
    assert (answer.status_code, answer.json["coupons"]) == (201, 2)
    held = rows(engine, "SELECT source, source_id, store_id, member_id FROM coupons")
    assert held == [("top_up", answer.json["id"], shop.store.id, phone.member_id)] * 2
    [shown] = shop.till.get("/topups/offers").json["items"]
    assert shown["coupons"] == 2
    back = refunded(shop, answer.json["id"], clerk, 10_000, ticket=ticket(shop, phone, clerk=clerk))
    assert back.json["state"] == "done", back.json
    assert (back.json["coupons_taken"], back.json["coupons_used"]) == (2, 0)
    assert states(engine) == ["void", "void"]


def test_what_was_used_is_told_and_any_refund_ends_the_gift(
    shop: Shop, clerk: StaffView, engine: Engine
) -> None:
    phone = shop.member()
    template = live_template(clock.now(), effect={"kind": "free"}, uses=2)
    top_up = taken(shop, phone, gift(template)).json["id"]
    [(first,), (second,)] = rows(engine, "SELECT id FROM coupons ORDER BY coupon_no")
    assert [use(shop, str(coupon), phone.member_id) for coupon in (first, first, second)] == [True] * 3
    here = {"ticket": ticket(shop, phone, clerk=clerk), "principal_fen": 1_000}
    back = refunded(shop, top_up, clerk, 1_000, **here)
    assert (back.json["coupons_taken"], back.json["coupons_used"]) == (1, 2)
    assert states(engine) == ["used", "void"]
    here = {"ticket": ticket(shop, phone, clerk=clerk)}
    rest = refunded(shop, top_up, clerk, 9_000, **here)
    assert (rest.json["coupons_taken"], rest.json["coupons_used"]) == (0, 2)


def test_what_was_used_before_a_refund_is_not_given_with_the_next_top_up(
    shop: Shop, clerk: StaffView, engine: Engine
) -> None:
    """Or paying in, using the coupon and taking the money back over and over would each time bring another."""
    set_refund_policy(alone_absent_fen=10_000)
    phone, wanted = shop.member(), gift(live_template(clock.now()), 1)

    def and_back(*, uses: bool) -> None:
        top_up = taken(shop, phone, wanted).json["id"]
        [(coupon,)] = rows(engine, "SELECT id FROM coupons WHERE source_id = :id", id=top_up)
        assert not uses or use(shop, str(coupon), phone.member_id)
        assert refunded(shop, top_up, clerk, 10_000).json["state"] == "done"

    and_back(uses=False)
    and_back(uses=True)
    assert taken(shop, phone, wanted).json["code"] == "offer_used_up"
    assert taken(shop, shop.member(), wanted).status_code == 201
    other = gift(live_template(clock.now()), 1)
    assert taken(shop, phone, other).status_code == 201, "of that they have used none"


@pytest.mark.parametrize(("what", "terms"), [("stock", {}), ("limit", {"per_member": 2}), ("stopped", {})])
def test_an_offer_whose_coupons_are_not_to_be_had_is_refused(
    shop: Shop, engine: Engine, what: str, terms: dict[str, Any]
) -> None:
    phone = shop.member()
    template = live_template(clock.now(), stock=2 if what == "stock" else None, terms=terms)
    offered = gift(template)
    if what == "stopped":
        change_template.stop(template_id=template, version=1, actor=OPERATOR, now=clock.now())
    else:
        give(template, phone.member_id, clock.now())
    refused = taken(shop, phone, offered)
    assert (refused.status_code, refused.json["code"]) == (409, "offer_used_up")
    assert rows(engine, "SELECT count(*) FROM top_ups") == [(0,)]


def test_what_waited_is_credited_even_when_its_coupons_are_gone(
    shop: Shop, clerk: StaffView, engine: Engine
) -> None:
    phone = shop.member()
    boss = shop.person("boss", Grant("manager", shop.store.id))
    template = live_template(clock.now(), stock=2)
    offered = gift(template)
    set_value_policy(alone_top_up_fen=5_000)
    waiting = taken(shop, phone, offered, clerk=clerk).json
    assert (waiting["state"], waiting["coupons"]) == ("waiting", 0)
    give(template, shop.member().member_id, clock.now())
    decide(approval_id=waiting["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now())
    assert rows(engine, "SELECT state FROM top_ups") == [("credited",)]
    assert rows(engine, "SELECT count(*) FROM coupons WHERE source = 'top_up'") == [(0,)]
    missed = rows(engine, "SELECT data ->> 'refusal' FROM audit_log WHERE action = 'top_up.coupons_missed'")
    assert missed == [("coupons_used_up",)]
    assert rows(engine, "SELECT issued FROM coupon_stock") == [(1,)]


def test_trying_leaves_nothing_behind(shop: Shop, engine: Engine) -> None:
    template, member = live_template(clock.now(), stock=2), shop.member().member_id
    offered = offer(coupon_template_id=template, coupon_count=2)
    with db.transaction() as session:
        assert coupons.to_be_had(session, offered, member, now=clock.now())
    assert rows(engine, "SELECT issued FROM coupon_stock") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM coupons") == [(0,)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"coupon_count": 1},
        {"coupon_template_id": "0" * 26, "coupon_count": 1},
        {"coupon_template_id": "stopped", "coupon_count": 1},
        {"coupon_template_id": "live", "coupon_count": 0},
    ],
)
def test_what_makes_no_sense_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    if wrong.get("coupon_template_id") in ("live", "stopped"):
        state = wrong["coupon_template_id"]
        wrong = {**wrong, "coupon_template_id": live_template(clock.now())}
        if state == "stopped":
            change_template.stop(
                template_id=wrong["coupon_template_id"], version=1, actor=OPERATOR, now=clock.now()
            )
    with pytest.raises(OfferMalformed):
        offer(**wrong)


def test_more_coupons_than_one_may_offer_alone_wait(shop: Shop) -> None:
    chief = shop.person("chief", Grant("admin", None)).id
    actor = Actor(type="staff", id=chief)
    template = live_template(clock.now())
    draft: dict[str, Any] = {
        "name_zh": "充值送券",
        "name_en": "Coupons",
        "pay_fen": 10_000,
        "coupon_template_id": template,
    }
    alone = create(draft=Draft(**draft, coupon_count=1), actor=actor, now=clock.now())
    assert not isinstance(alone, Waiting)
    more = create(draft=Draft(**draft, coupon_count=2), actor=actor, now=clock.now())
    assert isinstance(more, Waiting)
