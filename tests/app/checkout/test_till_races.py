"""Sales by quote among everything else that moves one member's value, at once."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.checkout import sale_by_quote
from app.checkout.sale_by_quote import QuoteOutdated
from app.db import Busy
from app.errors import DomainError
from app.ledger.expire import expire
from app.staff.roles import Grant
from app.stored_value.policy import SpendOrder, StoredValuePolicy
from tests.adjusting import adjusted
from tests.app.checkout.desk import Desk, desk_of, line
from tests.app.ledger.books import fen, move, points
from tests.conftest import rows
from tests.quoting import fill, points_pay, set_policy
from tests.racing import race
from tests.shop import Shop

RUNNERS = 16
#: Of each kind, and there are five.
EACH = 4


@pytest.fixture
def desk(shop: Shop) -> Desk:
    set_policy(StoredValuePolicy, confirm_above_fen=None)
    return desk_of(shop, "anna")


#: Opening an account takes long enough that somebody comes in between.
SLOWLY = """
    CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END $$;
    CREATE TRIGGER slowly BEFORE INSERT ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION slowly()"""


def test_a_first_earning_and_a_top_up_with_points_do_not_wait_in_a_circle(
    shop: Shop, desk: Desk, engine: Engine
) -> None:
    """A member with stored value and no points yet: the account for them opens while the other one is held."""
    phones = [shop.member() for _ in range(RUNNERS)]
    for phone in phones:
        fill(phone, principal_fen=1_000)
    now = clock.now()
    quotes = [desk.quote(phone.member_id, [line(1_000)], now, balance_fen=1_000) for phone in phones]
    with engine.begin() as connection:
        connection.execute(text(SLOWLY))

    def run(number: int) -> str:
        one = number // 2
        try:
            if number % 2:
                move(points(phones[one].member_id, 10), fen(phones[one].member_id, 500), at=now)
            else:
                desk.sell(quotes[one], now)
        except Busy as error:
            return error.code
        return "done"

    # PostgreSQL ends one of those who wait in a circle, and `busy` would be among the answers.
    assert Counter(race(2 * RUNNERS, run)) == {"done": 2 * RUNNERS}


class TestWithoutTheAccountBeforehand:
    """The same race with the account opened on the way must go wrong, or the test proves nothing."""

    @pytest.mark.long
    def test_they_wait_in_a_circle(
        self, shop: Shop, desk: Desk, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sale_by_quote, "open_account", lambda *_: None)
        with pytest.raises(AssertionError, match="busy"):
            test_a_first_earning_and_a_top_up_with_points_do_not_wait_in_a_circle(shop, desk, engine)


@pytest.mark.parametrize("order", ["bonus_first", "principal_first", "pro_rata"])
def test_sixteen_quotes_spend_one_balance_as_often_as_it_lasts(
    shop: Shop, desk: Desk, engine: Engine, order: SpendOrder
) -> None:
    """Complaint: stored value is spent twice by two checkouts at once."""
    set_policy(StoredValuePolicy, confirm_above_fen=None, spend_order=order)
    phone = shop.member()
    fill(phone, principal_fen=310, bonus_fen=220)
    now = clock.now()
    quotes = [desk.quote(phone.member_id, [line(100)], now, balance_fen=100) for _ in range(RUNNERS)]

    def run(number: int) -> str:
        try:
            desk.sell(quotes[number], now)
        except QuoteOutdated as refusal:
            return f"{refusal.code} {refusal.data['what']}"
        return "sold"

    sold = Counter(race(RUNNERS, run))
    # All quotes were made of the same purse, so each takes the same of each kind, and the scarcer one ends it.
    each = quotes[0].priced.balance
    lasts = min(
        310 // each.principal_fen if each.principal_fen else RUNNERS,
        220 // each.bonus_fen if each.bonus_fen else RUNNERS,
    )
    assert sold == {"sold": lasts, "quote_outdated stored_value": RUNNERS - lasts}
    assert dict(held(engine, phone.member_id)) == {
        "principal_fen": 310 - lasts * each.principal_fen,
        "bonus_fen": 220 - lasts * each.bonus_fen,
    } | ({"points": lasts} if each.bonus_fen == 0 else {})


def held(engine: Engine, member_id: int) -> list[tuple[str, int]]:
    question = "SELECT unit, balance FROM ledger_accounts WHERE member_id = :m AND balance > 0 ORDER BY unit"
    return rows(engine, question, m=member_id)  # type: ignore[return-value]


def test_everything_that_moves_one_members_value_at_once(shop: Shop, desk: Desk, engine: Engine) -> None:
    """Sales by quote, refunds, top-ups, adjustments and expiry meet in the same order: nobody waits in a circle."""
    points_pay()
    anna = shop.person("anna", Grant("clerk", shop.store.id), Grant("manager", shop.store.id))
    desk.staff_no = anna.staff_no
    phone = shop.member()
    one = phone.member_id
    fill(phone, points=2_000, principal_fen=50_000, bonus_fen=20_000)
    fill(phone, points=50, bonus_fen=50, expires_at=clock.now() + timedelta(seconds=1))
    now = clock.now()
    bill = [line(300, 3), line(99)]
    quotes = [desk.quote(one, bill, now, points=90, balance_fen=500) for _ in range(2 * EACH)]
    sales = [desk.sell(quoted, now) for quoted in quotes[EACH:]]
    later = now + timedelta(seconds=2)
    doing: list[Callable[[int], object]] = [
        lambda n: desk.sell(quotes[n], later),
        lambda n: desk.refund(sales[n].sale_id, later, {1: 2}),
        lambda n: move(points(one, 5), fen(one, 10), fen(one, 3, "bonus_fen"), at=later),
        lambda n: adjusted(shop, phone, anna.id, 20 if n % 2 else -20),
        lambda n: expire(now=later),
    ]
    answers = race(len(doing) * EACH, lambda n: _outcome(doing[n % len(doing)], n // len(doing)))
    assert Counter(answers) == {"done": len(doing) * EACH}
    for sale in sales:
        desk.refund(sale.sale_id, later)
    assert rows(engine, "SELECT sum(amount_fen) FROM refunds") == [(EACH * sales[0].amount_fen,)]


def _outcome(run: Callable[[int], object], number: int) -> str:
    try:
        run(number)
    except DomainError as error:
        return error.code
    return "done"
