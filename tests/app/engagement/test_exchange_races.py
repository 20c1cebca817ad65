"""Many phones and tills at once: never more than there is, never twice, never both; and the controls that show it."""

import uuid
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import db
from app.engagement.rewards import exchange, hand_over
from app.engagement.rewards.models import RewardOrder
from app.staff.roles import Grant
from tests import unguarded
from tests.app.stored_value.offering import ticket
from tests.conftest import rows
from tests.quoting import members
from tests.racing import code, race
from tests.rewards import asked, exchanged, given_up, mugs
from tests.shop import Shop

AT_ONCE = 16


def last_items(shop: Shop) -> Counter[str]:
    phones, mug = members(shop, AT_ONCE), mugs(shop, stock=3)
    return Counter(race(AT_ONCE, lambda n: code(asked(phones[n], mug))))


def test_the_last_ones_go_to_as_many_as_there_are(shop: Shop, engine: Engine) -> None:
    assert last_items(shop) == {"201": 3, "reward_used_up": 13}
    assert rows(engine, "SELECT taken FROM reward_stock") == [(3,)]
    assert rows(engine, "SELECT count(*) FROM ledger_transactions WHERE source_type = 'reward_order'") == [
        (3,)
    ]


@pytest.mark.long
def test_control_without_a_guarded_stock_more_go_than_there_are(
    whole_app: Any, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded.rewards(unaudited_engine, monkeypatch)
    assert last_items(Shop(whole_app))["201"] > 3


def test_one_key_makes_one_exchange(shop: Shop, engine: Engine) -> None:
    [phone], mug = members(shop, 1), mugs(shop)
    answers = race(AT_ONCE, lambda _: asked(phone, mug, key="one"))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert rows(engine, "SELECT count(*) FROM reward_orders") == [(1,)]


@pytest.mark.long
def test_control_with_keys_of_their_own_there_are_many(shop: Shop, engine: Engine) -> None:
    [phone], mug = members(shop, 1), mugs(shop)
    answers = race(AT_ONCE, lambda _: code(asked(phone, mug)))
    # A thousand points are enough for ten, and for no more however many ask.
    assert Counter(answers) == {"201": 10, "not_enough": 6}


def test_a_limit_holds_for_whoever_asks_many_times_at_once(shop: Shop, engine: Engine) -> None:
    [phone], mug = members(shop, 1), mugs(shop, per_member=2)
    answers = race(AT_ONCE, lambda _: code(asked(phone, mug)))
    assert Counter(answers) == {"201": 2, "reward_limit_reached": 14}


@pytest.mark.long
def test_control_without_the_lock_the_unique_key_still_holds_the_limit(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second saying of the rule: those that pass the look together fail as a whole, and may ask again."""
    look = exchange._next_nth

    def slow_look(session: Any, *arguments: Any) -> int:
        nth = look(session, *arguments)
        session.execute(text("SELECT pg_sleep(0.2)"))
        return nth

    monkeypatch.setattr(exchange, "lock_accounts", lambda *_: None)
    monkeypatch.setattr(exchange, "_next_nth", slow_look)
    [phone], mug = members(shop, 1), mugs(shop, per_member=1)
    answers = Counter(race(AT_ONCE, lambda _: code(asked(phone, mug))))
    assert answers["201"] == 1
    assert answers["busy"] > 0
    assert rows(engine, "SELECT count(*) FROM reward_orders") == [(1,)]


def handed_by_all(shop: Shop) -> Counter[str]:
    """Each thread a till of its own with a ticket of its own: one member, one order."""
    [phone], anna = members(shop, 1), shop.person("anna", Grant("clerk", shop.store.id))
    order = exchanged(phone, mugs(shop))
    tills = [shop.add_till("S001", f"R{n}") for n in range(AT_ONCE)]
    opened = ticket(shop, phone, till=tills[0])
    tickets = [_copy(opened, n) for n in range(AT_ONCE)]

    def run(n: int) -> str:
        body = {"ticket": tickets[n], "order_id": order["id"], "staff_no": anna.staff_no}
        return code(tills[n].post("/reward-hand-overs", body))

    return Counter(race(AT_ONCE, run))


def _copy(opened: str, n: int) -> str:
    """The same scan as if it had been made at another till: a member cannot be in so many places."""
    if n == 0:
        return opened
    new = f"~{n:02d}{opened[3:]}"  # no ticket of the product's own has a tilde
    with db.transaction() as session:
        columns = "member_id, created_at, expires_at, found_by, staff_id"
        session.execute(
            text(f"""
                INSERT INTO scan_tickets (id, terminal_id, {columns})
                SELECT :new, (SELECT id FROM terminals WHERE code = :code), {columns}
                FROM scan_tickets WHERE id = :id"""),
            {"new": new, "code": f"R{n}", "id": opened},
        )
    return new


def test_of_many_tills_one_hands_it_over(shop: Shop, engine: Engine) -> None:
    assert handed_by_all(shop) == {"201": 1, "reward_order_over": 15}
    assert rows(engine, "SELECT count(*) FROM audit_log WHERE action = 'reward.hand_over'") == [(1,)]


def unlocked(session: Any, order_id: str, *, member_id: int | None, store_id: int | None) -> Any:
    """As `hand_over.locked`, without the lock, and slow enough for the others to look as well."""
    order = session.get(RewardOrder, order_id)
    session.execute(text("SELECT pg_sleep(0.2)"))
    return order


@pytest.mark.long
def test_control_without_the_lock_and_the_guard_many_hand_it_over(
    whole_app: Any, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unaudited_engine.begin() as connection:
        connection.execute(text("DROP TRIGGER reward_orders_end_once ON reward_orders"))
    monkeypatch.setattr(hand_over, "locked", unlocked)
    assert handed_by_all(Shop(whole_app))["201"] > 1


def test_what_is_given_up_is_not_handed_over_and_the_other_way_round(shop: Shop, engine: Engine) -> None:
    phones, anna = members(shop, AT_ONCE // 2), shop.person("anna", Grant("clerk", shop.store.id))
    mug = mugs(shop, stock=AT_ONCE)
    made = [exchanged(phone, mug) for phone in phones]
    tickets = [ticket(shop, phone) for phone in phones]

    def run(n: int) -> str:
        pair = n // 2
        if n % 2:
            return code(given_up(phones[pair], made[pair]["id"]))
        body = {"ticket": tickets[pair], "order_id": made[pair]["id"], "staff_no": anna.staff_no}
        return code(shop.till.post("/reward-hand-overs", body, uuid.uuid4().hex))

    answers = race(AT_ONCE, run)
    for pair in range(AT_ONCE // 2):
        handed, undone = answers[2 * pair : 2 * pair + 2]
        assert (handed, undone) in {("201", "reward_order_over"), ("reward_order_over", "200")}
    left = rows(engine, "SELECT count(*) FROM reward_orders WHERE state = 'ready'")
    assert left == [(0,)]
