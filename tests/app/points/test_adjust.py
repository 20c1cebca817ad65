"""Points moved by hand: alone within limits, above them only with a second person."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.approvals.listing import listing
from app.approvals.second_person import (
    LIFE,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalOutdated,
    ApproverDependsOnRequester,
    ApproverIsRequester,
)
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.db import Busy
from app.errors import NotFound
from app.ledger.post import NotEnough
from app.points.adjust import AdjustmentPolicy, AdjustmentTooLarge
from app.policies import change
from app.staff import accounts
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stores import setup
from app.withdrawal import withdraw
from tests.adjusting import adjusted, member_no
from tests.app.ledger import books
from tests.conftest import rows
from tests.racing import race
from tests.shop import BOSS, Phone, Shop


@pytest.fixture
def one(shop: Shop) -> StaffView:
    return shop.person("boss-1", Grant("manager", shop.store.id))


@pytest.fixture
def two(shop: Shop) -> StaffView:
    return shop.person("boss-2", Grant("manager", shop.store.id))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def set_policy(**value: Any) -> None:
    change(kind=AdjustmentPolicy, value=value, version=0, actor=OPERATOR, now=clock.now())


def say(approval_id: str | None, person: StaffView, *, agree: bool = True, **options: Any) -> None:
    assert approval_id is not None
    decide(
        approval_id=approval_id,
        agree=agree,
        stores=options.get("stores"),
        staff_id=person.id,
        now=options.get("now") or clock.now(),
    )


def test_within_the_limit_points_move_at_once(shop: Shop, phone: Phone, one: StaffView) -> None:
    given = adjusted(shop, phone, one.id, 500)
    assert (given.state, given.approval_id, given.points_after) == ("posted", None, 500)
    taken = adjusted(shop, phone, one.id, -120)
    assert taken.points_after == points(phone) == 380


def test_points_that_wait_are_not_among_those_after_it(shop: Shop, phone: Phone, one: StaffView) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    books.move(books.points(phone.member_id, 9, available_at=tomorrow), at=clock.now())
    assert adjusted(shop, phone, one.id, 20).points_after == points(phone) == 20


def test_the_member_sees_it_with_its_reason_and_its_end(shop: Shop, phone: Phone, one: StaffView) -> None:
    adjusted(shop, phone, one.id, 100)
    [entry] = phone.get("/me/points/entries").json["items"]
    assert (entry["reason"], entry["text"], entry["points"]) == ("adjust", "人工调整", 100)
    assert entry["store"] == shop.store.name
    assert entry["expires_at"] is not None


def test_above_the_limit_nothing_moves_until_another_agrees(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    asked = adjusted(shop, phone, one.id, 501)
    assert (asked.state, asked.points_after, points(phone)) == ("pending", None, 0)
    say(asked.approval_id, two)
    assert points(phone) == 501


def test_nobody_agrees_to_their_own(shop: Shop, phone: Phone, one: StaffView) -> None:
    asked = adjusted(shop, phone, one.id, 501)
    with pytest.raises(ApproverIsRequester):
        say(asked.approval_id, one)
    assert points(phone) == 0


def test_many_small_ones_are_a_large_one(shop: Shop, phone: Phone, one: StaffView) -> None:
    states = [adjusted(shop, phone, one.id, 500).state for _ in range(5)]
    assert states == ["posted"] * 4 + ["pending"]
    assert adjusted(shop, phone, one.id, -1).state == "pending"
    assert points(phone) == 2_000


def test_what_a_second_person_approved_does_not_use_up_the_day(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    say(adjusted(shop, phone, one.id, 50_000).approval_id, two)
    assert adjusted(shop, phone, one.id, 500).state == "posted"


def test_a_rejected_request_moves_nothing_ever(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    asked = adjusted(shop, phone, one.id, 900)
    say(asked.approval_id, two, agree=False)
    with pytest.raises(ApprovalDecided) as refusal:
        say(asked.approval_id, two)
    assert refusal.value.data == {"state": "rejected"}
    assert points(phone) == 0


def test_whoever_asked_may_withdraw(shop: Shop, phone: Phone, one: StaffView, two: StaffView) -> None:
    asked = adjusted(shop, phone, one.id, 900)
    say(asked.approval_id, one, agree=False)
    with pytest.raises(ApprovalDecided):
        say(asked.approval_id, two)
    [request] = listing(stores=None, pending=False, limit=9, before=None, now=clock.now())
    assert (request.state, request.requested_by) == ("withdrawn", request.decided_by)


def test_after_a_week_it_cannot_be_agreed_to(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    asked = adjusted(shop, phone, one.id, 900)
    later = clock.now() + LIFE
    with pytest.raises(ApprovalExpired):
        say(asked.approval_id, two, now=later)
    assert listing(stores=None, pending=True, limit=9, before=None, now=later) == []
    [request] = listing(stores=None, pending=False, limit=9, before=None, now=later)
    assert request.state == "expired"


def test_another_stores_request_is_not_there(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    other = shop.open_store("S002")
    asked = adjusted(shop, phone, one.id, 900)
    with pytest.raises(NotFound):
        say(asked.approval_id, two, stores={other.id})
    assert listing(stores={other.id}, pending=True, limit=9, before=None, now=clock.now()) == []


def test_more_cannot_be_taken_than_there_is_and_the_request_stays(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    adjusted(shop, phone, one.id, 100)
    with pytest.raises(NotEnough):
        adjusted(shop, phone, one.id, -101)
    asked = adjusted(shop, phone, one.id, -900)
    with pytest.raises(NotEnough):
        say(asked.approval_id, two)
    [request] = listing(stores=None, pending=True, limit=9, before=None, now=clock.now())
    assert request.state == "pending"
    assert points(phone) == 100


def test_beyond_the_most_not_even_two_may(shop: Shop, phone: Phone, one: StaffView) -> None:
    with pytest.raises(AdjustmentTooLarge) as refusal:
        adjusted(shop, phone, one.id, 100_001)
    assert refusal.value.data == {"most": 100_000}


def test_a_repeated_request_moves_once(shop: Shop, phone: Phone, one: StaffView) -> None:
    first = adjusted(shop, phone, one.id, 40, key="once")
    assert adjusted(shop, phone, one.id, 40, key="once") == first
    assert points(phone) == 40


def test_the_limits_are_those_of_the_policy(shop: Shop, phone: Phone, one: StaffView) -> None:
    set_policy(alone_points=10, lifetime_days=None)
    assert adjusted(shop, phone, one.id, 11).state == "pending"
    assert adjusted(shop, phone, one.id, 10).state == "posted"
    [entry] = phone.get("/me/points/entries").json["items"]
    assert entry["expires_at"] is None


def test_sixteen_at_once_do_not_pass_the_limit_of_the_day(
    shop: Shop, phone: Phone, one: StaffView, engine: Engine
) -> None:
    def give(_: int) -> str:
        try:
            return adjusted(shop, phone, one.id, 500).state
        except Busy:
            return "busy"

    assert race(16, give).count("posted") == 4
    assert points(phone) == 2_000


@pytest.mark.long
class TestWithoutTheLock:
    """The same sixteen when nobody waits for anybody."""

    def test_the_limit_of_the_day_is_passed(
        self, shop: Shop, phone: Phone, one: StaffView, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slow = text(
            "SELECT coalesce(sum(abs(points)), 0)::bigint + length(pg_sleep(0.2)::text)"
            " FROM points_adjustments WHERE requested_by = :staff_id AND approval_id IS NULL"
            " AND created_at >= :since"
        )
        monkeypatch.setattr("app.points.adjust._MOVED_ALONE", slow)
        monkeypatch.setattr("sqlalchemy.sql.selectable.Select.with_for_update", lambda self, **_: self)
        assert race(16, lambda _: adjusted(shop, phone, one.id, 500).state).count("posted") > 4


def test_sixteen_approvers_approve_once(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView, engine: Engine
) -> None:
    asked = adjusted(shop, phone, one.id, 900)

    def agree(_: int) -> str:
        try:
            say(asked.approval_id, two)
        except (ApprovalDecided, Busy) as refusal:
            return refusal.code
        return "agreed"

    assert race(16, agree).count("agreed") == 1
    assert points(phone) == 900


def test_the_database_itself_refuses_one_person_for_two(
    shop: Shop, phone: Phone, one: StaffView, engine: Engine
) -> None:
    asked = adjusted(shop, phone, one.id, 900)
    with pytest.raises(Exception, match="ck_approval_requests_two_people"), engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE approval_requests SET state = 'approved', decided_by = requested_by, decided_at = now()"
                " WHERE id = :id"
            ),
            {"id": asked.approval_id},
        )


def test_the_deed_and_the_decision_stand_in_the_audit_log(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView, engine: Engine
) -> None:
    say(adjusted(shop, phone, one.id, 900).approval_id, two)
    assert rows(
        engine,
        "SELECT action, actor_id FROM audit_log WHERE action LIKE 'points%' OR action LIKE 'approval%' ORDER BY id",
    ) == [("points.adjust", one.id), ("approval.approve", two.id)]


def test_a_day_later_one_may_move_points_alone_again(
    shop: Shop, phone: Phone, one: StaffView, engine: Engine
) -> None:
    for _ in range(4):
        adjusted(shop, phone, one.id, 500)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE points_adjustments SET created_at = created_at - :day"), {"day": timedelta(days=1)}
        )
    assert adjusted(shop, phone, one.id, 500).state == "posted"


def test_the_second_person_sees_what_they_agree_to(shop: Shop, phone: Phone, one: StaffView) -> None:
    adjusted(shop, phone, one.id, -900)
    [request] = listing(stores=None, pending=True, limit=9, before=None, now=clock.now())
    assert request.details == {
        "member_no": member_no(phone),
        "points": -900,
        "reason": "goodwill",
        "note": "late delivery",
    }


def disable(person: StaffView) -> None:
    accounts.change(
        staff_id=person.id,
        version=person.version,
        name=None,
        status="disabled",
        grants=None,
        boss=BOSS,
        now=clock.now(),
    )


@pytest.mark.parametrize("change", ["member", "requester", "store", "limit"])
def test_what_is_no_longer_allowed_is_not_carried_out(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView, change: str
) -> None:
    asked = adjusted(shop, phone, one.id, 50_000)
    if change == "member":
        withdraw(member_id=phone.member_id, now=clock.now())
    elif change == "requester":
        disable(one)
    elif change == "store":
        setup.change_store(
            code="S001",
            version=shop.store.version,
            name=None,
            status="closed",
            actor=OPERATOR,
            now=clock.now(),
        )
    else:
        set_policy(most_points=40_000)
    with pytest.raises(ApprovalOutdated):
        say(asked.approval_id, two)
    with pytest.raises(ApprovalDecided):
        say(asked.approval_id, two, agree=False)


def test_an_account_that_the_requester_has_reset_is_no_second_person(
    shop: Shop, phone: Phone, one: StaffView, two: StaffView
) -> None:
    asked = adjusted(shop, phone, one.id, 50_000)
    boss = accounts.Boss(actor=Actor(type="staff", id=one.id), grants=(Grant("admin", None),))
    accounts.reset_password(staff_id=two.id, boss=boss, now=clock.now())
    with pytest.raises(ApproverDependsOnRequester):
        say(asked.approval_id, two)
    assert points(phone) == 0


def test_the_limit_does_not_begin_anew_at_another_stores_midnight(
    shop: Shop, phone: Phone, one: StaffView
) -> None:
    for _ in range(4):
        adjusted(shop, phone, one.id, 500)
    shop.store = shop.open_store("S002", "Pacific/Kiritimati")
    assert adjusted(shop, phone, one.id, 500).state == "pending"
