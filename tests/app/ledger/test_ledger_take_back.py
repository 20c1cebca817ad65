"""Which points go when some are taken back, and what is owed then."""

from sqlalchemy import Engine

from app import db
from app.ledger.take_back import TakenBack, take_back
from tests.app.ledger.books import DAY, NOW, balance, cause, member, move, points, remaining


def back(entry_id: int, amount: int, *, lapsed: int = 0) -> TakenBack:
    with db.transaction() as session:
        return take_back(session, cause(kind="refund"), entry_id=entry_id, points=amount, lapsed=lapsed)


def test_first_its_own_lot_then_what_ends_soonest_and_what_waits_comes_last(engine: Engine) -> None:
    who = member()
    move(points(who, 10, expires_at=NOW + 9 * DAY))
    move(points(who, 10, available_at=NOW + DAY))
    [own] = move(points(who, 10))
    move(points(who, 10, expires_at=NOW + 5 * DAY))
    for amount, left in ((4, [10, 10, 6, 10]), (8, [10, 10, 0, 8]), (10, [8, 10, 0, 0]), (11, [0, 7, 0, 0])):
        assert back(own.entry_id, amount).taken == amount
        assert remaining(engine, who) == left


def test_its_own_lot_goes_first_even_if_it_waits(engine: Engine) -> None:
    who = member()
    move(points(who, 10))
    [own] = move(points(who, 10, available_at=NOW + DAY))
    found = back(own.entry_id, 6)
    assert (found.taken, found.balance_after, found.pending) == (6, 14, 4)
    assert remaining(engine, who) == [10, 4]


def test_what_is_not_there_is_owed_and_points_that_wait_pay_it_too(engine: Engine) -> None:
    who = member()
    [own] = move(points(who, 10))
    move(points(who, -8))
    assert back(own.entry_id, 10) == TakenBack(taken=2, owed=8, lapsed=0, balance_after=0, pending=0)
    [posted] = move(points(who, 5, available_at=NOW + DAY))
    assert (posted.balance_after, balance(engine, who, "points_owed")) == (0, 3)
    [posted] = move(points(who, 5))
    assert (posted.balance_after, balance(engine, who, "points_owed")) == (2, 0)


def test_a_debt_is_not_paid_by_points_that_have_ended(engine: Engine) -> None:
    who = member()
    [own] = move(points(who, 10))
    move(points(who, -10))
    back(own.entry_id, 10)
    move(points(who, 5, expires_at=NOW))
    assert balance(engine, who, "points_owed") == 10
