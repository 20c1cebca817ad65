"""Spending stored value: in the order the policy sets, to the fen, and never below zero."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import db
from app.audit import OPERATOR
from app.ledger.post import AlreadyPosted, NotEnough, Posting
from app.policies import change
from app.stored_value import spend as spending
from app.stored_value.balance import held
from app.stored_value.policy import SpendOrder, StoredValuePolicy
from app.stored_value.spend import Spent, Split, spend, split
from tests.app.ledger.books import NOW, balance, cause, fen, member, move, points, remaining
from tests.racing import race

RUNNERS = 16


def bonus(one: int, amount: int, **options: Any) -> Posting:
    return fen(one, amount, "bonus_fen", **options)


def pay(one: int, amount_fen: int, *, source: str | None = None) -> Spent:
    """In a transaction of its own."""
    with db.transaction() as session:
        return spend(session, member_id=one, amount_fen=amount_fen, cause=cause(source=source, kind="spend"))


def set_order(order: SpendOrder) -> None:
    change(kind=StoredValuePolicy, value={"spend_order": order}, version=0, actor=OPERATOR, now=NOW)


@pytest.mark.parametrize(
    ("order", "principal", "bonus_part"),
    [("bonus_first", 70, 30), ("principal_first", 100, 0), ("pro_rata", 80, 20)],
)
def test_the_policy_says_in_which_order(
    engine: Engine, order: SpendOrder, principal: int, bonus_part: int
) -> None:
    one = member()
    move(fen(one, 120), bonus(one, 30))
    set_order(order)
    spent = pay(one, 100)
    assert (spent.principal_fen, spent.bonus_fen) == (principal, bonus_part)
    assert (spent.principal_after_fen, spent.bonus_after_fen) == (120 - principal, 30 - bonus_part)
    assert (balance(engine, one, "principal_fen"), balance(engine, one, "bonus_fen")) == (
        spent.principal_after_fen,
        spent.bonus_after_fen,
    )


@pytest.mark.parametrize("order", ["bonus_first", "principal_first", "pro_rata"])
def test_any_split_sums_to_the_fen_and_takes_no_more_than_there_is(order: SpendOrder) -> None:
    for principal in range(12):
        for given in range(12):
            for amount in range(1, principal + given + 1):
                parts = split(amount, principal_fen=principal, bonus_fen=given, order=order)
                assert parts.principal_fen + parts.bonus_fen == amount
                assert 0 <= parts.principal_fen <= principal
                assert 0 <= parts.bonus_fen <= given


def test_pro_rata_gives_the_odd_fen_to_the_larger_remainder() -> None:
    assert split(10, principal_fen=20, bonus_fen=10, order="pro_rata") == Split(principal_fen=7, bonus_fen=3)
    assert split(5, principal_fen=20, bonus_fen=10, order="pro_rata") == Split(principal_fen=3, bonus_fen=2)
    assert split(1, principal_fen=1, bonus_fen=1, order="pro_rata") == Split(principal_fen=1, bonus_fen=0)


def test_many_small_payments_use_up_exactly_what_there_was(engine: Engine) -> None:
    one = member()
    move(fen(one, 100), bonus(one, 37))
    taken = [pay(one, 7) for _ in range(19)]
    assert sum(part.principal_fen + part.bonus_fen for part in taken) == 133
    last = pay(one, 4)
    assert (last.principal_after_fen, last.bonus_after_fen) == (0, 0)


def test_more_than_both_together_is_refused_and_nothing_moves(engine: Engine) -> None:
    one = member()
    move(fen(one, 60), bonus(one, 40), points(one, 500))
    with pytest.raises(NotEnough) as refused:
        pay(one, 101)
    assert refused.value.data == {"unit": "stored_value_fen"}
    assert (balance(engine, one, "principal_fen"), balance(engine, one, "bonus_fen")) == (60, 40)


def test_bonus_that_has_ended_or_is_still_to_come_is_not_spent(engine: Engine) -> None:
    one = member()
    day = timedelta(days=1)
    move(fen(one, 10), bonus(one, 20, expires_at=NOW), bonus(one, 40, available_at=NOW + day), at=NOW - day)
    with pytest.raises(NotEnough):
        pay(one, 11)
    assert pay(one, 10).principal_fen == 10


def test_bonus_that_ends_first_is_used_first(engine: Engine) -> None:
    one = member()
    day = timedelta(days=1)
    move(bonus(one, 5), bonus(one, 6, expires_at=NOW + 2 * day), bonus(one, 7, expires_at=NOW + day))
    pay(one, 8)
    assert remaining(engine, one, "bonus_fen") == [5, 5, 0]


def test_principal_cannot_be_made_to_end_or_to_wait() -> None:
    with pytest.raises(ValueError, match="for ever"):
        fen(1, 100, expires_at=NOW)
    with pytest.raises(ValueError, match="at once"):
        fen(1, 100, available_at=NOW)


def test_one_cause_spends_once(engine: Engine) -> None:
    one = member()
    move(fen(one, 100))
    pay(one, 30, source="one sale")
    with pytest.raises(AlreadyPosted):
        pay(one, 30, source="one sale")
    assert balance(engine, one, "principal_fen") == 70


def spend_together(one: int, amount_fen: int) -> Counter[str]:
    def run(_: int) -> str:
        try:
            pay(one, amount_fen)
        except (NotEnough, db.Busy) as refusal:
            return refusal.code
        return "spent"

    return Counter(race(RUNNERS, run))


@pytest.mark.parametrize("order", ["bonus_first", "principal_first", "pro_rata"])
def test_sixteen_tills_spend_one_balance_exactly_as_often_as_it_lasts(
    engine: Engine, order: SpendOrder
) -> None:
    one = member()
    move(fen(one, 31), bonus(one, 22))
    set_order(order)
    assert spend_together(one, 10) == {"spent": 5, "not_enough": 11}
    assert balance(engine, one, "principal_fen") + balance(engine, one, "bonus_fen") == 3


def test_spending_and_earning_at_once_do_not_block_each_other(engine: Engine) -> None:
    one = member()
    move(fen(one, 1_600), bonus(one, 1_600), points(one, 1))

    def run(number: int) -> None:
        if number % 2:
            move(points(one, 5), fen(one, 10))
            return
        with db.transaction() as session:
            spend(session, member_id=one, amount_fen=10, cause=cause(kind="spend"))
            spending.post(session, cause(), [points(one, 5)])

    race(RUNNERS, run)
    assert balance(engine, one) == 1 + 5 * RUNNERS


class TestWithoutTheLock:
    """The same race against a verb that looks without locking must go wrong, or it proves nothing."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
        unlocked = spending._LOCK.replace(" FOR UPDATE", "")
        assert unlocked != spending._LOCK
        monkeypatch.setattr(spending, "_LOCK", unlocked)
        look = spending.held

        def slowly(session: Any, member_id: int, *, now: Any) -> Any:
            found = look(session, member_id, now=now)
            db.ask(session, "SELECT pg_sleep(0.02)", {})
            return found

        monkeypatch.setattr(spending, "held", slowly)
        return unaudited_engine

    def test_payments_that_the_balance_covers_are_refused(self, engine: Engine) -> None:
        """The ledger still lets no account fall below zero: but by the old look too much is asked of one part."""
        one = member()
        move(fen(one, 40), bonus(one, 120))
        set_order("bonus_first")
        assert spend_together(one, 10)["spent"] < RUNNERS
        with engine.connect() as connection:
            assert held(connection, one, now=NOW).principal_fen > 0


def test_without_the_race_all_of_it_can_be_spent(engine: Engine) -> None:
    one = member()
    move(fen(one, 40), bonus(one, 120))
    set_order("bonus_first")
    assert spend_together(one, 10) == {"spent": RUNNERS}
