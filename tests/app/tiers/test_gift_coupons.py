"""Coupons that come with the points of a tier, or of a birthday, and go with them."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app import clock
from app.staff.roles import Grant
from app.tiers import birthdays
from app.tiers.plan import PlanMalformed
from tests.app.tiers.shopping import LEVELS, Custom, later, set_plan
from tests.app.tiers.test_birthdays import DAY, TODAY, born, noon
from tests.app.tiers.test_birthdays import given as birthday_points
from tests.app.tiers.test_void import back
from tests.conftest import rows
from tests.coupons import live_template, use
from tests.shop import Shop

HELD = "SELECT source, state, member_id FROM coupons ORDER BY coupon_no"


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    return Custom(shop, engine)


def test_a_coupon_comes_with_a_tier_and_goes_with_it(custom: Custom, engine: Engine) -> None:
    template = live_template(clock.now())
    silver = {**LEVELS[1], "gift_coupon": template}
    set_plan(at=clock.now() - timedelta(hours=1), levels=[LEVELS[0], silver, LEVELS[2]])
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    assert custom.gifts(phone) == [50]
    assert rows(engine, HELD) == [("tier_gift", "held", phone.member_id)]
    custom.works(at=later(3))
    anna = custom.shop.person("anna", Grant("clerk", custom.shop.store.id))
    back(custom, sale, anna)
    custom.works(at=later(5))
    assert custom.tier(phone) == "normal"
    assert rows(engine, HELD) == [("tier_gift", "void", phone.member_id)]


@pytest.mark.parametrize("uses", [1, 3])
def test_what_was_used_of_a_tiers_coupon_is_not_given_again(
    custom: Custom, engine: Engine, uses: int
) -> None:
    """Or ringing up, using it and voiding over and over would each time bring another."""
    template = live_template(clock.now(), uses=uses)
    silver = {**LEVELS[1], "gift_coupon": template}
    set_plan(at=clock.now() - timedelta(hours=1), levels=[LEVELS[0], silver, LEVELS[2]])
    anna, phone = custom.shop.person("anna", Grant("clerk", custom.shop.store.id)), custom.shop.member()
    for turn in range(3):
        sale = custom.buys(phone, 12_000, at=later(61 * turn))
        custom.works(at=later(61 * turn + 1))
        if turn == 0:
            [(held,)] = rows(engine, "SELECT id FROM coupons")
            assert use(custom.shop, str(held), phone.member_id, later(3))
        if turn < 2:
            back(custom, sale, anna)
            custom.works(at=later(61 * turn + 2))
    assert custom.tier(phone) == "silver"
    assert custom.gifts(phone) == [50, 50, 50], "points that are spent are owed"
    state = "used" if uses == 1 else "void"
    assert rows(engine, HELD) == [("tier_gift", state, phone.member_id)]


def test_a_tiers_coupon_that_was_not_used_is_given_again(custom: Custom, engine: Engine) -> None:
    silver = {**LEVELS[1], "gift_coupon": live_template(clock.now())}
    set_plan(at=clock.now() - timedelta(hours=1), levels=[LEVELS[0], silver, LEVELS[2]])
    anna, phone = custom.shop.person("anna", Grant("clerk", custom.shop.store.id)), custom.shop.member()
    back(custom, custom.buys(phone, 12_000, at=later(0)), anna)
    custom.works(at=later(2))
    sale = custom.buys(phone, 12_000, at=later(61))
    custom.works(at=later(62))
    back(custom, sale, anna)
    custom.works(at=later(63))
    custom.buys(phone, 12_000, at=later(122))
    custom.works(at=later(123))
    assert rows(engine, HELD) == [("tier_gift", state, phone.member_id) for state in ("void", "held")]


def test_a_coupon_comes_with_a_birthday_once(custom: Custom, engine: Engine) -> None:
    template = live_template(clock.now())
    normal = {"code": "normal", "at_least": 0, "birthday_points": 20, "birthday_coupon": template}
    set_plan(at=clock.now() - 300 * DAY, levels=[normal])
    phone = born(custom.shop, TODAY)
    assert [birthdays.give(now=noon(TODAY) + hour * DAY / 24) for hour in (0, 1)] == [1, 0]
    assert birthday_points(phone) == [20]
    assert rows(engine, HELD) == [("birthday_gift", "held", phone.member_id)]


def test_the_points_come_even_when_the_coupons_are_gone(custom: Custom, engine: Engine) -> None:
    template = live_template(clock.now(), stock=0)
    normal = {"code": "normal", "at_least": 0, "birthday_points": 20, "birthday_coupon": template}
    silver = {**LEVELS[1], "gift_coupon": template}
    set_plan(at=clock.now() - 300 * DAY, levels=[normal, silver])
    phone = born(custom.shop, TODAY)
    assert birthdays.give(now=noon(TODAY)) == 1
    assert birthday_points(phone) == [20]
    custom.buys(phone, 12_000)
    custom.works()
    assert custom.gifts(phone) == [50]
    assert rows(engine, HELD) == []
    missed = "SELECT action, data ->> 'refusal' FROM audit_log WHERE action LIKE '%coupon_missed' ORDER BY id"
    assert rows(engine, missed) == [
        ("birthday_gift.coupon_missed", "coupons_used_up"),
        ("tier_gift.coupon_missed", "coupons_used_up"),
    ]


def test_a_plan_names_live_templates_beside_points(custom: Custom) -> None:
    stopped = live_template(clock.now(), stock=1)
    wrong = [
        {**LEVELS[1], "gift_coupon": "0" * 26},
        {**LEVELS[1], "gift_points": 0, "gift_coupon": stopped},
        {**LEVELS[1], "birthday_coupon": stopped},
    ]
    for silver in wrong:
        with pytest.raises(PlanMalformed):
            set_plan(levels=[LEVELS[0], silver])
