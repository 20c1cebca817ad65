"""Many tills, one balance."""

from collections import Counter

import pytest
from sqlalchemy import Engine, text

from app.db import Busy
from app.ledger.check import differences
from app.ledger.post import AlreadyPosted, NotEnough
from tests.app.ledger.books import balance, fen, member, move, points
from tests.racing import race

RUNNERS = 16


def spend_together(one: int, amount: int) -> Counter[str]:
    """Every runner spends the same amount; how it ended for how many."""

    def spend(_: int) -> str:
        try:
            move(points(one, -amount))
        except (NotEnough, Busy) as refusal:
            return refusal.code
        return "spent"

    return Counter(race(RUNNERS, spend))


@pytest.mark.parametrize("round_number", range(5))
def test_sixteen_tills_spend_a_balance_exactly_as_often_as_it_lasts(
    engine: Engine, round_number: int
) -> None:
    one = member()
    move(points(one, 30))
    move(points(one, 23))
    assert spend_together(one, 10) == {"spent": 5, "not_enough": 11}
    assert balance(engine, one) == 3


def test_one_cause_has_one_effect_whoever_comes_first(engine: Engine) -> None:
    one = member()
    move(points(one, 5))

    def earn(_: int) -> bool:
        try:
            move(points(one, 10), source="one receipt")
        except AlreadyPosted:
            return False
        return True

    assert race(RUNNERS, earn).count(True) == 1
    assert balance(engine, one) == 15


def test_first_movements_of_a_new_member_share_one_account(engine: Engine) -> None:
    one = member()
    answers = race(RUNNERS, lambda _: move(points(one, 3))[0].balance_after)
    assert sorted(answers) == [3 * n for n in range(1, RUNNERS + 1)]


def test_transfers_both_ways_do_not_block_each_other(engine: Engine) -> None:
    one, two = member(), member()
    move(fen(one, 1000), fen(two, 1000))

    def give(number: int) -> None:
        giver, taker = (one, two) if number % 2 else (two, one)
        for _ in range(5):
            move(fen(giver, -7), fen(taker, 7))

    race(RUNNERS, give)
    assert balance(engine, one, "principal_fen") + balance(engine, two, "principal_fen") == 2000


@pytest.mark.long
class TestWithoutTheLock:
    """The same race against a writer that looks without locking must go wrong, or it proves nothing."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            function = connection.execute(
                text("SELECT pg_get_functiondef('ledger_post'::regproc)")
            ).scalar_one()
            careful = "SET balance = a.balance + v_posting.amount, last_seq = a.last_seq + 1"
            assert function.count(careful) == function.count("FOR UPDATE") == 1
            look = """SELECT a.balance + v_posting.amount, a.last_seq + 1 INTO balance_after, v_seq
                FROM ledger_accounts a WHERE a.id = v_account; PERFORM pg_sleep(0.01); UPDATE ledger_accounts a"""
            careless = function.replace(
                f"UPDATE ledger_accounts a {careful}", f"{look} SET balance = balance_after, last_seq = v_seq"
            ).replace("FOR UPDATE LOOP", "LOOP")
            # The lots are read after the wait for the account's row and would still refuse: a second net.
            careless = careless.replace("IF v_left > 0 THEN", "IF false THEN")
            assert "FOR UPDATE" not in careless
            connection.execute(text(careless.replace(":", "\\:")))
            connection.execute(
                text("ALTER TABLE ledger_entries DROP CONSTRAINT uq_ledger_entries_account_id_seq")
            )
        return unaudited_engine

    def test_the_balance_is_spent_too_often_and_the_audit_says_so(self, engine: Engine) -> None:
        one = member()
        move(points(one, 53))
        assert spend_together(one, 10)["spent"] > 5
        with engine.connect() as connection:
            promises = {found.promise for found in differences(connection)}
        assert "a balance equals its history" in promises
        assert "history has no gap and no edited running balance" in promises
