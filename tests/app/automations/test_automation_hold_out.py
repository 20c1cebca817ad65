"""Who is held out of an automation gets nothing of it, and is compared with those who were in the same place."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.audit import OPERATOR
from app.automations import act as acting
from app.automations import draft, dry_run, review
from app.automations.automation import show
from app.automations.hold_out import held_out
from app.automations.models import Automation
from app.automations.report import report
from app.automations.rows import prune
from app.campaigns.hold_out import HELD_OUT, is_held_out
from app.messages.preferences import set_preferences
from tests import coupons as coupon
from tests.app.tiers.shopping import Custom
from tests.automations import TELL, approved, do, drafted, facts, turned_on
from tests.conftest import rows
from tests.events import booked, given_up, session
from tests.marketing import policy
from tests.shop import Phone, Shop

RUNS = "SELECT member_id, coalesce(refused, state) FROM automation_runs ORDER BY id"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HALF: dict[str, Any] = {"hold_out_bp": 5_000}
Draw = Callable[..., None]


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    """Nobody is told too often."""
    policy(most_a_day=None, most_a_week=None)
    return Custom(shop, engine)


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """These are held out of what holds out somebody, as if it had been drawn so."""

    def drawn(*people: Phone) -> None:
        ids = {one.member_id for one in people}

        def side(automation: Automation, member_id: int) -> bool:
            return automation.hold_out_bp > 0 and member_id in ids

        monkeypatch.setattr(acting, "held_out", side)
        monkeypatch.setattr(dry_run, "held_out", side)

    return drawn


def outcomes(engine: Engine) -> dict[Any, list[Any]]:
    """By member what became of each run."""
    found: dict[Any, list[Any]] = {}
    for member, outcome in rows(engine, RUNS):
        found.setdefault(member, []).append(outcome)
    return found


def test_a_member_is_on_the_side_that_the_database_would_draw(engine: Engine) -> None:
    asked = f"SELECT n FROM generate_series(1, 2000) n WHERE {HELD_OUT.format(member='n')}"
    for of in ("automation:7", "01JXXXXXXXXXXXXXXXXXXXXXXX"):
        drawn = {n for (n,) in rows(engine, asked, campaign_id=of, hold_out_bp=3_000)}
        assert drawn == {n for n in range(1, 2001) if is_held_out(of, n, 3_000)}
        assert 500 < len(drawn) < 700


def test_who_is_held_out_stays_so_with_more_of_them_and_is_another_elsewhere() -> None:
    def out(no: int, rate_bp: int) -> set[int]:
        automation = Automation(no=no, hold_out_bp=rate_bp)
        return {n for n in range(1, 1001) if held_out(automation, n)}

    assert out(1, 0) == set()
    assert out(1, 1_000) < out(1, 5_000)
    assert out(1, 5_000) != out(2, 5_000)


def test_who_is_held_out_gets_nothing_and_uses_up_nothing(custom: Custom, engine: Engine, draw: Draw) -> None:
    template = coupon.live_template(clock.now(), stock=1)
    gives = {**TELL, "points": {"points": 7}, "coupon": {"template": template}, "tag_on": "新客"}
    no = turned_on(custom.shop, "joined", clock.now(), actions=gives, max_runs=1, **HALF)
    spared, first = custom.shop.member(), custom.shop.member()
    draw(spared)
    facts(custom.shop, clock.now())
    do(clock.now())
    assert outcomes(engine) == {spared.member_id: ["held_out"], first.member_id: ["acted"]}
    owners = "SELECT member_id FROM messages WHERE kind = 'automation'"
    for what in ("SELECT issued_to FROM coupons", "SELECT member_id FROM member_tags", owners):
        assert rows(engine, what) == [(first.member_id,)]
    tagged = "SELECT data -> 'members' FROM audit_log WHERE action = 'member.tag'"
    assert rows(engine, tagged) == [([first.member_id],)]
    assert rows(engine, "SELECT source_id FROM ledger_transactions WHERE kind = 'automation'") == rows(
        engine, "SELECT id::text FROM automation_runs WHERE state = 'acted'"
    )
    found = report(no=no)
    assert (found.acted, found.refused, show(no=no).acted) == (1, {"held_out": 1}, 1)


def test_of_many_at_once_those_held_out_are_not_told(custom: Custom, engine: Engine, draw: Draw) -> None:
    turned_on(custom.shop, "joined", clock.now(), actions={**TELL, "tag_off": "老客"}, **HALF)
    people = [custom.shop.member() for _ in range(4)]
    draw(*people[:2])
    facts(custom.shop, clock.now())
    assert do(clock.now()) == 4
    assert outcomes(engine) == {
        one.member_id: ["held_out" if place < 2 else "acted"] for place, one in enumerate(people)
    }
    told = rows(engine, "SELECT member_id FROM messages WHERE kind = 'automation' ORDER BY 1")
    assert told == [(one.member_id,) for one in people[2:]]


def test_who_could_have_had_nothing_is_refused_for_that(custom: Custom, engine: Engine, draw: Draw) -> None:
    """As all others are: else only those held out would have among them who could not be reached."""
    template = coupon.live_template(clock.now(), stock=1)
    turned_on(custom.shop, "joined", clock.now(), **HALF)
    given = {"coupon": {"template": template}}
    turned_on(custom.shop, "joined", clock.now(), actions={**TELL, **given}, max_runs=9, **HALF)
    first = custom.shop.member()
    facts(custom.shop, clock.now())
    draw()
    do(clock.now())
    deaf = custom.shop.member()
    set_preferences(member_id=deaf.member_id, refused=frozenset({"all"}), now=clock.now())
    draw(deaf)
    facts(custom.shop, clock.now())
    do(clock.now())
    assert outcomes(engine)[first.member_id] == ["acted", "acted"]
    assert sorted(outcomes(engine)[deaf.member_id]) == ["coupons_used_up", "opted_out"]


@pytest.mark.parametrize(
    ("once", "times"), [({"once": "ever"}, 1), ({"once": "days", "once_days": 30}, 1), ({}, 2)]
)
def test_who_is_held_out_is_looked_at_as_often_as_the_others(
    custom: Custom, engine: Engine, draw: Draw, once: dict[str, Any], times: int
) -> None:
    at = clock.now() - HOUR
    trigger = {"trigger": {"at_least_fen": 1}, "actions": {"tag_on": "茶"}}
    turned_on(custom.shop, "spent_in_sale", at, **trigger, **once, **HALF)
    spared, other = custom.shop.member(), custom.shop.member()
    draw(spared)
    for n in (1, 2):
        for phone in (spared, other):
            custom.buys(phone, 500, at=at + n * HOUR / 10)
        custom.relays(at=clock.now())
        do(clock.now())
    assert outcomes(engine) == {
        spared.member_id: ["held_out"] * times,
        other.member_id: ["acted"] * times,
    }


def changed(shop: Shop, no: int, **more: Any) -> None:
    """It is switched off, changed, and on again."""
    review.switch_off(no=no, actor=OPERATOR, now=clock.now())
    former = show(no=no)
    kept = {name: getattr(former, name) for name in draft.Draft.__dataclass_fields__}
    made = draft.change(
        no=no,
        version=former.version,
        draft=draft.Draft(**{**kept, **more}),
        actor=OPERATOR,
        now=clock.now(),
    )
    approved(shop, made, clock.now())


@pytest.mark.parametrize(("more", "again"), [({"name": "改"}, []), ({"hold_out_bp": 0}, ["acted"])])
def test_another_version_leaves_them_out_as_long_as_as_many_are_held_out(
    custom: Custom, engine: Engine, draw: Draw, more: dict[str, Any], again: list[str]
) -> None:
    trigger = {"trigger": {"at_least_fen": 1}, "actions": {"tag_on": "茶"}, "once": "ever"}
    no = turned_on(custom.shop, "spent_in_sale", clock.now(), **trigger, **HALF)
    spared = custom.shop.member()
    draw(spared)
    for change in (more, None):
        custom.shop.earn(spared, 5)
        facts(custom.shop, clock.now())
        do(clock.now())
        if change is not None:
            changed(custom.shop, no, **change)
    assert outcomes(engine) == {spared.member_id: ["held_out", *again]}


def test_who_books_and_cancels_is_held_out_once_as_others_are_given_once(
    custom: Custom, engine: Engine, draw: Draw
) -> None:
    free, spared = session(custom.shop, points=0), custom.shop.member()
    draw(spared)
    gives = {"points": {"points": 500}}
    turned_on(custom.shop, "event_booked", clock.now(), actions=gives, max_runs=100, **HALF)
    for _ in range(2):
        booking = booked(spared, free, points=0)
        facts(custom.shop, clock.now())
        do(clock.now())
        assert given_up(spared, booking["id"]).status_code == 200
    assert outcomes(engine) == {spared.member_id: ["held_out", "had_before"]}


def test_the_report_compares_both_sides_since_as_many_are_held_out(
    custom: Custom, engine: Engine, draw: Draw
) -> None:
    no = turned_on(custom.shop, "joined", clock.now(), actions={"tag_on": "新客"})
    before = custom.shop.member()
    facts(custom.shop, clock.now())
    do(clock.now())
    custom.shop.earn(before, 10)
    alone = report(no=no)
    assert (alone.told.members, alone.told.buyers, alone.control.members, alone.uplift_bp) == (1, 1, 0, None)

    changed(custom.shop, no, **HALF)
    people = [custom.shop.member() for _ in range(6)]
    draw(*people[:2])
    facts(custom.shop, clock.now())
    do(clock.now())
    for phone, yuan in ((people[0], 8), (people[0], 1), (people[2], 5), (people[3], 6), (people[4], 7)):
        custom.shop.earn(phone, yuan)
    found = report(no=no)
    assert (found.told.members, found.told.buyers, found.told.sales, found.told.revenue_fen) == (
        4,
        3,
        3,
        1_800,
    )
    assert (found.control.members, found.control.buyers, found.control.sales) == (2, 1, 2)
    assert (found.control.revenue_fen, found.control.rate_bp) == (900, 5_000)
    assert found.uplift_bp == 7_500 - 5_000
    assert (found.acted, found.buyers, found.revenue_fen) == (5, 4, 2_800)
    with db.transaction() as session:
        late = "UPDATE sales SET occurred_at = occurred_at + interval '8 days'"
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(late))
    assert report(no=no).uplift_bp == 0
    with db.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(late.replace("+", "-")))


def test_who_was_held_out_is_not_forgotten(
    custom: Custom, engine: Engine, unaudited_engine: Engine, draw: Draw
) -> None:
    no = turned_on(custom.shop, "joined", clock.now(), actions={"tag_on": "新客"}, **HALF)
    draw(custom.shop.member())
    facts(custom.shop, clock.now())
    do(clock.now())
    assert prune(before=clock.now() + DAY) == 0
    assert report(no=no).control.members == 1
    with unaudited_engine.connect() as connection, pytest.raises(Exception, match="append-only"):
        connection.execute(text("DELETE FROM automation_runs"))


def test_a_dry_run_tells_how_many_would_have_been_held_out(
    custom: Custom, engine: Engine, draw: Draw
) -> None:
    spared, other = custom.shop.member(), custom.shop.member()
    at = clock.now() - HOUR
    for n in (1, 2, 3):
        for phone in (spared, other):
            custom.buys(phone, 500, at=at + n * HOUR / 10)
    draw(spared)
    trigger = {"trigger": {"at_least_fen": 1}, "actions": {"tag_on": "茶"}}

    def runs(**more: Any) -> tuple[int, int, int]:
        made = drafted("spent_in_sale", clock.now(), **trigger, **(HALF | more))
        found = dry_run.dry_run(no=made.no, days=2, now=clock.now())
        return found.runs, found.members, found.held_out

    assert runs() == (3, 1, 3)
    assert runs(once="ever") == (1, 1, 1)
    assert runs(max_runs=2)[0] == 2
    assert runs(hold_out_bp=0) == (6, 2, 0)
