"""Policies by people of the staff: tighter at once, looser only with a second person."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, policies
from app.approvals.listing import listing
from app.approvals.second_person import (
    ApprovalOutdated,
    ApproverDependsOnRequester,
    ApproverIsRequester,
    Waiting,
)
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.checkout.set_policy import KINDS, set_policy
from app.errors import NotFound, VersionConflict
from app.points.adjust import AdjustmentPolicy
from app.points.rule_limits import EarningPolicy
from app.policies import InForce, PolicyMalformed, change, standing
from app.staff import accounts
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.conftest import rows
from tests.racing import PATIENCE_S, race
from tests.shop import BOSS, Shop


@pytest.fixture
def chief(shop: Shop) -> StaffView:
    return shop.person("chief", Grant("admin", None))


@pytest.fixture
def deputy(shop: Shop) -> StaffView:
    return shop.person("deputy", Grant("admin", None))


def put(person: StaffView, version: int = 0, **value: Any) -> InForce[Any] | Waiting:
    return set_policy(
        kind=AdjustmentPolicy, value=value, version=version, staff_id=person.id, now=clock.now()
    )


def asked(person: StaffView, version: int = 0, **value: Any) -> str:
    waiting = put(person, version, **value)
    assert isinstance(waiting, Waiting)
    return waiting.approval_id


def say(approval_id: str, person: StaffView, *, agree: bool = True, stores: Any = None) -> None:
    decide(approval_id=approval_id, agree=agree, stores=stores, staff_id=person.id, now=clock.now())


def current() -> tuple[int, AdjustmentPolicy]:
    found = standing(AdjustmentPolicy)
    return found.version, found.value


def test_tighter_holds_at_once(shop: Shop, chief: StaffView) -> None:
    assert isinstance(put(chief, alone_points=499, lifetime_days=364), InForce)
    assert current() == (1, AdjustmentPolicy(alone_points=499, lifetime_days=364))


@pytest.mark.parametrize(
    "looser",
    [
        {"alone_points": 501},
        {"alone_points_a_day": 2_001},
        {"most_points": 100_001},
        {"lifetime_days": 366},
        {"lifetime_days": None},
        {"alone_points": 1, "most_points": 100_001},
    ],
)
def test_looser_waits_until_another_agrees(
    shop: Shop, chief: StaffView, deputy: StaffView, looser: dict[str, Any]
) -> None:
    approval_id = asked(chief, **looser)
    assert current()[0] == 0
    with pytest.raises(ApproverIsRequester):
        say(approval_id, chief)
    say(approval_id, deputy)
    assert current() == (1, AdjustmentPolicy(**looser))


def test_a_field_left_out_is_looser_when_its_default_is(shop: Shop, chief: StaffView) -> None:
    put(chief, alone_points=5)
    asked(chief, 1)
    assert current()[0] == 1


def test_from_no_limit_to_one_is_tighter(shop: Shop, chief: StaffView) -> None:
    change(kind=AdjustmentPolicy, value={"lifetime_days": None}, version=0, actor=OPERATOR, now=clock.now())
    assert isinstance(put(chief, 1), InForce)


def test_rejected_it_stays_as_it_is(shop: Shop, chief: StaffView, deputy: StaffView) -> None:
    say(asked(chief, alone_points=501), deputy, agree=False)
    assert current()[0] == 0


def test_a_request_about_a_version_that_is_no_longer_in_force_is_not_carried_out(
    shop: Shop, chief: StaffView, deputy: StaffView
) -> None:
    approval_id = asked(chief, alone_points=501)
    put(deputy, alone_points=5)
    with pytest.raises(ApprovalOutdated):
        say(approval_id, deputy)
    assert current() == (1, AdjustmentPolicy(alone_points=5))


def test_nor_one_of_somebody_who_lost_the_right(shop: Shop, chief: StaffView, deputy: StaffView) -> None:
    approval_id = asked(chief, alone_points=501)
    clerk = (Grant("clerk", shop.store.id),)
    accounts.change(
        staff_id=chief.id, version=1, name=None, status=None, grants=clerk, boss=BOSS, now=clock.now()
    )
    with pytest.raises(ApprovalOutdated):
        say(approval_id, deputy)


def test_an_admin_whom_the_requester_made_is_no_second_person(shop: Shop, chief: StaffView) -> None:
    boss = accounts.Boss(actor=Actor(type="staff", id=chief.id), grants=chief.grants)
    puppet = accounts.add(
        login="puppet",
        staff_no="P1",
        name="P",
        password="a fine new password",
        grants=(Grant("admin", None),),
        boss=boss,
        now=clock.now(),
    )
    with pytest.raises(ApproverDependsOnRequester):
        say(asked(chief, alone_points=501), puppet)
    assert current()[0] == 0


def test_whoever_may_approve_in_some_stores_only_does_not_see_it(shop: Shop, chief: StaffView) -> None:
    manager = shop.person("boss-1", Grant("manager", shop.store.id))
    with pytest.raises(NotFound):
        say(asked(chief, alone_points=501), manager, stores={shop.store.id})
    assert listing(stores={shop.store.id}, pending=True, limit=9, before=None, now=clock.now()) == []


def test_the_second_person_sees_what_was_and_what_would_be(shop: Shop, chief: StaffView) -> None:
    asked(chief, alone_points=501)
    [seen] = listing(stores=None, pending=True, limit=9, before=None, now=clock.now())
    assert (seen.kind, seen.subject, seen.details["version"]) == ("policy", "points_adjustment", 0)
    assert (seen.details["before"]["alone_points"], seen.details["after"]["alone_points"]) == (500, 501)


def test_what_is_no_policy_or_of_an_old_version_asks_nobody(shop: Shop, chief: StaffView) -> None:
    with pytest.raises(PolicyMalformed):
        put(chief, alone_points=-1)
    with pytest.raises(VersionConflict):
        put(chief, 1, alone_points=501)
    assert listing(stores=None, pending=True, limit=9, before=None, now=clock.now()) == []


def test_the_limits_of_earning_rules_are_guarded_the_same_way(shop: Shop, chief: StaffView) -> None:
    def set_factor(factor_bp: int) -> object:
        value = {"alone_factor_bp": factor_bp}
        return set_policy(kind=EarningPolicy, value=value, version=0, staff_id=chief.id, now=clock.now())

    assert isinstance(set_factor(30_001), Waiting)
    assert isinstance(set_factor(29_999), InForce)
    assert all(not kind().loosens(kind()) for kind in KINDS.values())


def tighten_while_it_is_loosened(chief: StaffView, deputy: StaffView) -> list[str]:
    """One agrees to a looser version while another tightens the one it was about."""
    approval_id = asked(chief, alone_points=501)

    def run(number: int) -> str:
        try:
            if number:
                put(chief, alone_points=5)
            else:
                say(approval_id, deputy)
        except (ApprovalOutdated, VersionConflict):
            return "told"
        return "done"

    return sorted(race(2, run))


def test_of_two_changes_at_once_one_counts_and_the_other_is_told(
    shop: Shop, chief: StaffView, deputy: StaffView
) -> None:
    assert tighten_while_it_is_loosened(chief, deputy) == ["done", "told"]
    assert current()[0] == 1


def test_without_the_lock_the_unique_key_still_lets_one_count(
    shop: Shop, chief: StaffView, deputy: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both have read the same version when they write; the loser is not told in our words."""
    both, expected = threading.Barrier(2), policies.expected

    def together(*arguments: Any) -> Any:
        found = expected(*arguments)
        both.wait(PATIENCE_S)
        return found

    asked_before = asked(chief, alone_points=501)
    monkeypatch.setattr(policies, "_ONE_AFTER_ANOTHER", text("SELECT :name"))
    monkeypatch.setattr(policies, "expected", together)

    def run(number: int) -> str:
        try:
            if number:
                put(chief, alone_points=5)
            else:
                say(asked_before, deputy)
        except Exception as refusal:
            return type(refusal).__name__
        return "done"

    assert sorted(race(2, run)) == ["IntegrityError", "done"]


def test_who_asked_and_who_agreed_stand_in_the_audit_log(
    shop: Shop, chief: StaffView, deputy: StaffView, engine: Engine
) -> None:
    approval_id = asked(chief, alone_points=501)
    say(approval_id, deputy)
    assert rows(
        engine,
        "SELECT action, actor_id, coalesce(data->>'approval_id', object_id) FROM audit_log"
        " WHERE actor_type = 'staff' ORDER BY id",
    ) == [("policy.change", chief.id, approval_id), ("approval.approve", deputy.id, approval_id)]
