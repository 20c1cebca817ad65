"""What one member holds becomes another's: to the point, with its ends and stores, and back."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import db
from app.db import Busy
from app.ledger.check import differences
from app.ledger.expire import expire
from app.ledger.post import BONUS, POINTS, PRINCIPAL, AlreadyPosted, NotEnough
from app.ledger.take_back import take_back
from app.ledger.transfer import EVERYTHING, OWED, Move, Transferred
from app.points.opening import OpeningLot, opening
from app.points.transfer import transfer
from tests.app.ledger.books import DAY, NOW, balance, cause, everything, member, move, points, remaining
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop


def give(sender: int, receiver: int, *moves: Move, source: str = "1", **more: Any) -> Transferred:
    with db.transaction() as session:
        return transfer(
            session,
            sender=sender,
            receiver=receiver,
            moves=moves or EVERYTHING,
            source_type="test",
            source_id=source,
            now=more.pop("at", NOW),
            **more,
        )


def open_lots(who: int, *lots: OpeningLot, source: str = "row") -> None:
    with db.transaction() as session:
        opening(session, member_id=who, lots=lots, source_id=f"{source}:{who}", now=NOW)


def content(engine: Engine, who: int) -> Counter[tuple[Any, ...]]:
    """What may be spent when, by unit, store, beginning and end."""
    found = rows(
        engine,
        "SELECT a.unit, l.store_id, l.available_at, l.expires_at, l.remaining FROM ledger_lots l"
        " JOIN ledger_accounts a ON a.id = l.account_id WHERE a.member_id = :who AND l.remaining > 0",
        who=who,
    )
    summed: Counter[tuple[Any, ...]] = Counter()
    for *lot, left in found:
        summed[tuple(lot)] += int(str(left))
    return summed


def some_lots(draw: random.Random, stores: list[int | None]) -> list[OpeningLot]:
    lots = []
    for _ in range(draw.randint(1, 6)):
        unit = draw.choice([POINTS, POINTS, BONUS, PRINCIPAL])
        free = unit == PRINCIPAL
        lots.append(
            OpeningLot(
                unit=unit,
                amount=draw.randint(1, 50),
                store_id=draw.choice(stores),
                available_at=None if free else draw.choice([None, NOW + DAY]),
                expires_at=None if free else draw.choice([None, NOW + 5 * DAY, NOW + 9 * DAY]),
            )
        )
    return lots


def test_a_clock_that_is_behind_moves_principal_that_came_a_moment_later(engine: Engine) -> None:
    """By another server's clock; the books are asked afterwards, as after every test."""
    one, other = member(), member()
    late = NOW + timedelta(seconds=2)
    with db.transaction() as session:
        opening(
            session, member_id=one, lots=[OpeningLot(unit=PRINCIPAL, amount=300)], source_id="x", now=late
        )
    assert give(one, other).moved == {PRINCIPAL: 300}
    assert content(engine, other) == {(PRINCIPAL, None, late, None): 300}


@pytest.mark.parametrize("seed", range(8))
def test_there_and_back_every_lot_is_what_it_was(shop: Shop, engine: Engine, seed: int) -> None:
    draw = random.Random(seed)
    stores = [None, shop.store.id, shop.open_store("S002").id]
    one, two = member(), member()
    for who in (one, two):
        open_lots(who, *some_lots(draw, stores))
    before = content(engine, one), content(engine, two)
    held = {unit: balance(engine, one, unit) for unit in (POINTS, BONUS, PRINCIPAL)}
    some = [
        Move(unit=unit, amount=draw.choice([None, draw.randint(1, amount)]))
        for unit, amount in held.items()
        if amount
    ]
    there = give(one, two, *some)
    assert content(engine, one) + content(engine, two) == before[0] + before[1]
    assert there.moved == {m.unit: m.amount or held[m.unit] for m in some}
    back = give(two, one, source="back", reverses=there.transaction_id)
    assert back.moved == there.moved
    assert (content(engine, one), content(engine, two)) == before


def test_what_ends_first_goes_first_and_what_waits_last(engine: Engine) -> None:
    one, two = member(), member()
    for more in ({"available_at": NOW + DAY}, {}, {"expires_at": NOW + 2 * DAY}, {"expires_at": NOW + DAY}):
        move(points(one, 10, **more))
    assert give(one, two, Move(unit=POINTS, amount=25)).moved == {POINTS: 25}
    assert remaining(engine, one) == [10, 5, 0, 0]
    assert remaining(engine, two) == [10, 10, 5]
    expire(now=NOW + 2 * DAY)
    assert (balance(engine, one), balance(engine, two)) == (15, 5)


def test_what_has_ended_is_not_moved(engine: Engine) -> None:
    one, two = member(), member()
    move(points(one, 10, expires_at=NOW + DAY))
    nothing = Transferred(transaction_id=None, moved={})
    assert give(one, two, at=NOW + DAY) == nothing
    assert give(two, one, at=NOW + DAY) == nothing
    assert (balance(engine, one), balance(engine, two)) == (0, 0)


def test_more_than_there_is_moves_nothing(engine: Engine) -> None:
    one, two = member(), member()
    move(points(one, 10))
    books = everything(engine)
    with pytest.raises(NotEnough):
        give(one, two, Move(unit=POINTS, amount=5), Move(unit=PRINCIPAL, amount=1))
    with pytest.raises(NotEnough):
        give(one, two, Move(unit=POINTS, amount=11))
    assert everything(engine) == books


def test_one_cause_moves_once(engine: Engine) -> None:
    one, two = member(), member()
    move(points(one, 10))
    give(one, two, Move(unit=POINTS, amount=4))
    with pytest.raises(AlreadyPosted):
        give(one, two, Move(unit=POINTS, amount=4))
    assert (balance(engine, one), balance(engine, two)) == (6, 4)


def test_nobody_gives_to_themselves_or_nothing_or_twice() -> None:
    for bad in (
        lambda: give(1, 1),
        lambda: give(1, 2, Move(unit=POINTS, amount=0)),
        lambda: give(1, 2, Move(unit=POINTS), Move(unit=POINTS)),
    ):
        with pytest.raises(ValueError, match=r"move|member"):
            bad()


def in_debt(owed: int) -> int:
    """A member who owes so many points."""
    who = member()
    [earned] = move(points(who, owed))
    move(points(who, -owed))
    with db.transaction() as session:
        take_back(session, cause(kind="refund"), entry_id=earned.entry_id, points=owed, lapsed=0)
    return who


def test_what_the_receiver_owes_is_paid_from_it(engine: Engine) -> None:
    one, two = member(), in_debt(15)
    move(points(one, 10, expires_at=NOW + DAY))
    move(points(one, 10))
    give(one, two)
    assert (balance(engine, two), balance(engine, two, OWED)) == (5, 0)


def test_a_debt_goes_along_and_is_paid_by_what_is_there(engine: Engine) -> None:
    one, two, three = in_debt(15), member(), member()
    move(points(two, 10))
    assert give(one, two).moved == {OWED: 15}
    assert (balance(engine, two), balance(engine, two, OWED), balance(engine, one, OWED)) == (0, 5, 0)
    assert give(two, three, source="2").moved == {OWED: 5}
    assert balance(engine, three, OWED) == 5


def test_back_goes_only_what_is_left(engine: Engine) -> None:
    one, two = member(), member()
    move(points(one, 10))
    move(points(two, 3, expires_at=NOW + DAY))
    there = give(one, two)
    move(points(two, -5))  # the three first, then two of the ten
    assert give(two, one, source="back", reverses=there.transaction_id).moved == {POINTS: 8}
    assert (balance(engine, one), balance(engine, two)) == (8, 0)


def both_ways(one: int, two: int) -> None:
    def some(number: int) -> None:
        sender, receiver = (one, two) if number % 2 else (two, one)
        for turn in range(4):
            give(sender, receiver, Move(unit=POINTS, amount=number + 1), source=f"{number}-{turn}")

    race(16, some)


def test_both_ways_at_once_nobody_blocks_and_nothing_is_lost(engine: Engine) -> None:
    one, two = member(), member()
    for who in (one, two):
        move(points(who, 600, expires_at=NOW + DAY))
        move(points(who, 400))
    both_ways(one, two)
    moved = 4 * sum((number + 1) * (1 if number % 2 else -1) for number in range(16))
    assert (balance(engine, one), balance(engine, two)) == (1000 - moved, 1000 + moved)


class TestWithoutTheLock:
    """The same race against a function that does not lock first must go wrong."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            function = connection.execute(
                text("SELECT pg_get_functiondef('ledger_transfer'::regproc)")
            ).scalar_one()
            lock = "PERFORM ledger_expire(a.id, p_at) FROM"
            assert function.count(lock) == 1
            careless = function.replace(lock, "PERFORM pg_sleep(0.01) FROM").replace(":=", "\\:=")
            connection.execute(text(careless.replace("::", "\\:\\:")))
        return unaudited_engine

    def test_it_blocks_or_loses(self, engine: Engine) -> None:
        one, two = member(), member()
        for who in (one, two):
            move(points(who, 1000))
        # The keys of the books are the second net: two movements of the same place in the history.
        with pytest.raises((AlreadyPosted, Busy)):
            both_ways(one, two)


def test_an_opening_stands_as_it_was_brought_and_once(shop: Shop, engine: Engine) -> None:
    who = member()
    other = shop.open_store("S002").id
    lots = (
        OpeningLot(unit=POINTS, amount=10, store_id=shop.store.id, expires_at=NOW + DAY),
        OpeningLot(unit=POINTS, amount=5, store_id=other, available_at=NOW + DAY),
        OpeningLot(unit=PRINCIPAL, amount=700, store_id=other),
        OpeningLot(unit=BONUS, amount=70),
    )
    open_lots(who, *lots)
    assert content(engine, who) == {
        (POINTS, shop.store.id, NOW, NOW + DAY): 10,
        (POINTS, other, NOW + DAY, None): 5,
        (PRINCIPAL, other, NOW, None): 700,
        (BONUS, None, NOW, None): 70,
    }
    with pytest.raises(AlreadyPosted):
        open_lots(who, *reversed(lots))
    with pytest.raises(AlreadyPosted):
        open_lots(who, lots[0])
    assert balance(engine, who) == 15


@pytest.mark.parametrize(
    "lots",
    [
        [],
        [OpeningLot(unit=POINTS, amount=0)],
        [OpeningLot(unit=POINTS, amount=5, expires_at=NOW)],
        [OpeningLot(unit=PRINCIPAL, amount=5, expires_at=NOW + timedelta(days=1))],
    ],
)
def test_what_is_no_opening_is_refused(engine: Engine, lots: list[OpeningLot]) -> None:
    with pytest.raises(ValueError, match=r"opening|principal"):
        open_lots(member(), *lots)


_LAST = "WHERE id = (SELECT max(id) FROM ledger_lots)"


@pytest.mark.parametrize(
    "violation",
    [
        f"UPDATE ledger_lots SET expires_at = expires_at + interval '1 day' {_LAST}",
        f"UPDATE ledger_lots SET store_id = 1 {_LAST}",
        "DELETE FROM ledger_allocations",
    ],
)
def test_the_audit_finds_a_transfer_that_changed_something(
    whole_app: Flask, unaudited_engine: Engine, violation: str
) -> None:
    Shop(whole_app)
    one, two = member(), member()
    move(points(one, 10, expires_at=NOW + DAY))
    give(one, two)
    with unaudited_engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(violation))
    with unaudited_engine.connect() as connection:
        broken = {found.promise for found in differences(connection)}
    assert "a transfer gives what it takes, with the same ends and stores" in broken
