"""A sale that should not have been recorded takes tier and gift with it; one that was returned does not."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, db
from app.clock import business_date
from app.ledger.post import Cause, Posting, post
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.tiers import gifts, recompute
from tests.app.tiers.shopping import Custom, later, set_plan
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop

HOUR = timedelta(hours=1)


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    set_plan(at=clock.now() - HOUR)
    return Custom(shop, engine)


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


def back(custom: Custom, sale_id: str, who: StaffView, reason: str = "void", **more: Any) -> None:
    body = {"refund_no": uuid.uuid4().hex, "reason": reason, **custom.shop.proof(who), **more}
    answer = custom.shop.till.post(f"/sales/{sale_id}/refunds", body)
    assert answer.json.get("state") == "done", answer.json


def gift_entries(phone: Phone) -> list[tuple[str, int]]:
    entries = phone.get("/me/points/entries").json["items"]
    return [(one["reason"], one["points"]) for one in reversed(entries) if "tier_gift" in one["reason"]]


def sound(at: datetime | None = None) -> bool:
    return list(recompute.differences(until=at or later())) == []


def test_the_tier_goes_back_at_once_and_the_gift_with_it(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    between = later()
    assert (custom.tier(phone), gift_entries(phone)) == ("silver", [("tier_gift", 50)])
    back(custom, sale, anna)
    custom.works(at=later(5))
    assert custom.tier(phone) == "normal"
    assert custom.changes(phone) == [
        (1, "upgrade", "normal", "silver", 50),
        (2, "void", "silver", "normal", 0),
    ]
    assert gift_entries(phone) == [("tier_gift", 50), ("tier_gift_back", -50)]
    assert phone.get("/me/points").json["points"] == 0
    assert phone.get("/me/tier").json["amount"] == 0
    assert sound()
    assert between < later()


def test_rung_up_again_it_brings_tier_and_gift_again(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    for turn in range(3):
        sale = custom.buys(phone, 12_000, at=later(61 * turn))
        custom.works(at=later(61 * turn + 1))
        if turn < 2:
            back(custom, sale, anna)
            custom.works(at=later(61 * turn + 2))
    assert custom.tier(phone) == "silver"
    assert gift_entries(phone) == [("tier_gift", 50), ("tier_gift_back", -50)] * 2 + [("tier_gift", 50)]
    assert rows(custom.engine, "SELECT gift_no FROM tier_changes WHERE gift_points > 0 ORDER BY seq") == [
        (1,),
        (2,),
        (3,),
    ]


def test_a_returned_sale_keeps_tier_and_gift(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    back(custom, sale, anna, "returned")
    custom.works(at=later(5))
    assert (custom.tier(phone), gift_entries(phone)) == ("silver", [("tier_gift", 50)])


def test_a_sale_that_went_back_in_part_can_still_turn_out_void(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    back(custom, sale, anna, "returned", amount_fen=5_000)
    custom.works(at=later(5))
    assert custom.tier(phone) == "silver"
    back(custom, sale, anna)
    custom.works(at=later(10))
    assert (custom.tier(phone), len(gift_entries(phone))) == ("normal", 2)


def test_other_sales_that_are_enough_keep_the_tier(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 11_000, at=later(-600))
    custom.buys(phone, 11_000, at=later(-300))
    custom.works()
    back(custom, sale, anna)
    custom.works(at=later(5))
    assert (custom.tier(phone), gift_entries(phone)) == ("silver", [("tier_gift", 50)])


def test_two_gifts_that_rest_on_it_go_and_the_lower_tier_keeps_its_own(
    custom: Custom, anna: StaffView
) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 25_000, at=later(-600))
    custom.buys(phone, 12_000, at=later(-300))
    custom.works()
    assert custom.tier(phone) == "gold"
    back(custom, sale, anna)
    custom.works(at=later(5))
    assert custom.tier(phone) == "silver"
    assert gift_entries(phone) == [("tier_gift", 50), ("tier_gift", 200), ("tier_gift_back", -200)]
    assert sound(later(70))


def test_a_gift_that_was_spent_is_owed(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    now = later(2)  # after the gift
    spent = Cause(
        kind="adjust",
        source_type="test",
        source_id="all",
        occurred_at=now,
        business_date=business_date(now, "UTC"),
    )
    with db.transaction() as session:
        post(
            session,
            spent,
            [Posting(member_id=phone.member_id, unit="points", amount=-170, house="points_spent")],
        )
    back(custom, sale, anna)
    custom.works(at=later(5))
    assert rows(custom.engine, "SELECT balance FROM ledger_accounts WHERE unit = 'points_owed'") == [(170,)]


def test_a_sale_voided_before_anybody_decided_gives_nothing(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    back(custom, custom.buys(phone, 12_000), anna)
    custom.works(at=later(5))
    assert (custom.tier(phone), gift_entries(phone)) == ("normal", [])
    assert sound()


def test_sixteen_workers_take_it_back_once(custom: Custom, anna: StaffView) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    back(custom, sale, anna)
    custom.relays(at=later(5))
    race(16, lambda _: custom.works(at=later(6)))
    assert gift_entries(phone) == [("tier_gift", 50), ("tier_gift_back", -50)]


def test_a_worker_that_dies_before_leaves_it_to_the_next(
    custom: Custom, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = custom.shop.member()
    sale = custom.buys(phone, 12_000)
    custom.works()
    back(custom, sale, anna)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(gifts, "give", die)
        with pytest.raises(KeyboardInterrupt):
            custom.works(at=later(5))
    assert len(gift_entries(phone)) == 1
    custom.works(at=later(45))
    assert gift_entries(phone) == [("tier_gift", 50), ("tier_gift_back", -50)]
    assert custom.works(at=later(45) + timedelta(minutes=1)) == 0
