"""Splitting an amount between principal and bonus: in the order the policy sets, to the fen.

That nothing is spent twice, and in which lots, is shown with sales by quote (tests/app/checkout/test_till_races.py,
test_till_model.py).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.post import NotEnough
from app.stored_value.policy import SpendOrder
from app.stored_value.spend import Split, split
from tests.app.ledger.books import NOW, fen

ORDERS: tuple[SpendOrder, ...] = ("bonus_first", "principal_first", "pro_rata")


@pytest.mark.parametrize(
    ("order", "principal", "bonus_part"),
    [("bonus_first", 70, 30), ("principal_first", 100, 0), ("pro_rata", 80, 20)],
)
def test_the_policy_says_in_which_order(order: SpendOrder, principal: int, bonus_part: int) -> None:
    assert split(100, principal_fen=120, bonus_fen=30, order=order) == Split(
        principal_fen=principal, bonus_fen=bonus_part
    )


@pytest.mark.parametrize("order", ORDERS)
def test_any_split_sums_to_the_fen_and_takes_no_more_than_there_is(order: SpendOrder) -> None:
    for principal in range(12):
        for given_fen in range(12):
            for amount in range(1, principal + given_fen + 1):
                parts = split(amount, principal_fen=principal, bonus_fen=given_fen, order=order)
                assert parts.principal_fen + parts.bonus_fen == amount
                assert 0 <= parts.principal_fen <= principal
                assert 0 <= parts.bonus_fen <= given_fen


def test_pro_rata_gives_the_odd_fen_to_the_larger_remainder() -> None:
    assert split(10, principal_fen=20, bonus_fen=10, order="pro_rata") == Split(principal_fen=7, bonus_fen=3)
    assert split(5, principal_fen=20, bonus_fen=10, order="pro_rata") == Split(principal_fen=3, bonus_fen=2)
    assert split(1, principal_fen=1, bonus_fen=1, order="pro_rata") == Split(principal_fen=1, bonus_fen=0)


@given(
    order=st.sampled_from(ORDERS),
    principal=st.integers(0, 500_000),
    bonus=st.integers(0, 500_000),
    data=st.data(),
)
def test_one_payment_after_another_takes_no_more_than_there_is(
    order: SpendOrder, principal: int, bonus: int, data: st.DataObject
) -> None:
    for _ in range(4):
        if not principal + bonus:
            break
        amount = data.draw(st.integers(1, principal + bonus))
        parts = split(amount, principal_fen=principal, bonus_fen=bonus, order=order)
        principal, bonus = principal - parts.principal_fen, bonus - parts.bonus_fen
        assert min(principal, bonus) >= 0


def test_more_than_both_together_is_refused() -> None:
    with pytest.raises(NotEnough) as refused:
        split(101, principal_fen=60, bonus_fen=40, order="pro_rata")
    assert refused.value.data == {"unit": "stored_value_fen"}


def test_principal_cannot_be_made_to_end_or_to_wait() -> None:
    with pytest.raises(ValueError, match="for ever"):
        fen(1, 100, expires_at=NOW)
    with pytest.raises(ValueError, match="at once"):
        fen(1, 100, available_at=NOW)
