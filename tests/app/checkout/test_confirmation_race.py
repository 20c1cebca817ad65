"""The member's word on the phone and the till's sale at once: never a sale on a quote that was declined."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.checkout import record_statement, sale_by_quote
from app.checkout.confirm import ConfirmationDecided, confirm, waiting_for
from app.checkout.quote import QUOTE_LIFE
from app.checkout.quoted import Quoted
from app.checkout.sale_by_quote import QuoteExpired, QuoteNotConfirmed
from app.errors import DomainError, NotFound
from app.points.pay import PointsPaymentPolicy
from app.stored_value.policy import StoredValuePolicy
from tests.app.checkout.desk import Desk, desk_of, line
from tests.conftest import rows
from tests.quoting import fill, set_policy
from tests.racing import race
from tests.shop import Phone, Shop

QUOTES = 8
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def desk(shop: Shop) -> Desk:
    set_policy(StoredValuePolicy, confirm_above_fen=50)
    return desk_of(shop, "anna")


@pytest.fixture
def phone(shop: Shop) -> Phone:
    phone = shop.member()
    fill(phone, principal_fen=10_000)
    return phone


def asked(desk: Desk, phone: Phone) -> Quoted:
    quoted = desk.quote(phone.member_id, [line(100)], clock.now(), balance_fen=100)
    assert quoted.confirmation == "pending"
    return quoted


def word(phone: Phone, quoted: Quoted, agree: bool) -> str:
    return confirm(member_id=phone.member_id, quote_id=quoted.quote_id, agree=agree, now=clock.now())


def test_up_to_the_limit_nobody_is_asked_and_above_it_nothing_happens_unasked(
    desk: Desk, phone: Phone
) -> None:
    small = desk.quote(phone.member_id, [line(100)], clock.now(), balance_fen=50)
    assert small.confirmation == "none"
    with pytest.raises(NotFound):
        word(phone, small, False)
    quoted = asked(desk, phone)
    with pytest.raises(QuoteNotConfirmed):
        desk.sell(quoted, clock.now())
    assert word(phone, quoted, True) == word(phone, quoted, True) == "confirmed"
    with pytest.raises(ConfirmationDecided):
        word(phone, quoted, False)
    desk.sell(quoted, clock.now())


def test_nobody_else_confirms_nor_knows(shop: Shop, desk: Desk, phone: Phone) -> None:
    """Complaint: log-in as somebody else. Another member's word on a quote counts for nothing, guessed or not."""
    other, quoted = shop.member(), asked(desk, phone)
    with pytest.raises(NotFound):
        word(other, quoted, True)
    assert waiting_for(member_id=other.member_id, now=clock.now()) == []
    [shown] = waiting_for(member_id=phone.member_id, now=clock.now())
    assert (shown.quote_id, shown.stored_value_fen) == (quoted.quote_id, 100)
    assert other.post(f"/me/confirmations/{quoted.quote_id}", json={"agree": True}).status_code == 404


def test_a_word_that_comes_too_late_changes_nothing(desk: Desk, phone: Phone) -> None:
    quoted, late = asked(desk, phone), clock.now() + QUOTE_LIFE
    with pytest.raises(QuoteExpired):
        confirm(member_id=phone.member_id, quote_id=quoted.quote_id, agree=True, now=late)
    assert waiting_for(member_id=phone.member_id, now=late) == []


def _outcome(run: Callable[[], object]) -> str:
    try:
        return str(run())
    except DomainError as error:
        return error.code
    except Exception as error:
        return type(error).__name__


def at_once(desk: Desk, phone: Phone, quotes: list[Quoted]) -> Counter[str]:
    """For each quote a till that sells, and a phone that agrees to some and declines the others."""

    def run(number: int) -> str:
        quoted = quotes[number // 2]
        if number % 2:
            return _outcome(lambda: word(phone, quoted, agree=number // 2 % 4 == 0))
        return _outcome(lambda: desk.sell(quoted, clock.now()) and "sold")

    return Counter(race(2 * len(quotes), run))


def declined_and_sold(engine: Engine) -> list[Any]:
    return rows(
        engine,
        "SELECT q.id FROM quotes q JOIN sales s ON s.quote_id = q.id WHERE q.confirmation <> 'confirmed'",
    )


def test_the_phone_declines_while_the_till_sells(desk: Desk, phone: Phone, engine: Engine) -> None:
    quotes = [asked(desk, phone) for _ in range(QUOTES)]
    answers = at_once(desk, phone, quotes)
    assert answers["declined"] == QUOTES * 3 // 4
    assert answers["confirmed"] == QUOTES // 4
    assert answers["sold"] + answers["quote_not_confirmed"] == QUOTES
    assert declined_and_sold(engine) == []
    for quoted in quotes:  # whatever was not sold in the race is, or is not, by the member's word
        _outcome(lambda quoted=quoted: desk.sell(quoted, clock.now()))  # type: ignore[misc]
    assert rows(engine, "SELECT count(*) FROM sales") == [(QUOTES // 4,)]


@pytest.mark.long
class TestWithoutTheGuards:
    """The look, the sale's own question and the constraint each keep it out; without all three it happens."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    @pytest.fixture
    def blind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The look shows what was so a moment before the phone declined."""
        look = sale_by_quote._look

        def before(*arguments: Any) -> Any:
            return look(*arguments)._replace(confirmation="confirmed")

        monkeypatch.setattr(sale_by_quote, "_look", before)

    @pytest.fixture
    def unasked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asking = record_statement._USED
        unasking = asking.replace("AND confirmation IN ('none', 'confirmed')", "")
        assert unasking != asking
        monkeypatch.setattr(record_statement, "_USED", unasking)
        record_statement.statement_for.cache_clear()

    def _sell_declined(self, desk: Desk, phone: Phone) -> str:
        quoted = asked(desk, phone)
        word(phone, quoted, False)
        return _outcome(lambda: desk.sell(quoted, clock.now()) and "sold")

    @pytest.mark.usefixtures("blind")
    def test_the_sale_asks_again(self, desk: Desk, phone: Phone, engine: Engine) -> None:
        assert self._sell_declined(desk, phone) == "busy"
        assert declined_and_sold(engine) == []

    @pytest.mark.usefixtures("blind", "unasked")
    def test_the_constraint_stands_behind_it(self, desk: Desk, phone: Phone, engine: Engine) -> None:
        try:
            assert self._sell_declined(desk, phone) == "CheckViolation"
        finally:
            record_statement.statement_for.cache_clear()
        assert declined_and_sold(engine) == []

    @pytest.mark.usefixtures("blind", "unasked")
    def test_without_any_it_is_sold(self, desk: Desk, phone: Phone, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE quotes DROP CONSTRAINT ck_quotes_used_once_confirmed"))
        try:
            answers = at_once(desk, phone, [asked(desk, phone) for _ in range(QUOTES)])
        finally:
            record_statement.statement_for.cache_clear()
        assert answers["sold"] == QUOTES
        assert len(declined_and_sold(engine)) == QUOTES * 3 // 4


def spend(desk: Desk, phone: Phone, now: datetime, **wishes: int) -> Quoted:
    """By a visit of its own, and paid if nobody is asked."""
    quoted = desk.quote(phone.member_id, [line(100)], now, **wishes)
    if quoted.confirmation == "none":
        desk.sell(quoted, now)
    return quoted


def test_points_count_at_their_worth(desk: Desk, phone: Phone) -> None:
    fill(phone, points=10_000)
    set_policy(PointsPaymentPolicy, points_per_yuan=100)
    assert spend(desk, phone, clock.now(), points=50).confirmation == "none"
    assert spend(desk, phone, clock.now() + DAY, points=51).confirmation == "pending"
    both = desk.quote(phone.member_id, [line(100)], clock.now() + DAY, points=30, balance_fen=30)
    assert both.confirmation == "pending"
    shown = waiting_for(member_id=phone.member_id, now=clock.now() + DAY)[0]
    assert (shown.stored_value_fen, shown.points, shown.points_fen) == (30, 30, 30)


def test_many_small_ones_are_a_large_one_for_a_day(desk: Desk, phone: Phone) -> None:
    now = clock.now()
    kinds = [spend(desk, phone, now + n * MINUTE, balance_fen=20).confirmation for n in range(3)]
    assert kinds == ["none", "none", "pending"]
    assert spend(desk, phone, now + DAY - MINUTE, balance_fen=20).confirmation == "pending"
    assert spend(desk, phone, now + DAY + 2 * MINUTE, balance_fen=20).confirmation == "none"


def test_what_was_agreed_to_does_not_count(desk: Desk, phone: Phone) -> None:
    quoted = asked(desk, phone)
    word(phone, quoted, True)
    desk.sell(quoted, clock.now())
    assert spend(desk, phone, clock.now(), balance_fen=50).confirmation == "none"


def test_quotes_that_are_open_elsewhere_count_as_long_as_they_are(desk: Desk, phone: Phone) -> None:
    now = clock.now()
    desk.quote(phone.member_id, [line(100)], now, balance_fen=30)
    assert desk.quote(phone.member_id, [line(100)], now, balance_fen=30).confirmation == "pending"
    later = now + QUOTE_LIFE
    assert desk.quote(phone.member_id, [line(100)], later, balance_fen=30).confirmation == "none"


def test_asking_again_for_the_same_visit_counts_once(shop: Shop, phone: Phone, desk: Desk) -> None:
    tea = {"sku": "T", "name": "茶", "quantity": 1, "unit_price_fen": 100}
    body = {"ticket": shop.till.ticket(shop.code(phone)), "lines": [tea], "balance_fen": 50}
    answers = [shop.till.post("/quotes", body).json["confirmation"] for _ in range(3)]
    assert answers == ["none"] * 3
