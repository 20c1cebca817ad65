"""What happens to members sets automations going: whom, how often, and what is done."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app import clock, db
from app.audit import OPERATOR
from app.automations import act as acting
from app.automations import draft, review
from app.automations.act import act
from app.automations.asking import note_fact
from app.automations.halt import call_back_all
from app.automations.report import report
from app.automations.rows import prune
from app.clock import HOME_ZONE, business_date, start_of_day
from app.messages.inbox import inbox
from app.messages.lease import give_back, lease
from app.messages.send import fill_inboxes
from app.segments import save, totals
from app.segments.rule import parse
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests import coupons as coupon
from tests import events as shop_events
from tests.app.tiers.shopping import Custom, set_plan
from tests.automations import TELL, approved, do, drafted, facts, turned_on
from tests.campaigns import APP_ID, INBOX, WECHAT, by_wechat
from tests.conftest import rows
from tests.events import booked, given_up, session, terms
from tests.marketing import policy, template
from tests.pos_api.test_refunds import refund
from tests.racing import race
from tests.shop import Phone, Shop
from tests.unguarded import without

RUNS = "SELECT member_id, state, refused FROM automation_runs ORDER BY id"
GIVEN = "SELECT points, coupons, unissued, untold FROM automation_runs WHERE state = 'acted' ORDER BY id"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    """Nobody is told too often."""
    policy(most_a_day=None, most_a_week=None)
    return Custom(shop, engine)


def outcomes(engine: Engine) -> list[Any]:
    """Of each run, in order: why it was refused, or its state."""
    return [refused or state for _, state, refused in rows(engine, RUNS)]


def acted(engine: Engine) -> list[Any]:
    return [member for member, state, _ in rows(engine, RUNS) if state == "acted"]


# What sets it going


def test_who_joins_is_told_once_in_their_words(shop: Shop, engine: Engine) -> None:
    before = shop.member()
    facts(shop, clock.now())
    turned_on(shop, "joined", clock.now())
    new = shop.member("王小明")
    facts(shop, clock.now())
    assert (do(clock.now()), do(clock.now())) == (1, 0)
    assert acted(engine) == [new.member_id]
    fill_inboxes(clock=clock.now)
    told = {one.kind: one.body for one in inbox(member_id=new.member_id, language="zh", limit=5, before=None)}
    assert told["automation"] == "王小明，本周全场八折。"
    kinds = [one.kind for one in inbox(member_id=before.member_id, language="zh", limit=5, before=None)]
    assert "automation" not in kinds


def test_the_first_purchase_is_one(custom: Custom, engine: Engine) -> None:
    old, new, at = custom.shop.member(), custom.shop.member(), clock.now()
    custom.buys(old, 100, at=at)
    custom.relays(at=at)
    turned_on(custom.shop, "first_purchase", at + HOUR)
    for phone in (old, new, new):
        custom.buys(phone, 5_000, at=(at := at + 2 * HOUR))
    custom.relays(at=at)
    do(at)
    assert acted(engine) == [new.member_id]


def test_so_much_in_one_sale(custom: Custom, engine: Engine) -> None:
    phone, at = custom.shop.member(), clock.now()
    turned_on(custom.shop, "spent_in_sale", at, trigger={"at_least_fen": 5_000})
    for n, fen in enumerate((4_999, 5_000, 9_000), 1):
        custom.buys(phone, fen, at=at + n * HOUR)
    custom.relays(at=at + 4 * HOUR)
    assert do(at + 4 * HOUR) == 2


def test_so_much_in_some_days_is_reached_by_one_sale(custom: Custom, engine: Engine) -> None:
    phone, at = custom.shop.member(), clock.now()
    turned_on(custom.shop, "spent_in_days", at, trigger={"at_least_fen": 10_000, "days": 3})
    sales = [
        custom.buys(phone, fen, at=at + days * DAY + HOUR)
        for days, fen in ((0, 6_000), (3, 6_000), (4, 5_000), (5, 1_000))
    ]
    custom.relays(at=at + 6 * DAY)
    assert do(at + 6 * DAY) == 1
    assert rows(engine, "SELECT occasion FROM automation_runs") == [(sales[2],)]


def test_who_comes_up_in_tier(custom: Custom, engine: Engine) -> None:
    silver, gold, at = custom.shop.member(), custom.shop.member(), clock.now()
    set_plan(at=at)
    turned_on(custom.shop, "tier_up", at, trigger={"tier": "gold"})
    custom.buys(silver, 10_000, at=at + HOUR)
    custom.buys(gold, 40_000, at=at + HOUR)
    custom.works(at=at + 2 * HOUR)
    custom.relays(at=at + 2 * HOUR)
    do(at + 2 * HOUR)
    assert acted(engine) == [gold.member_id]


def test_who_uses_a_coupon_of_the_template(custom: Custom, engine: Engine) -> None:
    phone, at = custom.shop.member(), clock.now()
    one, other = coupon.live_template(at), coupon.live_template(at)
    turned_on(custom.shop, "coupon_used", at, trigger={"template": one}, actions={"tag_on": "用过券"})
    for each in (one, other):
        [given] = coupon.give(each, phone.member_id, at)
        assert coupon.use(custom.shop, given, phone.member_id, at + HOUR)
    facts(custom.shop, at + 2 * HOUR)
    assert do(at + 2 * HOUR) == 1
    assert rows(engine, "SELECT tag, member_id FROM member_tags") == [("用过券", phone.member_id)]


def test_who_books_an_event(custom: Custom, engine: Engine) -> None:
    phone = custom.shop.member()
    turned_on(custom.shop, "event_booked", clock.now())
    booking = booked(phone, session(custom.shop, points=0), points=0)
    facts(custom.shop, clock.now())
    do(clock.now())
    assert rows(engine, "SELECT occasion, state FROM automation_runs") == [(booking["id"], "acted")]


def test_who_books_that_event(custom: Custom, engine: Engine) -> None:
    phone, (meant, other) = (
        custom.shop.member(),
        [shop_events.event(custom.shop, terms(points=0)) for _ in range(2)],
    )
    turned_on(custom.shop, "event_booked", clock.now(), trigger={"event": meant.event_id})
    of_other, of_meant = (booked(phone, one.sessions[0].session_id, points=0) for one in (other, meant))
    facts(custom.shop, clock.now())
    assert do(clock.now()) == 1
    assert rows(engine, "SELECT occasion FROM automation_runs") == [(of_meant["id"],)], of_other


# How often


@pytest.mark.parametrize(
    ("once", "times"),
    [({}, 4), ({"once": "ever"}, 1), ({"once": "days", "once_days": 2}, 2)],
)
def test_how_often_a_member_has_it(custom: Custom, engine: Engine, once: dict[str, Any], times: int) -> None:
    phone, at = custom.shop.member(), clock.now()
    turned_on(custom.shop, "spent_in_sale", at, trigger={"at_least_fen": 1}, **once)
    for n in range(4):
        custom.buys(phone, 5_000, at=at + n * DAY + HOUR)
        custom.relays(at=at + n * DAY + HOUR)
        do(at + n * DAY + HOUR)
    assert acted(engine) == [phone.member_id] * times


def test_once_is_once_whatever_it_was_before_it_was_changed(custom: Custom, engine: Engine) -> None:
    phone, at = custom.shop.member(), clock.now()
    trigger = {"kind": "spent_in_sale", "at_least_fen": 1}
    made = drafted("spent_in_sale", at, trigger={"at_least_fen": 1})
    approved(custom.shop, made, at)

    def bought(times: int, at: datetime) -> int:
        for n in range(times):
            custom.buys(phone, 5_000, at=at + n * HOUR)
        custom.relays(at=at + times * HOUR)
        do(at + times * HOUR)
        do(at + times * HOUR)
        return len(acted(engine))

    assert bought(2, at + HOUR) == 2
    for version, (once, days, times) in enumerate((("ever", None, 2), ("days", 3, 2), ("days", 1, 3)), 1):
        review.switch_off(no=made.no, actor=OPERATOR, now=at)
        as_it_is = {name: getattr(made, name) for name in draft.Draft.__dataclass_fields__}
        changed = draft.Draft(**as_it_is | {"trigger": trigger, "once": once, "once_days": days})
        made = draft.change(no=made.no, version=version, draft=changed, actor=OPERATOR, now=at)
        approved(custom.shop, made, at)
        assert bought(1, at + 2 * DAY + version * HOUR) == times


@pytest.mark.parametrize("before", [{"once": "ever"}, {"once": "days", "once_days": 30}])
def test_it_is_as_often_as_it_says_now_whatever_it_said_before(
    custom: Custom, engine: Engine, before: dict[str, Any]
) -> None:
    phone, at = custom.shop.member(), clock.now()
    made = drafted("spent_in_sale", at, trigger={"at_least_fen": 1}, **before)
    approved(custom.shop, made, at)

    def bought(at: datetime) -> int:
        custom.buys(phone, 5_000, at=at)
        custom.relays(at=at)
        do(at)
        return len(acted(engine))

    assert bought(at + HOUR) == 1
    review.switch_off(no=made.no, actor=OPERATOR, now=at)
    as_it_is = {name: getattr(made, name) for name in draft.Draft.__dataclass_fields__}
    changed = draft.Draft(**as_it_is | {"once": "days", "once_days": 2})
    approved(
        custom.shop,
        draft.change(no=made.no, version=1, draft=changed, actor=OPERATOR, now=at),
        at + HOUR,
    )
    assert [bought(at + days * DAY) for days in (1, 3, 4, 5)] == [1, 2, 2, 3]


def test_what_came_to_nothing_leaves_the_place_to_the_next(custom: Custom, engine: Engine) -> None:
    """Once ever is once that it was done."""
    phone, at = custom.shop.member(), clock.now()
    rule = parse({"field": "purchases", "op": "at_least", "value": 2})
    often = save.create(kind="rule", name="回头客", rule=rule, actor=OPERATOR, now=at)
    turned_on(custom.shop, "spent_in_sale", at, trigger={"at_least_fen": 1}, once="ever", segment_id=often.id)
    for n in range(3):
        custom.buys(phone, 5_000, at=at + n * DAY + HOUR)
        custom.relays(at=at + n * DAY + HOUR)
        totals.recount()
        do(at + n * DAY + HOUR)
    assert outcomes(engine) == ["condition", "acted"]


def noted_twice(engine: Engine, phone: Phone) -> int:
    """How many runs there are when a fact comes again."""
    for _ in range(2):
        with db.transaction() as session_:
            [(subject,)] = rows(engine, "SELECT public_id FROM members WHERE id = :id", id=phone.member_id)
            note_fact(session_, "joined", str(subject), at=clock.now())
    return len(rows(engine, RUNS))


def test_a_fact_that_comes_again_is_noted_once(shop: Shop, engine: Engine) -> None:
    turned_on(shop, "joined", clock.now())
    assert noted_twice(engine, shop.member()) == 1


def test_without_the_key_it_would_be_noted_twice(shop: Shop, unaudited_engine: Engine) -> None:
    turned_on(shop, "joined", clock.now())
    without(unaudited_engine, "automation_runs", "uq_automation_runs_automation_no_member_id_occasion")
    assert noted_twice(unaudited_engine, shop.member()) == 2


def bought_twice(shop: Shop, engine: Engine) -> int:
    """How many runs there are of once ever."""
    custom, phone, at = Custom(shop, engine), shop.member(), clock.now()
    turned_on(shop, "spent_in_sale", at, trigger={"at_least_fen": 1}, once="ever")
    for n in (1, 2):
        custom.buys(phone, 5_000, at=at + n * HOUR)
    custom.relays(at=at + 3 * HOUR)
    return len(rows(engine, RUNS))


def test_the_other_key_is_what_once_ever_means(shop: Shop, unaudited_engine: Engine) -> None:
    assert bought_twice(shop, unaudited_engine) == 1
    without(unaudited_engine, "automation_runs", "ex_automation_runs_once")
    assert bought_twice(shop, unaudited_engine) == 1 + 2 + 2  # the first one is on as well


def test_a_batch_costs_no_statement_for_each_member(custom: Custom, engine: Engine) -> None:
    turned_on(custom.shop, "joined", clock.now(), actions={**TELL, "tag_on": "新客", "tag_off": "老客"})
    counts = []
    for people in (2, 9):
        for _ in range(people):
            custom.shop.member()
        facts(custom.shop, clock.now())
        sent: list[str] = []

        def note(*given: Any, sent: list[str] = sent) -> None:
            sent.append(given[2])

        event.listen(Engine, "before_cursor_execute", note)
        try:
            assert act(app_id=APP_ID, now=clock.now()) == people
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_sixteen_workers_give_once_and_no_more_than_there_is(
    custom: Custom, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = coupon.live_template(clock.now())
    gives = {"points": {"points": 10, "lifetime_days": 30}, "coupon": {"template": template}}
    no = turned_on(custom.shop, "joined", clock.now(), actions={**TELL, **gives}, max_runs=4)
    for _ in range(6):
        custom.shop.member()
    facts(custom.shop, clock.now())
    race(16, lambda _: act(app_id=APP_ID, now=clock.now()))
    do(clock.now())
    assert sorted(outcomes(engine)) == ["acted"] * 4 + ["used_up"] * 2
    found = report(no=no)
    assert (found.acted, found.points, found.coupons, found.messages["pending"]) == (4, 40, 4, 4)
    posted = "SELECT count(*), count(DISTINCT source_id) FROM ledger_transactions WHERE kind = 'automation'"
    assert rows(engine, posted) == [(4, 4)]


def test_what_breaks_off_has_done_nothing_and_is_done_afterwards(
    custom: Custom, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned_on(custom.shop, "joined", clock.now(), actions={"points": {"points": 10}}, max_runs=9)
    custom.shop.member()
    facts(custom.shop, clock.now())
    give: Callable[..., Any] = acting.give

    def give_and_fail(*given: Any, **more: Any) -> Any:
        give(*given, **more)
        raise RuntimeError("pulled out")

    monkeypatch.setattr(acting, "give", give_and_fail)
    at = clock.now()
    do(at)
    assert (outcomes(engine), rows(engine, "SELECT 1 FROM ledger_transactions")) == (["waiting"], [])
    monkeypatch.setattr(acting, "give", give)
    assert do(at) == 0  # it rests
    assert do(at + HOUR) == 1
    assert rows(engine, GIVEN) == [(10, 0, None, None)]


# When it is due


def test_after_the_delay_the_reason_is_looked_at_again(custom: Custom, engine: Engine) -> None:
    anna = custom.shop.person("anna", Grant("clerk", custom.shop.store.id))
    kept, back, at = custom.shop.member(), custom.shop.member(), clock.now()
    turned_on(custom.shop, "first_purchase", at, delay_minutes=60)
    sales = [
        custom.shop.till.sell(custom.shop.till.ticket(custom.shop.code(one)), 5_000).json
        for one in (kept, back)
    ]
    facts(custom.shop, clock.now())
    assert do(at + HOUR / 2) == 0
    _refunded(custom.shop, sales[1], anna)
    assert do(at + 2 * HOUR) == 2
    assert rows(engine, RUNS) == [(kept.member_id, "acted", None), (back.member_id, "refused", "over")]


@pytest.mark.parametrize(
    ("kind", "trigger", "how"),
    [
        ("spent_in_sale", {"at_least_fen": 5_000}, {"amount_fen": 1}),
        ("first_purchase", {}, {"reason": "void"}),
    ],
)
def test_who_buys_and_returns_again_and_again_is_given_once(
    custom: Custom, engine: Engine, kind: str, trigger: dict[str, Any], how: dict[str, Any]
) -> None:
    """They keep it; it counts for the next purchase that is kept."""
    anna = custom.shop.person("anna", Grant("clerk", custom.shop.store.id))
    phone, at = custom.shop.member(), clock.now() - HOUR
    gives = {"points": {"points": 500}}
    turned_on(custom.shop, kind, at, trigger=trigger, actions=gives, max_runs=100)
    found = []
    for n, returned in enumerate((True, True, False, False), 1):
        sale = {"id": custom.buys(phone, 5_000, at=at + n * HOUR / 10)}
        custom.relays(at=clock.now())
        do(clock.now())
        found = outcomes(engine)
        if returned:
            assert refund(custom.shop, sale, anna, **how).status_code == 201
            custom.relays(at=clock.now())
    had = "had_before"
    assert found == ["acted", had, had, "acted"][: 4 if kind == "spent_in_sale" else 3]


def test_who_comes_up_by_sales_that_are_voided_is_given_once(custom: Custom, engine: Engine) -> None:
    """What a sale brought that was rung up wrongly they keep; it counts when they come up again."""
    anna = custom.shop.person("anna", Grant("clerk", custom.shop.store.id))
    phone, at = custom.shop.member(), clock.now()
    set_plan(at=at - HOUR)
    turned_on(custom.shop, "tier_up", at, actions={"points": {"points": 500}}, max_runs=100)
    for n, (fen, voided) in enumerate(((30_000, True), (30_000, True), (10_000, False), (20_000, False))):
        now = at + timedelta(minutes=2 * n)
        sale = {"id": custom.buys(phone, fen, at=now)}
        custom.works(at=now + timedelta(seconds=1))
        custom.relays(at=now + timedelta(seconds=2))
        do(now + timedelta(seconds=2))
        if voided:
            assert refund(custom.shop, sale, anna, reason="void").status_code == 201
            custom.works(at=now + timedelta(seconds=70))
    assert [to for _, _, _, to, _ in custom.changes(phone)] == [
        "gold",
        "normal",
        "gold",
        "normal",
        "silver",
        "gold",
    ]
    assert outcomes(engine) == ["acted", "had_before", "had_before", "acted"]


def test_who_falls_in_the_course_of_time_is_given_when_they_come_up_again(
    custom: Custom, engine: Engine
) -> None:
    phone, at = custom.shop.member(), clock.now()
    set_plan(at=at)
    turned_on(custom.shop, "tier_up", at, actions={"points": {"points": 500}}, max_runs=100)
    for days, fen in ((0, 10_000), (1, 20_000), (40, 10_000)):
        now = at + days * DAY + HOUR
        custom.works(at=now)
        custom.buys(phone, fen, at=now)
        custom.works(at=now + timedelta(seconds=1))
        custom.relays(at=now + timedelta(seconds=2))
        do(now + timedelta(seconds=2))
    kinds = [(kind, to) for _, kind, _, to, _ in custom.changes(phone)]
    assert kinds == [("upgrade", "silver"), ("upgrade", "gold"), ("demote", "normal"), ("upgrade", "silver")]
    assert outcomes(engine) == ["acted", "acted", "acted"]


def test_what_counted_for_what_was_kept_is_not_forgotten(custom: Custom, engine: Engine) -> None:
    """Or who returned something once would be refused once more in each quarter."""
    anna = custom.shop.person("anna", Grant("clerk", custom.shop.store.id))
    phone, at = custom.shop.member(), clock.now() - HOUR
    gives = {"points": {"points": 500}}
    turned_on(custom.shop, "spent_in_sale", at, trigger={"at_least_fen": 5_000}, actions=gives, max_runs=100)
    for n in range(3):
        sale = {"id": custom.buys(phone, 5_000, at=at + (n + 1) * HOUR / 10)}
        custom.relays(at=clock.now())
        do(clock.now())
        if n == 0:
            _refunded(custom.shop, sale, anna)
        if n == 1:
            assert prune(before=clock.now() + DAY) == 0
    assert outcomes(engine) == ["acted", "had_before", "acted"]


def test_who_books_and_cancels_again_and_again_is_given_once(custom: Custom, engine: Engine) -> None:
    phone, free = custom.shop.member(), session(custom.shop, points=0)
    turned_on(custom.shop, "event_booked", clock.now(), actions={"points": {"points": 500}}, max_runs=100)
    for _ in range(3):
        booking = booked(phone, free, points=0)
        facts(custom.shop, clock.now())
        do(clock.now())
        assert given_up(phone, booking["id"]).status_code == 200
    assert outcomes(engine) == ["acted", "had_before", "had_before"]


def _refunded(shop: Shop, sale: dict[str, Any], who: Any) -> None:
    assert refund(shop, sale, who, amount_fen=5_000).status_code == 201


def test_what_is_due_while_it_is_off_or_changed_comes_to_nothing(custom: Custom, engine: Engine) -> None:
    made = drafted("joined", clock.now(), delay_minutes=60)
    no = approved(custom.shop, made, clock.now())
    custom.shop.member()
    facts(custom.shop, clock.now())
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    custom.shop.member()
    facts(custom.shop, clock.now())
    review.switch_on(no=no, actor=OPERATOR, now=clock.now())
    assert do(clock.now() + HOUR) == 1
    assert outcomes(engine) == ["acted"]

    custom.shop.member()
    facts(custom.shop, clock.now())
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    assert do(clock.now() + HOUR) == 1
    custom_draft = draft.Draft(
        **{name: getattr(made, name) for name in draft.Draft.__dataclass_fields__} | {"name": "改过"}
    )
    draft.change(no=no, version=1, draft=custom_draft, actor=OPERATOR, now=clock.now())
    assert outcomes(engine) == ["acted", "off"]


def test_messages_that_wait_are_called_back_when_it_is_off(custom: Custom, engine: Engine) -> None:
    no = turned_on(custom.shop, "joined", clock.now())
    other = turned_on(custom.shop, "joined", clock.now())
    people = [custom.shop.member() for _ in range(2)]
    facts(custom.shop, clock.now())
    assert do(clock.now()) == 4
    assert call_back_all(now=clock.now()) == 0
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    assert call_back_all(now=clock.now()) == len(people)
    assert (call_back_all(now=clock.now()), call_back_all(now=clock.now())) == (0, 0)
    reasons = (
        "SELECT reason, count(*) FROM messages WHERE kind = 'automation' AND state = 'cancelled' GROUP BY 1"
    )
    assert rows(engine, reasons) == [("automation_off", 2)]
    assert (report(no=no).messages["cancelled"], report(no=other).messages["pending"]) == (2, 2)
    assert rows(engine, "SELECT no FROM automations WHERE to_call_back") == []


def test_what_a_worker_had_taken_and_gave_back_is_called_back_too(custom: Custom, engine: Engine) -> None:
    no = turned_on(custom.shop, "joined", clock.now())
    custom.shop.member()
    facts(custom.shop, clock.now())
    do(clock.now())
    taken = [
        one
        for one in lease(channel="inbox", app_id=None, now=clock.now()).messages
        if one.kind == "automation"
    ]
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    assert [call_back_all(now=clock.now()) for _ in range(2)] == [0, 0]
    give_back(taken)
    assert [call_back_all(now=clock.now()) for _ in range(3)] == [1, 0, 0]
    assert rows(engine, "SELECT no FROM automations WHERE to_call_back") == []


def test_what_a_former_version_said_is_called_back_though_it_is_on_again(
    custom: Custom, engine: Engine
) -> None:
    made = drafted("joined", clock.now())
    no = approved(custom.shop, made, clock.now())
    before = custom.shop.member()
    facts(custom.shop, clock.now())
    do(clock.now())
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    review.switch_on(no=no, actor=OPERATOR, now=clock.now())
    assert call_back_all(now=clock.now()) == 0, "it says the same as before"
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    as_it_is = {name: getattr(made, name) for name in draft.Draft.__dataclass_fields__}
    approved(
        custom.shop,
        draft.change(no=no, version=1, draft=draft.Draft(**as_it_is), actor=OPERATOR, now=clock.now()),
        clock.now(),
    )
    after = custom.shop.member()
    facts(custom.shop, clock.now())
    do(clock.now())
    assert [call_back_all(now=clock.now()) for _ in range(3)] == [1, 0, 0]
    told = "SELECT member_id, state FROM messages WHERE kind = 'automation' ORDER BY member_id"
    assert rows(engine, told) == [(before.member_id, "cancelled"), (after.member_id, "pending")]
    assert rows(engine, "SELECT no FROM automations WHERE to_call_back") == []


def test_of_who_takes_consent_back_nothing_waits(custom: Custom, engine: Engine) -> None:
    turned_on(
        custom.shop, "joined", clock.now(), delay_minutes=60, actions={"points": {"points": 5}}, max_runs=5
    )
    phone = custom.shop.member()
    facts(custom.shop, clock.now())
    withdraw(member_id=phone.member_id, now=clock.now())
    assert do(clock.now() + 2 * HOUR) == 0
    assert outcomes(engine) == ["withdrawn"]


def test_what_came_to_nothing_is_forgotten_and_what_was_done_is_not(custom: Custom, engine: Engine) -> None:
    turned_on(custom.shop, "joined", clock.now(), actions={"tag_on": "新客"}, max_runs=1)
    for _ in range(2):
        custom.shop.member()
    facts(custom.shop, clock.now())
    do(clock.now())
    assert outcomes(engine) == ["acted", "used_up"]
    assert prune(before=clock.now() - DAY) == 0
    assert prune(before=clock.now() + DAY) == 1
    assert outcomes(engine) == ["acted"]


# What is done


def test_who_may_not_be_told_still_gets_what_is_given(shop: Shop, engine: Engine) -> None:
    """Caps hold; without anything else nothing was done."""
    policy(most_a_day=0, most_a_week=None)
    template = coupon.live_template(clock.now(), stock=1)
    turned_on(shop, "joined", clock.now())
    no = turned_on(
        shop, "joined", clock.now(), actions={**TELL, "coupon": {"template": template}}, max_runs=100
    )
    shop.member()
    facts(shop, clock.now())
    do(clock.now())
    assert sorted(outcomes(engine)) == ["acted", "capped"]
    assert rows(engine, GIVEN) == [(0, 1, None, "capped")]
    shop.member()
    facts(shop, clock.now())
    do(clock.now())
    assert report(no=no).refused == {"coupons_used_up": 1}


@pytest.mark.parametrize(
    ("named", "most_a_day", "told"),
    [
        ("both", 1, [("automation",)]),
        ("zh", 1, [("automation",), ("coupons_issued",)]),
        ("none", 1, [("automation",), ("coupons_issued",)]),
        ("both", 0, [("coupons_issued",)]),
    ],
)
def test_a_coupon_is_told_of_once(
    shop: Shop, engine: Engine, named: str, most_a_day: int, told: list[tuple[str]]
) -> None:
    """By the message that names it, and by itself where there is none, or where it does not."""
    policy(most_a_day=most_a_day, most_a_week=None)
    words = {
        lang: {**INBOX[lang], "body": "{coupon} × 2" if named in (lang, "both") else "!"} for lang in INBOX
    }
    done = {
        "message": {"channel": "inbox", "content": {"inbox": words}},
        "coupon": {"template": coupon.live_template(clock.now()), "count": 2},
    }
    turned_on(shop, "joined", clock.now(), actions=done, max_runs=9)
    shop.member()
    facts(shop, clock.now())
    do(clock.now())
    facts(shop, clock.now())
    kinds = "SELECT kind FROM messages WHERE kind IN ('automation', 'coupons_issued') ORDER BY 1"
    assert rows(engine, kinds) == told
    counted = "SELECT CAST(payload ->> 'count' AS integer) FROM facts WHERE kind = 'coupons_issued'"
    assert rows(engine, counted) == ([] if told == [("automation",)] else [(2,)])


def test_by_another_channel_it_is_told_of_as_that_one_says(custom: Custom, engine: Engine) -> None:
    """Who gets the inbox's words instead of WeChat's, which do not name it, is told of it there."""
    template()
    words = {lang: {**INBOX[lang], "body": "{coupon}"} for lang in INBOX}
    content = {"inbox": words, "wechat": WECHAT}
    done = {
        "message": {"channel": "wechat_subscribe", "else_inbox": True, "content": content},
        "coupon": {"template": coupon.live_template(clock.now())},
    }
    turned_on(custom.shop, "joined", clock.now(), actions=done, max_runs=9)
    rich, poor = by_wechat(custom.shop.member(), 1), by_wechat(custom.shop.member())
    facts(custom.shop, clock.now())
    do(clock.now())
    facts(custom.shop, clock.now())
    told = "SELECT member_id, kind FROM messages WHERE kind IN ('automation', 'coupons_issued') ORDER BY 1, 2"
    assert rows(engine, told) == [
        (rich.member_id, "automation"),
        (rich.member_id, "coupons_issued"),
        (poor.member_id, "automation"),
    ]


def test_nobody_is_told_of_a_coupon_they_do_not_get(custom: Custom, engine: Engine) -> None:
    template_id = coupon.live_template(clock.now(), stock=1)
    done = {**TELL, "coupon": {"template": template_id}, "points": {"points": 5}}
    no = turned_on(custom.shop, "joined", clock.now(), actions=done, max_runs=100)
    for _ in range(2):
        custom.shop.member()
    facts(custom.shop, clock.now())
    do(clock.now())
    out = "coupons_used_up"
    assert rows(engine, GIVEN) == [(5, 1, None, None), (5, 0, out, out)]
    assert sum(report(no=no).messages.values()) == 1


def test_it_is_told_by_the_first_channel_that_reaches_and_not_at_night(
    custom: Custom, engine: Engine
) -> None:
    template()
    content = {"inbox": INBOX, "wechat": WECHAT}
    message = {"channel": "wechat_subscribe", "else_inbox": True, "content": content}
    joined = clock.now()
    turned_on(custom.shop, "joined", joined, actions={"message": message})
    rich, poor = by_wechat(custom.shop.member(), 1), by_wechat(custom.shop.member())
    facts(custom.shop, clock.now())
    night = start_of_day(business_date(joined, HOME_ZONE) + DAY, HOME_ZONE) + 26 * HOUR
    do(night)
    told = "SELECT member_id, channel, due_at FROM messages WHERE kind = 'automation' ORDER BY 1"
    assert rows(engine, told) == [
        (rich.member_id, "wechat_subscribe", night + 7 * HOUR),
        (poor.member_id, "inbox", night),
    ]


def test_a_tap_counts_for_the_newest_message_once_and_only_of_who_was_told(
    custom: Custom, engine: Engine
) -> None:
    template()
    message = {"channel": "wechat_subscribe", "content": {"inbox": INBOX, "wechat": WECHAT}}
    no = turned_on(custom.shop, "joined", clock.now(), actions={"message": message})
    one, untold = by_wechat(custom.shop.member(), 1), by_wechat(custom.shop.member())
    path = f"/me/automations/{no}/opened"
    assert one.post(path).status_code == 404  # nobody has told them yet
    facts(custom.shop, clock.now())
    do(clock.now())
    [(said,)] = rows(engine, "SELECT CAST(params AS text) FROM messages WHERE kind = 'automation'")
    assert f'?automation={no}"' in str(said)
    assert [one.post(path).status_code for _ in range(2)] == [204, 204]
    assert untold.post(path).status_code == 404
    for nothing in ("0", str(no + 1), "x", "9" * 400, str(2**63)):
        assert one.post(f"/me/automations/{nothing}/opened").status_code == 404
    found = report(no=no)
    assert (found.acted, found.clicked, found.read) == (1, 1, 0)


def test_tags_are_put_on_and_taken_off_of_all_at_once(shop: Shop, engine: Engine) -> None:
    on = turned_on(shop, "joined", clock.now(), actions={"tag_on": "新客"})
    turned_on(shop, "joined", clock.now(), actions={"tag_off": "新客"}, delay_minutes=60)
    people = [shop.member() for _ in range(3)]
    facts(shop, clock.now())
    at: datetime = clock.now()
    assert do(at) == 3
    assert rows(engine, "SELECT count(*) FROM member_tags") == [(len(people),)]
    assert do(at + HOUR) == 3
    assert rows(engine, "SELECT count(*) FROM member_tags") == [(0,)]
    assert report(no=on).acted == 3
