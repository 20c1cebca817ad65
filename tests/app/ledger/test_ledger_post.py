"""Movements: which lots a debit takes, what is written, and that a refusal leaves no trace."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Engine

from app import db
from app.ledger.post import AlreadyPosted, NotEnough, post, post_each
from tests.app.ledger.books import DAY, NOW, balance, cause, everything, fen, member, move, points, remaining
from tests.conftest import rows

US = timedelta(microseconds=1)


def test_a_credit_opens_a_lot_and_shows_the_balance_after_it(engine: Engine) -> None:
    one = member()
    [first] = move(points(one, 30))
    [second] = move(points(one, 12))
    assert (first.balance_after, second.balance_after) == (30, 42)
    assert remaining(engine, one) == [30, 12]
    assert rows(engine, "SELECT seq, balance_after FROM ledger_entries WHERE seq > 0 ORDER BY seq") == [
        (1, 30),
        (2, 42),
    ]


def test_a_debit_takes_what_ends_first_and_what_never_ends_last(engine: Engine) -> None:
    one = member()
    move(points(one, 10))
    move(points(one, 10, expires_at=NOW + 9 * DAY))
    move(points(one, 10, expires_at=NOW + 5 * DAY))
    [spent] = move(points(one, -15))
    assert spent.balance_after == 15
    assert remaining(engine, one) == [10, 5, 0]
    move(points(one, -10))
    assert remaining(engine, one) == [5, 0, 0]


def test_of_lots_that_end_together_the_older_is_taken(engine: Engine) -> None:
    one = member()
    move(points(one, 4, expires_at=NOW + DAY))
    move(points(one, 4, expires_at=NOW + DAY))
    move(points(one, -5))
    assert remaining(engine, one) == [0, 3]


def test_a_debit_says_what_it_took_from_each_lot(engine: Engine) -> None:
    one = member()
    move(points(one, 3, expires_at=NOW + DAY))
    move(points(one, 9))
    [spent] = move(points(one, -7))
    taken = rows(
        engine, "SELECT amount FROM ledger_allocations WHERE entry_id = :e ORDER BY lot_id", e=spent.entry_id
    )
    assert taken == [(3,), (4,)]


def test_a_lot_may_be_spent_from_its_first_instant_until_just_before_its_end(engine: Engine) -> None:
    one = member()
    opens, ends = NOW + DAY, NOW + 2 * DAY
    move(points(one, 10, available_at=opens, expires_at=ends))
    with pytest.raises(NotEnough):
        move(points(one, -1), at=opens - US)
    move(points(one, -1), at=opens)
    move(points(one, -1), at=ends - US)
    with pytest.raises(NotEnough):
        move(points(one, -1), at=ends)
    assert remaining(engine, one) == [8]


def test_what_cannot_be_spent_covers_nothing_even_in_part(engine: Engine) -> None:
    one = member()
    move(points(one, 5))
    move(points(one, 5, available_at=NOW + DAY))
    move(points(one, 5, expires_at=NOW), at=NOW - DAY)
    before = everything(engine)
    with pytest.raises(NotEnough) as refusal:
        move(points(one, -6))
    assert refusal.value.data == {"unit": "points"}
    assert everything(engine) == before
    move(points(one, -5))
    assert balance(engine, one) == 5  # what waits; what ended was taken out


def test_a_member_without_account_cannot_spend(engine: Engine) -> None:
    one = member()
    with pytest.raises(NotEnough):
        move(points(one, -1))
    assert everything(engine)["accounts"] == []


def test_one_transaction_moves_several_units_of_several_members(engine: Engine) -> None:
    one, two = member(), member()
    move(fen(two, 500), points(two, 8))
    answers = move(
        points(one, 20),
        fen(two, -300),
        points(two, -8),
        fen(one, 50, "bonus_fen"),
        points(one, 2),
        fen(one, 7),
    )
    assert [posted.balance_after for posted in answers] == [20, 200, 0, 50, 22, 7]
    assert balance(engine, one) == 22
    assert balance(engine, one, "bonus_fen") == 50
    assert balance(engine, two, "principal_fen") == 200
    sums = rows(engine, "SELECT DISTINCT sum(amount) FROM ledger_entries GROUP BY transaction_id, unit")
    assert sums == [(0,)]


def test_a_debit_may_use_what_the_same_transaction_credited_before_it(engine: Engine) -> None:
    one = member()
    move(points(one, 10), points(one, -4))
    assert remaining(engine, one) == [6]
    with pytest.raises(NotEnough):
        move(points(one, -7), points(one, 100))
    assert remaining(engine, one) == [6]


def test_if_one_movement_is_refused_none_happens(engine: Engine) -> None:
    one, two = member(), member()
    move(points(one, 10))
    before = everything(engine)
    with pytest.raises(NotEnough) as refusal:
        move(points(one, -10), fen(two, -1, "bonus_fen"))
    assert refusal.value.data == {"unit": "bonus_fen"}
    assert everything(engine) == before


def test_a_cause_has_its_effect_once(engine: Engine) -> None:
    one = member()
    move(points(one, 10), source="receipt-1")
    before = everything(engine)
    with pytest.raises(AlreadyPosted):
        move(points(one, 10), source="receipt-1")
    with pytest.raises(AlreadyPosted):
        move(fen(one, -999), source="receipt-1")
    assert everything(engine) == before


def test_a_cause_differs_by_kind_and_line(engine: Engine) -> None:
    one = member()
    move(points(one, 1), source="same")
    with db.transaction() as session:
        post(session, cause(source="same", kind="adjust"), [points(one, 1)])
    assert balance(engine, one) == 2


def test_a_refusal_takes_the_callers_transaction_with_it(engine: Engine) -> None:
    one, two = member(), member()

    def give_and_take() -> None:
        with db.transaction() as session:
            post(session, cause(), [points(two, 5)])
            post(session, cause(), [points(one, -1)])

    with pytest.raises(NotEnough):
        give_and_take()
    assert balance(engine, two) == 0


def test_a_transaction_without_movement_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError):
        move()
    assert everything(engine)["transactions"] == []


@pytest.mark.parametrize(("unit", "amount"), [("gold", 5), ("points", 0), ("points", 2**63 - 1)])
def test_movements_that_make_no_sense_leave_nothing(engine: Engine, unit: str, amount: int) -> None:
    one = member()
    move(points(one, 1))
    before = everything(engine)
    with pytest.raises(psycopg.Error):
        move(fen(one, amount, unit))
    assert everything(engine) == before


def test_a_movement_for_nobody_is_refused(engine: Engine) -> None:
    with pytest.raises(psycopg.Error):
        move(points(987_654_321, 5))
    assert everything(engine)["accounts"] == []


def test_large_values_keep_every_fen(engine: Engine) -> None:
    one = member()
    large = 4 * 10**18
    move(fen(one, large))
    move(fen(one, -(large - 1)))
    assert balance(engine, one, "principal_fen") == 1


def test_many_are_given_theirs_in_one_statement_each_once(engine: Engine) -> None:
    one, two, late = member(), member(), member()
    move(points(one, 10, expires_at=NOW - US))
    theirs = {f"gift:{who}": points(who, 7, expires_at=NOW + DAY) for who in (two, one)}
    with db.transaction() as session:
        post_each(session, cause(), theirs)
    assert [balance(engine, who) for who in (one, two)] == [7, 7]
    assert remaining(engine, one) == [0, 7], "what had ended is taken out before"
    sources = "SELECT source_id FROM ledger_transactions WHERE source_id LIKE 'gift:%' ORDER BY id"
    assert rows(engine, sources) == [(f"gift:{who}",) for who in (one, two)]
    before = everything(engine)
    with pytest.raises(AlreadyPosted), db.transaction() as session:
        post_each(session, cause(), {**theirs, "gift:late": points(late, 7)})
    assert everything(engine) == before
