"""A sale: the bill, the points, the store's calendar, and everything that is refused."""

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

import scan_codes
from app import clock, db
from app.checkout.bill import Line, LinesDoNotSum
from app.checkout.models import ScanTicket
from app.checkout.sale import ReceiptNumberUsed, TicketExpired, TicketUsed
from app.checkout.scan import TICKET_LIFE
from app.tiers.card import card_of
from app.withdrawal import withdraw
from tests.app.checkout.test_scan import outcome
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop

US = timedelta(microseconds=1)
RUNNERS = 16


def test_a_sale_answers_what_it_recorded(shop: Shop) -> None:
    phone = shop.member()
    sale = shop.till.sell(shop.till.ticket(shop.code(phone)), 12_399, "R-1")
    assert sale.status_code == 201
    assert sale.json["points_earned"] == sale.json["points_after"] == 123
    shown = shop.till.get(f"/sales/{sale.json['id']}").json
    assert {name: shown[name] for name in ("receipt_no", "amount_fen", "points_earned", "business_date")} == {
        name: sale.json[name] for name in ("receipt_no", "amount_fen", "points_earned", "business_date")
    }
    assert shown["lines"] == [{"sku": "", "name": "", "quantity": 1, "unit_price_fen": 12_399}]


def test_a_sale_without_member_is_a_receipt_and_earns_nothing(shop: Shop, engine: Engine) -> None:
    sale = shop.till.sell(None, 5_000)
    assert (sale.status_code, sale.json["points_earned"], sale.json["points_after"]) == (201, 0, None)
    assert rows(engine, "SELECT count(*) FROM ledger_transactions") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM facts WHERE kind = 'sale_completed'") == [(0,)]


@pytest.mark.parametrize("amount_fen", [0, 1, 99])
def test_a_sale_below_a_point_uses_the_ticket_and_earns_nothing(shop: Shop, amount_fen: int) -> None:
    ticket = shop.till.ticket(shop.code(shop.member()))
    sale = shop.till.sell(ticket, amount_fen)
    assert (sale.status_code, sale.json["points_earned"], sale.json["points_after"]) == (201, 0, None)
    assert outcome(shop.till.sell(ticket, amount_fen)) == (409, "ticket_used")


@pytest.mark.parametrize("amount", [-1, 1_000_000_001, 2**63, 1.5, "100", None, True])
def test_amounts_that_make_no_sense_are_refused(shop: Shop, amount: object) -> None:
    answer = shop.till.post("/sales", {"receipt_no": "R", "amount_fen": amount})
    assert outcome(answer) == (422, "validation_failed")


@pytest.mark.parametrize(
    "receipt_no", ["", " ", "R ", " R", "\u3000R", "x" * 41, "a\x00b", "a\nb", "\u202egnp.exe"]
)
def test_receipt_numbers_that_would_fool_somebody_are_refused(shop: Shop, receipt_no: str) -> None:
    answer = shop.till.post("/sales", {"receipt_no": receipt_no, "amount_fen": 1})
    assert outcome(answer) == (422, "validation_failed")


def test_the_largest_sale_at_the_highest_rate_fits(shop: Shop) -> None:
    shop.rule(rate_bp=1_000_000, lifetime_days=3660)
    sale = shop.till.sell(shop.till.ticket(shop.code(shop.member())), 1_000_000_000)
    assert sale.json["points_after"] == 1_000_000_000


def line(quantity: int, unit_price_fen: int) -> dict[str, object]:
    return {"sku": "TEA", "name": "龙井茶", "quantity": quantity, "unit_price_fen": unit_price_fen}


def test_lines_are_kept_and_share_the_points(shop: Shop, engine: Engine) -> None:
    body = {
        "ticket": shop.till.ticket(shop.code(shop.member())),
        "receipt_no": "R-1",
        "amount_fen": 1_000,
        "lines": [line(1, 333), line(2, 167), line(1, 333), line(3, 0)],
    }
    sale = shop.till.post("/sales", body)
    assert sale.json["points_earned"] == 10
    assert rows(engine, "SELECT points_earned FROM sale_lines ORDER BY line_no") == [(3,), (4,), (3,), (0,)]
    assert shop.till.get(f"/sales/{sale.json['id']}").json["lines"] == body["lines"]


def test_lines_that_do_not_sum_are_refused_and_say_what_they_come_to(shop: Shop, engine: Engine) -> None:
    answer = shop.till.post("/sales", {"receipt_no": "R", "amount_fen": 1_000, "lines": [line(3, 333)]})
    assert outcome(answer) == (422, "lines_do_not_sum")
    assert answer.json["lines_fen"] == 999
    assert rows(engine, "SELECT count(*) FROM sales") == [(0,)]
    with pytest.raises(LinesDoNotSum):
        sell_at(
            till_of(shop.till),
            None,
            1,
            clock.now(),
            lines=[Line(sku="a", name="b", quantity=2, unit_price_fen=1)],
        )


@pytest.mark.parametrize(
    "bad", [line(0, 1), line(-1, 1), line(10_000, 1), line(1, -1), line(1, 1) | {"tax": 0}]
)
def test_lines_that_make_no_sense_are_refused(shop: Shop, bad: dict[str, object]) -> None:
    answer = shop.till.post("/sales", {"receipt_no": "R", "amount_fen": 1, "lines": [bad]})
    assert outcome(answer) == (422, "validation_failed")


# Receipt numbers


def test_a_receipt_number_stands_once_in_a_store(shop: Shop) -> None:
    assert shop.till.sell(None, 100, "R-1").status_code == 201
    assert outcome(shop.till.sell(None, 100, "R-1")) == (409, "receipt_no_used")
    shop.open_store("S002")
    assert shop.add_till("S002", "T1").sell(None, 100, "R-1").status_code == 201


def sell_one_receipt_together(shop: Shop) -> list[bool]:
    till, now, receipt_no = till_of(shop.till), clock.now(), uuid.uuid4().hex
    tickets = [scan_at(shop, till, shop.code(shop.member(), at=now), now).ticket for _ in range(RUNNERS)]

    def sell(number: int) -> bool:
        try:
            sell_at(till, tickets[number], 900, now, receipt_no=receipt_no)
        except ReceiptNumberUsed:
            return False
        return True

    return race(RUNNERS, sell)


def test_tills_racing_for_a_receipt_number_make_one_sale(shop: Shop, engine: Engine) -> None:
    assert sell_one_receipt_together(shop).count(True) == 1
    assert rows(engine, "SELECT count(*), sum(amount) FROM ledger_entries WHERE amount > 0") == [(1, 9)]


# Tickets


def sell_one_ticket_together(shop: Shop) -> list[bool]:
    till, now = till_of(shop.till), clock.now()
    ticket = scan_at(shop, till, shop.code(shop.member(), at=now), now).ticket

    def sell(_: int) -> bool:
        try:
            sell_at(till, ticket, 1_000, now)
        except TicketUsed:
            return False
        return True

    return race(RUNNERS, sell)


@pytest.mark.parametrize("round_number", range(3))
def test_sixteen_sales_on_one_ticket_are_one_sale(shop: Shop, engine: Engine, round_number: int) -> None:
    assert sell_one_ticket_together(shop).count(True) == 1
    assert rows(engine, "SELECT balance FROM ledger_accounts") == [(10,)]


@pytest.mark.long
class TestWithoutTheUniqueKeys:
    """The same races when nothing in the database says once."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        with unaudited_engine.begin() as connection:
            connection.execute(text("ALTER TABLE sales DROP CONSTRAINT uq_sales_ticket_id"))
            connection.execute(text("ALTER TABLE sales DROP CONSTRAINT uq_sales_store_id_receipt_no"))
        return unaudited_engine

    def test_a_ticket_earns_several_times(self, shop: Shop, engine: Engine) -> None:
        assert any(sell_one_ticket_together(shop).count(True) > 1 for _ in range(10))

    def test_a_receipt_number_stands_several_times(self, shop: Shop, engine: Engine) -> None:
        assert sell_one_receipt_together(shop).count(True) == RUNNERS


def test_a_ticket_is_good_until_just_before_its_end(shop: Shop) -> None:
    till, now = till_of(shop.till), clock.now()
    one, two = (scan_at(shop, till, shop.code(shop.member(), at=now), now) for _ in range(2))
    assert one.expires_at == now + TICKET_LIFE
    assert sell_at(till, one.ticket, 100, now + TICKET_LIFE - US).points_earned == 1
    with pytest.raises(TicketExpired):
        sell_at(till, two.ticket, 100, now + TICKET_LIFE)


def test_an_expired_ticket_answers_gone(shop: Shop, engine: Engine) -> None:
    ticket = shop.till.ticket(shop.code(shop.member()))
    with engine.begin() as connection:
        connection.execute(
            text(f"UPDATE {ScanTicket.__tablename__} SET expires_at = :at"), {"at": clock.now() - US}
        )
    assert outcome(shop.till.sell(ticket, 100)) == (410, "ticket_expired")


def test_a_member_frozen_after_the_scan_earns_nothing(shop: Shop, engine: Engine) -> None:
    ticket = shop.till.ticket(shop.code(shop.member()))
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen'"))
    assert outcome(shop.till.sell(ticket, 100)) == (410, "ticket_expired")
    assert rows(engine, "SELECT count(*) FROM sales") == [(0,)]


@pytest.mark.parametrize("ticket", ["", "x", "A" * 43, "A" * 44, "a\x00b"])
def test_made_up_tickets_are_unknown(shop: Shop, ticket: str) -> None:
    assert outcome(shop.till.sell(ticket, 100)) in ((404, "ticket_unknown"), (422, "validation_failed"))


# Looking again


def test_a_sale_of_another_store_is_not_there(shop: Shop) -> None:
    sale = shop.till.sell(None, 100).json["id"]
    shop.open_store("S002")
    foreign = shop.add_till("S002", "T1")
    assert outcome(foreign.get(f"/sales/{sale}")) == outcome(foreign.get("/sales/01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    assert outcome(foreign.get(f"/sales/{sale}")) == (404, "not_found")
    assert shop.add_till("S001", "T2").get(f"/sales/{sale}").status_code == 200


@pytest.mark.parametrize("sale_id", ["%00", "x" * 500, "1%27%20OR%201=1", "%F0%9F%8D%B5", "%ff"])
def test_ids_that_are_none_of_ours_are_not_there(shop: Shop, sale_id: str) -> None:
    assert shop.till.get(f"/sales/{sale_id}").status_code == 404


# The store's calendar


def sell_in_zone(shop: Shop, zone: str, now: datetime) -> tuple[str, datetime | None]:
    """Business date and the end of the points of a sale in that zone at that time; points live two whole days."""
    code = f"Z{uuid.uuid4().hex[:8].upper()}"
    store = shop.open_store(code, zone)
    shop.rule(rate_bp=10_000, lifetime_days=2, store_id=store.id)
    till = till_of(shop.add_till(code, "T1"))
    phone = shop.member()
    ticket = scan_at(shop, till, shop.code(phone, at=now), now).ticket
    sale = sell_at(till, ticket, 100, now)
    lots = "SELECT expires_at FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id WHERE member_id = :m"
    [(ends_at,)] = rows(db.engine(), lots, m=phone.member_id)
    assert ends_at is None or isinstance(ends_at, datetime)
    return sale.business_date.isoformat(), ends_at


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


# Far ahead, so that rules made now are in force.
@pytest.mark.parametrize(
    ("zone", "midnight", "before", "after"),
    [
        # Shanghai has no clock changes: midnight is 16:00 UTC the day before.
        (
            "Asia/Shanghai",
            utc(2030, 5, 1, 16),
            ("2030-05-01", utc(2030, 5, 3, 16)),
            ("2030-05-02", utc(2030, 5, 4, 16)),
        ),
        # New York springs forward on 10 March 2030 at 2:00: a day of 23 hours within the lifetime.
        (
            "America/New_York",
            utc(2030, 3, 9, 5),
            ("2030-03-08", utc(2030, 3, 11, 4)),
            ("2030-03-09", utc(2030, 3, 12, 4)),
        ),
        # … and falls back on 3 November 2030: a day of 25 hours.
        (
            "America/New_York",
            utc(2030, 11, 2, 4),
            ("2030-11-01", utc(2030, 11, 4, 5)),
            ("2030-11-02", utc(2030, 11, 5, 5)),
        ),
    ],
)
def test_the_day_of_a_sale_and_the_end_of_its_points_follow_the_stores_midnight(
    shop: Shop, zone: str, midnight: datetime, before: tuple[str, datetime], after: tuple[str, datetime]
) -> None:
    assert sell_in_zone(shop, zone, midnight - US) == before
    assert sell_in_zone(shop, zone, midnight) == after


def test_points_may_be_spent_until_the_stores_midnight(shop: Shop) -> None:
    phone, till = shop.member(), till_of(shop.till)
    shop.rule(rate_bp=10_000, lifetime_days=1)
    now = utc(2030, 5, 1, 12)
    sell_at(till, scan_at(shop, till, shop.code(phone, at=now), now).ticket, 100, now)

    def points(at: datetime) -> int:
        with db.reading() as connection:
            card = card_of(connection, phone.member_id, now=at)
        assert card is not None
        return card.points

    midnight = utc(2030, 5, 2, 16)
    assert [points(midnight - US), points(midnight), points(midnight + US)] == [1, 0, 0]


# Rules


def earned(shop: Shop, now: datetime, amount_fen: int = 1_000) -> int:
    till = till_of(shop.till)
    return sell_at(
        till, scan_at(shop, till, shop.code(shop.member(), at=now), now).ticket, amount_fen, now
    ).points_earned


def test_a_stores_own_rate_comes_before_the_brands(shop: Shop) -> None:
    shop.rule(rate_bp=25_000, store_id=shop.store.id)
    assert earned(shop, clock.now()) == 25
    shop.rule(rate_bp=40_000)
    assert earned(shop, clock.now()) == 25


def test_a_store_without_a_rate_of_its_own_is_back_under_the_brands(shop: Shop) -> None:
    shop.rule(rate_bp=25_000, store_id=shop.store.id)
    shop.rule(rate_bp=None, store_id=shop.store.id)
    assert earned(shop, clock.now()) == 10


def test_a_rate_of_zero_earns_nothing(shop: Shop) -> None:
    shop.rule(rate_bp=0, store_id=shop.store.id)
    assert earned(shop, clock.now()) == 0


def test_a_sale_keeps_the_rule_it_was_made_under(shop: Shop, engine: Engine) -> None:
    sale = shop.till.sell(shop.till.ticket(shop.code(shop.member())), 1_000).json
    newer = shop.rule(rate_bp=50_000)
    [(kept,)] = rows(engine, "SELECT rule_id FROM sales WHERE id = :id", id=sale["id"])
    assert kept != newer
    assert shop.till.get(f"/sales/{sale['id']}").json["points_earned"] == 10


def test_a_code_step_is_thirty_seconds_so_a_member_may_buy_again_at_once(shop: Shop) -> None:
    phone, now = shop.member(), clock.now()
    till = till_of(shop.till)
    for steps in range(-2, 2):
        code = scan_codes.issue(shop.parts.issuer.ring, phone.member_id, scan_codes.step_of(now) + steps)
        sell_at(till, scan_at(shop, till, code, now).ticket, 100, now)
    assert phone.get("/me/points").json["points"] == 4


def test_who_takes_consent_back_while_a_sale_waits_earns_nothing(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    ticket = shop.till.ticket(shop.code(phone))
    shop.earn(phone, 5)
    answers: list[Any] = []
    with engine.begin() as holder:
        holder.execute(
            text("SELECT FROM ledger_accounts WHERE member_id = :m FOR UPDATE"), {"m": phone.member_id}
        )
        selling = threading.Thread(target=lambda: answers.append(shop.till.sell(ticket, 10_000)))
        selling.start()
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
        until = time.monotonic() + 30
        while not rows(engine, waiting) and time.monotonic() < until:
            time.sleep(0.01)
        withdraw(member_id=phone.member_id, now=clock.now())
    selling.join(30)
    assert (answers[0].status_code, answers[0].json["code"]) == (410, "ticket_expired")
    assert rows(engine, "SELECT count(*) FROM sales WHERE ticket_id = :t", t=ticket) == [(0,)]
