"""Sales at the moment at which a drawer is counted."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.checkout.shifts import close_shift, open_shift
from app.ledger.check import differences
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.app.checkout.till_side import request, sell_at, till_of
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """The tests look at the books themselves: one of them with the guard off."""
    return unaudited_engine


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


_ROUNDS = 5


def counted_and_sold_at_once(shop: Shop, who: StaffView, rounds: int) -> None:
    """Each round sixteen at one till: one counts the drawer and opens it again, the others sell what they began before
    that. In the end it is counted once more."""
    till, began = till_of(shop.till).naming(who.staff_no), clock.now()

    def run(number: int) -> None:
        if number == 0:
            now = clock.now()
            close_shift(till=till, shift_id=shift.id, counted_fen=0, request=request(), now=now)
        else:
            sell_at(till, None, 100, began)

    for _ in range(rounds):
        shift = open_shift(till=till, opening_fen=0, request=request(), now=began)
        began = clock.now()
        race(16, run)
    shift = open_shift(till=till, opening_fen=0, request=request(), now=began)
    now = clock.now() + timedelta(seconds=1)
    close_shift(till=till, shift_id=shift.id, counted_fen=0, request=request(), now=now)


def broken(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {one.promise for one in differences(connection)}


def test_no_sale_falls_between_two_shifts(shop: Shop, engine: Engine, anna: StaffView) -> None:
    counted_and_sold_at_once(shop, anna, _ROUNDS)
    assert rows(engine, "SELECT count(*) FROM sales") == [(15 * _ROUNDS,)]
    assert broken(engine) == set()


@pytest.mark.long
def test_with_the_guard_off_some_do(shop: Shop, engine: Engine, anna: StaffView) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("CREATE OR REPLACE FUNCTION till_at(p_terminal bigint, p_at timestamptz) RETURNS bigint"
                 " LANGUAGE sql AS 'SELECT p_terminal'")
        )  # fmt: skip
    counted_and_sold_at_once(shop, anna, _ROUNDS)
    assert broken(engine) == {"a closed shift says what went through its till"}
