"""Rules of discount as kept: versions, what a process has at hand, and what one person may take off alone."""

import threading
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from app import clock, db
from app.approvals.second_person import ApprovalOutdated, Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.discounts.change import DiscountRules, Draft, change, create, end
from app.discounts.loaded import STAMP, discounts_at
from app.discounts.rule_limits import DiscountPolicy
from app.discounts.rules import DiscountRule, definition_of
from app.errors import VersionConflict
from app.points.rulebook import RuleBook
from app.policies import change as change_policy
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.conftest import rows
from tests.racing import PATIENCE_S, race
from tests.shop import Shop


def percent(percent_bp: int) -> dict[str, Any]:
    return {"kind": "percent", "percent_bp": percent_bp}


def off(off_fen: int) -> dict[str, Any]:
    return {"kind": "amount", "off_fen": off_fen}


def draft(effect: dict[str, Any], *, stores: list[int] | None = None, **options: Any) -> Draft:
    conditions = {} if stores is None else {"stores": stores}
    return Draft(
        name_zh="会员日",
        name_en="Member day",
        definition=definition_of({"effect": effect, "conditions": conditions}),
        **options,
    )


def made(wanted: Draft, actor: Actor = OPERATOR) -> DiscountRule:
    rule = create(draft=wanted, actor=actor, now=clock.now())
    assert isinstance(rule, DiscountRule)
    return rule


def in_force() -> list[tuple[int, int]]:
    with db.statements() as connection:
        [row] = db.ask(connection, f"SELECT {STAMP} AS stamp", {})
        found = discounts_at(connection, row.stamp).in_force(clock.now())
    return [(rule.rule_no, rule.version) for rule in found]


def test_a_rule_is_made_changed_and_ended_and_everybody_sees_it_at_once(shop: Shop, engine: Engine) -> None:
    assert in_force() == []
    made(draft(percent(500)))
    made(draft(off(1_000)))
    assert in_force() == [(1, 1), (2, 1)]
    change(rule_no=1, version=1, draft=draft(off(300)), actor=OPERATOR, now=clock.now())
    assert in_force() == [(1, 2), (2, 1)]
    end(rule_no=1, version=2, at=None, actor=OPERATOR, now=clock.now())
    assert in_force() == [(2, 1)]
    with pytest.raises(VersionConflict):
        end(rule_no=2, version=7, at=None, actor=OPERATOR, now=clock.now())
    told = rows(
        engine, "SELECT action, object_id FROM audit_log WHERE object_type = 'discount_rule' ORDER BY id"
    )
    assert told == [
        ("discount_rule.create", "1"),
        ("discount_rule.create", "2"),
        ("discount_rule.change", "1"),
        ("discount_rule.end", "1"),
    ]


def test_rules_cannot_be_edited_or_deleted(shop: Shop, engine: Engine) -> None:
    made(draft(percent(500)))
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    for statement in (
        "UPDATE discount_rules SET priority = 1",
        "DELETE FROM discount_rules",
        "TRUNCATE discount_rules",
    ):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="append-only"):
            connection.execute(statement)  # type: ignore[call-overload]


def test_of_sixteen_changes_of_one_version_one_counts(shop: Shop, engine: Engine) -> None:
    made(draft(percent(500)))

    def again(number: int) -> bool:
        try:
            change(
                rule_no=1,
                version=1,
                draft=draft(percent(100 + number)),
                actor=OPERATOR,
                now=clock.now(),
            )
        except VersionConflict:
            return False
        return True

    assert race(16, again).count(True) == 1
    assert rows(engine, "SELECT max(version) FROM discount_rules") == [(2,)]


@pytest.fixture
def one(shop: Shop) -> Actor:
    return Actor(type="staff", id=shop.person("boss-1", Grant("manager", shop.store.id)).id)


@pytest.fixture
def two(shop: Shop) -> StaffView:
    return shop.person("boss-2", Grant("manager", shop.store.id))


def waits(wanted: Draft, actor: Actor) -> bool:
    return isinstance(create(draft=wanted, actor=actor, now=clock.now()), Waiting)


@pytest.mark.parametrize(
    ("effect", "alone"),
    [
        (percent(2_000), True),
        (percent(2_001), False),
        (off(5_000), True),
        (off(5_001), False),
        ({"kind": "per_full", "every_fen": 10_000, "off_fen": 2_000}, True),
        ({"kind": "per_full", "every_fen": 9_999, "off_fen": 2_000}, False),
        ({"kind": "price", "price_fen": 990}, False),
    ],
)
def test_what_one_person_may_take_off_alone(
    shop: Shop, one: Actor, effect: dict[str, Any], alone: bool
) -> None:
    assert waits(draft(effect, stores=[shop.store.id]), one) is not alone


def test_many_small_rules_are_a_large_one_unless_they_exclude_each_other(shop: Shop, one: Actor) -> None:
    here = [shop.store.id]
    made(draft(percent(1_500), stores=here), one)
    assert waits(draft(percent(600), stores=here), one)
    made(draft(percent(500), stores=here, group="day"), one)
    made(draft(percent(400), stores=here, group="day"), one)
    assert waits(draft(percent(600), stores=here, group="day"), one)
    made(draft(percent(2_000), stores=here, alone=True), one)
    made(draft(off(5_000), stores=here), one)
    change(rule_no=1, version=1, draft=draft(percent(100), stores=here), actor=one, now=clock.now())
    made(draft(percent(1_400), stores=here), one)


def test_what_a_second_person_agreed_to_holds_and_uses_up_nothing(
    shop: Shop, one: Actor, two: StaffView, engine: Engine
) -> None:
    here = [shop.store.id]
    asked = create(draft=draft(percent(5_000), stores=here), actor=one, now=clock.now())
    assert isinstance(asked, Waiting)
    assert in_force() == []
    decide(approval_id=asked.approval_id, agree=True, stores=here, staff_id=two.id, now=clock.now())
    assert in_force() == [(1, 1)]
    assert rows(engine, "SELECT created_by, approval_id, definition -> 'effect' FROM discount_rules") == [
        (one.id, asked.approval_id, {"kind": "percent", "percent_bp": 5_000})
    ]
    made(draft(percent(2_000), stores=here), one)
    more = change(rule_no=1, version=1, draft=draft(percent(6_000), stores=here), actor=one, now=clock.now())
    assert isinstance(more, Waiting)
    end(rule_no=1, version=1, at=None, actor=one, now=clock.now())
    with pytest.raises(ApprovalOutdated):
        decide(approval_id=more.approval_id, agree=True, stores=here, staff_id=two.id, now=clock.now())


def test_the_policy_moves_the_limits(shop: Shop, one: Actor) -> None:
    here = [shop.store.id]
    value = {"alone_percent_bp": 100, "alone_prices": True}
    change_policy(kind=DiscountPolicy, value=value, version=0, actor=OPERATOR, now=clock.now())
    assert waits(draft(percent(101), stores=here), one)
    made(draft({"kind": "price", "price_fen": 990}, stores=here), one)


def test_sixteen_at_once_make_no_more_than_one_may_alone(shop: Shop, one: Actor) -> None:
    here = [shop.store.id]
    outcomes = race(16, lambda _: make_or_busy(draft(percent(1_000), stores=here), one))
    assert outcomes.count("made") <= 2
    assert len(in_force()) == outcomes.count("made")


def test_without_the_lock_more_than_the_limit_are_made(
    shop: Shop, one: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: everybody looks before anybody writes."""
    looked, alone = threading.Barrier(4), DiscountRules.exceeded

    def together(*arguments: Any) -> Any:
        answer = alone(*arguments)
        looked.wait(PATIENCE_S)
        return answer

    monkeypatch.setattr(RuleBook, "one_after_another", lambda book, session: None)
    monkeypatch.setattr(DiscountRules, "exceeded", together)
    numbers = iter(range(10, 20))
    monkeypatch.setattr(RuleBook, "next_no", lambda book, session: next(numbers))
    here = [shop.store.id]
    assert race(4, lambda _: make_or_busy(draft(percent(1_000), stores=here), one)).count("made") == 4


def make_or_busy(wanted: Draft, actor: Actor) -> str:
    try:
        return "waits" if waits(wanted, actor) else "made"
    except db.Busy:
        return "busy"
