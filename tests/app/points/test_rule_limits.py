"""Rules made by one person: within limits at once, above them only with a second person."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.approvals.listing import listing
from app.approvals.second_person import (
    ApprovalDecided,
    ApprovalOutdated,
    ApproverDependsOnRequester,
    ApproverIsRequester,
    Waiting,
)
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.db import Busy
from app.errors import NotFound
from app.points.change import change, create, end
from app.points.rule_limits import EarningPolicy
from app.points.rulebook import RuleBook, RuleInThePast
from app.points.rules import Base, Conditions, Definition, Extra, Multiplier, Rule
from app.points.versions import Draft, EarnRules
from app.policies import change as change_policy
from app.staff import accounts
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.conftest import rows
from tests.racing import PATIENCE_S, race
from tests.shop import BOSS, Shop


@pytest.fixture
def one(shop: Shop) -> StaffView:
    return shop.person("boss-1", Grant("manager", shop.store.id))


@pytest.fixture
def two(shop: Shop) -> StaffView:
    return shop.person("boss-2", Grant("manager", shop.store.id))


def here(shop: Shop) -> Conditions:
    return Conditions(stores=frozenset({shop.store.id}))


def times(shop: Shop, factor_bp: int) -> Multiplier:
    return Multiplier(factor_bp=factor_bp, conditions=here(shop))


def rate(shop: Shop, rate_bp: int) -> Base:
    return Base(rate_bp=rate_bp, conditions=here(shop))


def extra(shop: Shop, points: int) -> Extra:
    return Extra(points=points, conditions=here(shop))


def draft(definition: Definition, **options: Any) -> Draft:
    return Draft(name_zh="会员日", name_en="Member day", definition=definition, **options)


def by(person: StaffView) -> Actor:
    return Actor(type="staff", id=person.id)


def make(person: StaffView, definition: Definition, **options: Any) -> Rule | Waiting:
    return create(draft=draft(definition, **options), actor=by(person), now=clock.now())


def made(person: StaffView, definition: Definition, **options: Any) -> Rule:
    rule = make(person, definition, **options)
    assert isinstance(rule, Rule)
    return rule


def asked(person: StaffView, definition: Definition, **options: Any) -> str:
    waiting = make(person, definition, **options)
    assert isinstance(waiting, Waiting)
    return waiting.approval_id


def say(approval_id: str, person: StaffView, *, agree: bool = True, **options: Any) -> None:
    decide(
        approval_id=approval_id,
        agree=agree,
        stores=options.get("stores"),
        staff_id=person.id,
        now=options.get("now") or clock.now(),
    )


def earned(shop: Shop, amount_fen: int = 1_000) -> int:
    sold = shop.till.sell(shop.till.ticket(shop.code(shop.member())), amount_fen)
    return int(sold.json["points_earned"])


def rules(engine: Engine) -> int:
    [(count,)] = rows(engine, "SELECT count(*) FROM earn_rules")
    return int(str(count))


@pytest.mark.parametrize(
    ("kind", "most"), [(rate, 20_000), (times, 30_000), (extra, 200)], ids=["base", "multiplier", "extra"]
)
def test_above_the_limit_nothing_counts_until_another_agrees(
    shop: Shop, one: StaffView, two: StaffView, engine: Engine, kind: Any, most: int
) -> None:
    before = earned(shop)
    approval_id = asked(one, kind(shop, most + 1))
    assert (rules(engine), earned(shop)) == (1, before)
    say(approval_id, two)
    assert rules(engine) == 2
    assert earned(shop, 10_000_000) > 10_000_000 // 100
    assert rows(engine, "SELECT created_by, approval_id FROM earn_rules WHERE rule_no = 2") == [
        (one.id, approval_id)
    ]


@pytest.mark.parametrize(("kind", "most"), [(rate, 20_000), (times, 30_000), (extra, 200)])
def test_within_the_limit_it_counts_at_once(shop: Shop, one: StaffView, kind: Any, most: int) -> None:
    made(one, kind(shop, most))
    assert earned(shop) > 10


def test_an_admin_too_needs_a_second_person_and_the_operator_does_not(shop: Shop) -> None:
    chief, deputy = (shop.person(login, Grant("admin", None)) for login in ("chief", "deputy"))
    approval_id = asked(chief, Multiplier(factor_bp=30_001))
    say(approval_id, deputy)
    assert earned(shop) == 30
    free = create(draft=draft(Multiplier(factor_bp=1_000_000)), actor=OPERATOR, now=clock.now())
    assert isinstance(free, Rule)


def test_many_small_rules_are_a_large_one(shop: Shop, one: StaffView) -> None:
    made(one, extra(shop, 150))
    asked(one, extra(shop, 51))
    made(one, extra(shop, 50))
    asked(
        one,
        Extra(points=1, conditions=Conditions(stores=frozenset({shop.store.id}), weekdays=frozenset({1}))),
    )
    assert earned(shop) == 210


def test_of_rules_that_do_not_add_up_the_largest_counts(shop: Shop, one: StaffView) -> None:
    for _ in range(3):
        made(one, times(shop, 20_000), stacking="best")
    made(one, times(shop, 20_000))
    asked(one, times(shop, 10_001))


def test_other_stores_and_ended_rules_use_up_nothing(shop: Shop, one: StaffView) -> None:
    other = shop.open_store("S002")
    both = shop.person("area", Grant("manager", shop.store.id), Grant("manager", other.id))
    made(both, Extra(points=200, conditions=Conditions(stores=frozenset({other.id}))))
    mine = made(one, extra(shop, 200))
    asked(one, extra(shop, 1))
    end(rule_no=mine.rule_no, version=1, at=None, actor=by(one), now=clock.now())
    made(one, extra(shop, 200))


def test_a_rule_for_all_meets_those_of_each_store(shop: Shop, one: StaffView) -> None:
    chief = shop.person("chief", Grant("admin", None))
    made(one, extra(shop, 150))
    asked(chief, Extra(points=51))
    made(chief, Extra(points=50))
    asked(one, extra(shop, 1))


def test_a_version_that_is_still_to_come_counts_and_so_does_the_one_before_it(
    shop: Shop, one: StaffView
) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    mine = made(one, extra(shop, 150))
    less = draft(extra(shop, 1), effective_from=tomorrow)
    change(rule_no=mine.rule_no, version=1, draft=less, actor=by(one), now=clock.now())
    asked(one, extra(shop, 51))
    made(one, extra(shop, 50), effective_from=tomorrow)
    asked(one, extra(shop, 1))


def test_what_two_agreed_to_does_not_use_up_what_one_may(shop: Shop, one: StaffView, two: StaffView) -> None:
    say(asked(one, extra(shop, 10_000)), two)
    made(one, extra(shop, 200))


def test_nor_does_ending_it_later(shop: Shop, one: StaffView, two: StaffView) -> None:
    say(asked(one, extra(shop, 10_000)), two)
    tomorrow = clock.now() + timedelta(days=1)
    end(rule_no=2, version=1, at=tomorrow, actor=by(one), now=clock.now())
    made(one, extra(shop, 200))


def test_changing_a_rule_beyond_the_limit_waits_too(shop: Shop, one: StaffView, two: StaffView) -> None:
    mine = made(one, times(shop, 20_000))
    larger = draft(times(shop, 50_000))
    waiting = change(rule_no=mine.rule_no, version=1, draft=larger, actor=by(one), now=clock.now())
    assert isinstance(waiting, Waiting)
    assert earned(shop) == 20
    say(waiting.approval_id, two)
    assert earned(shop) == 50


def test_a_request_about_a_version_that_is_no_longer_the_newest_is_not_carried_out(
    shop: Shop, one: StaffView, two: StaffView
) -> None:
    mine = made(one, times(shop, 20_000))
    larger = draft(times(shop, 50_000))
    waiting = change(rule_no=mine.rule_no, version=1, draft=larger, actor=by(one), now=clock.now())
    assert isinstance(waiting, Waiting)
    end(rule_no=mine.rule_no, version=1, at=None, actor=by(two), now=clock.now())
    with pytest.raises(ApprovalOutdated):
        say(waiting.approval_id, two)
    assert earned(shop) == 10


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


def move(person: StaffView, grant: Grant) -> None:
    accounts.change(
        staff_id=person.id,
        version=person.version,
        name=None,
        status=None,
        grants=(grant,),
        boss=BOSS,
        now=clock.now(),
    )


@pytest.mark.parametrize("how", ["disabled", "moved", "over"])
def test_what_could_not_be_asked_for_any_more_is_not_carried_out(
    shop: Shop, one: StaffView, two: StaffView, engine: Engine, how: str
) -> None:
    soon = clock.now() + timedelta(hours=1)
    approval_id = asked(one, times(shop, 50_000), effective_until=soon)
    if how == "disabled":
        disable(one)
    elif how == "moved":
        move(one, Grant("manager", shop.open_store("S002").id))
    now = soon + timedelta(minutes=1) if how == "over" else clock.now()
    with pytest.raises(ApprovalOutdated):
        say(approval_id, two, now=now)
    with pytest.raises(ApprovalDecided):  # it waits for nobody any more
        say(approval_id, two, agree=False)
    assert rules(engine) == 1


def test_neither_the_requester_nor_their_puppet_agrees(shop: Shop, one: StaffView, two: StaffView) -> None:
    approval_id = asked(one, times(shop, 50_000))
    with pytest.raises(ApproverIsRequester):
        say(approval_id, one)
    boss = accounts.Boss(actor=by(one), grants=(Grant("admin", None),))
    accounts.reset_password(staff_id=two.id, boss=boss, now=clock.now())
    with pytest.raises(ApproverDependsOnRequester):
        say(approval_id, two)
    assert earned(shop) == 10


def test_of_several_stores_only_those_decide_who_may_everywhere(shop: Shop, two: StaffView) -> None:
    other = shop.open_store("S002")
    area = shop.person("area", Grant("manager", shop.store.id), Grant("manager", other.id))
    stores = Conditions(stores=frozenset({shop.store.id, other.id}))
    approval_id = asked(area, Multiplier(factor_bp=50_000, conditions=stores))
    with pytest.raises(NotFound):
        say(approval_id, two, stores={shop.store.id, other.id})
    assert listing(stores={shop.store.id}, pending=True, limit=9, before=None, now=clock.now()) == []
    [seen] = listing(stores=None, pending=True, limit=9, before=None, now=clock.now())
    assert (seen.store_id, seen.store) == (None, None)
    say(approval_id, shop.person("chief", Grant("admin", None)))
    assert earned(shop) == 50


def test_what_is_carried_out_is_what_the_second_person_saw(
    shop: Shop, one: StaffView, two: StaffView, engine: Engine
) -> None:
    until = (clock.now() + timedelta(days=30)).replace(microsecond=0)
    begins = until - timedelta(days=29)
    today = Conditions(stores=frozenset({shop.store.id}), dates=frozenset({clock.now().date()}))
    definition = Multiplier(factor_bp=50_000, conditions=today)
    approval_id = asked(
        one, definition, stacking="best", priority=3, effective_from=begins, effective_until=until
    )
    [seen] = listing(stores=None, pending=True, limit=9, before=None, now=clock.now())
    say(approval_id, two)
    [row] = rows(
        engine,
        "SELECT kind, applies_to, definition, priority, stacking, effective_from, effective_until"
        " FROM earn_rules WHERE rule_no = 2",
    )
    names = ("kind", "applies_to", "definition", "priority", "stacking")
    assert row[:5] == tuple(seen.details[name] for name in names)
    assert row[5:] == tuple(
        datetime.fromisoformat(seen.details[n]) for n in ("effective_from", "effective_until")
    )


def test_agreed_to_late_it_begins_then_and_never_in_the_past(
    shop: Shop, one: StaffView, two: StaffView, engine: Engine
) -> None:
    begins = clock.now() + timedelta(hours=1)
    approval_id = asked(one, times(shop, 50_000), effective_from=begins)
    later = begins + timedelta(hours=5)
    say(approval_id, two, now=later)
    assert rows(engine, "SELECT effective_from FROM earn_rules WHERE rule_no = 2") == [(later,)]


def test_what_makes_no_sense_is_refused_before_anybody_is_asked(shop: Shop, one: StaffView) -> None:
    with pytest.raises(RuleInThePast):
        make(one, times(shop, 50_000), effective_from=clock.now() - timedelta(hours=1))
    assert listing(stores=None, pending=True, limit=9, before=None, now=clock.now()) == []


def test_the_limits_are_those_of_the_policy(shop: Shop, one: StaffView) -> None:
    value = {"alone_factor_bp": 10_000, "alone_points": 0, "alone_rate_bp": 100}
    change_policy(kind=EarningPolicy, value=value, version=0, actor=OPERATOR, now=clock.now())
    asked(one, times(shop, 10_001))
    asked(one, extra(shop, 1))
    asked(one, rate(shop, 101))
    made(one, rate(shop, 100))


def test_of_sixteen_halves_at_once_two_are_made_alone(shop: Shop, one: StaffView) -> None:
    answers = race(16, lambda _: make_or_busy(one, shop))
    assert answers.count("made") == 2


def make_or_busy(one: StaffView, shop: Shop) -> str:
    try:
        return "made" if isinstance(make(one, extra(shop, 100)), Rule) else "waits"
    except Busy:
        return "busy"


def test_without_the_lock_more_than_the_limit_are_made(
    shop: Shop, one: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: everybody looks before anybody writes."""
    looked, alone = threading.Barrier(4), EarnRules.exceeded

    def together(*arguments: Any) -> Any:
        answer = alone(*arguments)
        looked.wait(PATIENCE_S)
        return answer

    monkeypatch.setattr(RuleBook, "one_after_another", lambda book, session: None)
    monkeypatch.setattr(EarnRules, "exceeded", together)
    numbers = iter(range(10, 20))
    monkeypatch.setattr(RuleBook, "next_no", lambda book, session: next(numbers))
    assert race(4, lambda _: make_or_busy(one, shop)).count("made") == 4


def test_sixteen_approvers_make_it_once(shop: Shop, one: StaffView, two: StaffView, engine: Engine) -> None:
    approval_id = asked(one, times(shop, 50_000))

    def agree(_: int) -> str:
        try:
            say(approval_id, two)
        except (ApprovalDecided, Busy) as refusal:
            return refusal.code
        return "agreed"

    assert race(16, agree).count("agreed") == 1
    assert rules(engine) == 2


def test_who_asked_and_who_agreed_stand_in_the_audit_log(
    shop: Shop, one: StaffView, two: StaffView, engine: Engine
) -> None:
    approval_id = asked(one, times(shop, 50_000))
    say(approval_id, two)
    assert rows(
        engine,
        "SELECT action, actor_id, coalesce(data->>'approval_id', object_id) FROM audit_log"
        " WHERE actor_type = 'staff' ORDER BY id",
    ) == [("earn_rule.create", one.id, approval_id), ("approval.approve", two.id, approval_id)]
