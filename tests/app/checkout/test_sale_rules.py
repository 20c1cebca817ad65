"""Rules at the till: what a sale keeps and tells of them, daily limits under load, and rules that change meanwhile."""

import contextlib
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.audit import OPERATOR
from app.checkout import record, record_statement, sale
from app.db import Busy
from app.errors import VersionConflict
from app.points import change
from app.points.loaded import rules_at
from app.points.rulebook import RuleBook
from app.points.rules import Base, Caps, Conditions, Definition, Expiry, Extra, Multiplier, Rule
from app.points.versions import Draft
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.app.ledger.books import move, points
from tests.conftest import rows
from tests.databases import Databases
from tests.racing import race
from tests.shop import Phone, Shop

RUNNERS = 16


def make(definition: Definition, **options: Any) -> Rule:
    draft = Draft(name_zh="会员日", name_en="Member day", definition=definition, **options)
    made = change.create(draft=draft, actor=OPERATOR, now=clock.now())
    assert isinstance(made, Rule)
    return made


def buy(shop: Shop, phone: Phone | None = None, amount_fen: int = 1_000, **options: Any) -> Any:
    answer = shop.till.sell(shop.till.ticket(shop.code(phone or shop.member())), amount_fen, **options)
    assert answer.status_code == 201, answer.json
    return answer


# What is told


def test_the_till_the_sale_and_the_phone_tell_the_same_reasons(shop: Shop) -> None:
    double, phone = make(Multiplier(factor_bp=20_000)), shop.member()
    sale = buy(shop, phone).json
    told = [
        {
            "rule_no": 1,
            "version": 1,
            "name": "消费积分",
            "points": 10,
            "text": "¥10.00 每元积 1 分，得 10 分",
        },
        {
            "rule_no": double.rule_no,
            "version": 1,
            "name": "会员日",
            "points": 10,
            "text": "2 倍积分，多得 10 分",
        },
    ]
    assert (sale["points_earned"], sale["earned"]) == (20, told)
    assert shop.till.get(f"/sales/{sale['id']}").json["earned"] == told
    [entry] = phone.get("/me/points/entries").json["items"]
    assert entry["earned"] == told
    [english] = phone.get("/me/points/entries", headers={"Accept-Language": "en"}).json["items"]
    assert [part["name"] for part in english["earned"]] == ["Points for purchases", "Member day"]
    assert english["earned"][1]["text"] == "2 times the points: 10 more"


def test_a_repeated_sale_is_answered_byte_for_byte_in_each_language(shop: Shop) -> None:
    make(Extra(points=5))
    ticket = shop.till.ticket(shop.code(shop.member()))
    bodies = {}
    for language in ("zh", "en"):
        sold = [
            shop.till.sell(
                ticket, 1_000, "R-1", idempotency_key="again", headers={"Accept-Language": language}
            )
            for _ in range(3)
        ]
        assert len({answer.data for answer in sold}) == 1
        bodies[language] = sold[0].json
    change.end(rule_no=2, version=1, at=None, actor=OPERATOR, now=clock.now())
    late = shop.till.sell(
        ticket, 1_000, "R-1", idempotency_key="again", headers={"Accept-Language": "en"}
    ).json
    assert late == bodies["en"] != bodies["zh"]
    assert bodies["zh"]["earned"][1]["text"] == "加赠 5 分"


def test_a_sale_keeps_its_reasons_and_the_tier_it_was_made_with(shop: Shop, engine: Engine) -> None:
    sale = buy(shop).json
    [(tier, earned)] = rows(engine, "SELECT tier_code, earned FROM sales WHERE id = :id", id=sale["id"])
    assert tier == "normal"
    assert earned == [
        {
            "rule_id": 1,
            "rule_no": 1,
            "version": 1,
            "kind": "base",
            "points": 10,
            "amount_fen": 1_000,
            "value": 10_000,
            "cap": "",
        }
    ]


def test_lines_of_a_category_earn_more_and_keep_it(shop: Shop) -> None:
    make(Multiplier(factor_bp=30_000, conditions=Conditions(categories=frozenset({"茶饮"}))))
    lines = [
        {"sku": "A", "name": "茶", "quantity": 2, "unit_price_fen": 500, "category": "茶饮"},
        {"sku": "B", "name": "杯", "quantity": 1, "unit_price_fen": 1_000},
    ]
    body = {"ticket": shop.till.ticket(shop.code(shop.member())), "receipt_no": "R", "amount_fen": 2_000}
    sale = shop.till.post("/sales", {**body, "lines": lines}).json
    assert sale["points_earned"] == 20 + 20
    assert shop.till.get(f"/sales/{sale['id']}").json["lines"] == lines


def _z(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def test_points_after_a_sale_are_those_that_may_be_spent_then(shop: Shop) -> None:
    phone = shop.member()
    now = clock.now()
    first = now.replace(microsecond=0) + timedelta(days=1)
    move(points(phone.member_id, 100), points(phone.member_id, 7, available_at=first), at=now)
    sale = buy(shop, phone).json
    assert (sale["points_earned"], sale["points_after"]) == (10, 110)
    assert sale["pending"] == {"points": 7, "earliest_at": _z(first)}
    nothing = shop.till.sell(shop.till.ticket(shop.code(phone, steps=1)), 1).json
    assert (nothing["points_earned"], nothing["points_after"], nothing["pending"]) == (0, None, None)


def sell_at_once(shop: Shop) -> list[tuple[int | None, int]]:
    """Sixteen sales of one member whose points all wait: points after, and pending, as each was told."""
    make(Base(rate_bp=10_000, pending_days=3), priority=1)
    phone, till, now = shop.member(), till_of(shop.till), clock.now()
    scanned_at = [now - timedelta(seconds=30 * n) for n in range(RUNNERS)]
    tickets = [scan_at(shop, till, shop.code(phone, at=at), at).ticket for at in reversed(scanned_at)]

    def sell(number: int) -> tuple[int | None, int]:
        recorded = sell_at(till, tickets[number], 1_000, now)
        return recorded.points_after, recorded.pending

    return sorted(race(RUNNERS, sell), key=lambda told: told[1])


def test_of_sales_at_once_each_tells_the_pending_points_of_those_before_it(shop: Shop) -> None:
    assert sell_at_once(shop) == [(0, 10 * n) for n in range(1, RUNNERS + 1)]


def test_counted_before_the_lock_pending_points_would_be_told_as_spendable(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a statement sees what was there when it began, and the account has moved since."""
    before = """(%(points)s + (SELECT coalesce(sum(l.remaining), 0) FROM ledger_lots l JOIN ledger_accounts a
        ON a.id = l.account_id WHERE a.member_id = %(member_id)s AND l.available_at > %(now)s))"""
    blind = record_statement._WRITE.replace("balance_after - pending", f"balance_after - {before}")
    assert blind != record_statement._WRITE
    monkeypatch.setattr(record_statement, "_WRITE", blind)
    # Statements are put together once: anew, and not kept.
    monkeypatch.setattr(record, "statement_for", record_statement.statement_for.__wrapped__)
    assert any(points_after for _ in range(5) for points_after, _ in sell_at_once(shop))


def test_pending_points_are_told_and_cannot_be_spent_before(shop: Shop) -> None:
    make(Base(rate_bp=10_000, pending_days=3, expiry=Expiry(kind="months", n=1)), priority=1)
    phone = shop.member()
    sale = buy(shop, phone).json
    begins = clock.start_of_day(
        clock.business_date(clock.now(), "Asia/Shanghai") + timedelta(days=3), "Asia/Shanghai"
    )
    assert datetime.fromisoformat(sale["available_at"]) == begins
    assert (sale["points_earned"], sale["points_after"]) == (10, 0)
    assert (
        sale["pending"]
        == phone.get("/me/points").json["pending"]
        == {"points": 10, "earliest_at": _z(begins)}
    )
    assert phone.get("/me/points").json["points"] == 0
    [entry] = phone.get("/me/points/entries").json["items"]
    assert datetime.fromisoformat(entry["available_at"]) == begins


def test_a_birthday_and_a_tier_count_as_they_are_at_the_sale(shop: Shop, engine: Engine) -> None:
    shop.tier("gold")
    make(Extra(points=100, conditions=Conditions(birthday="month")))
    make(Extra(points=1_000, conditions=Conditions(tiers=frozenset({"gold"}))))
    phone = shop.member()
    local = clock.now().astimezone(clock.zone("Asia/Shanghai"))
    assert buy(shop, phone).json["points_earned"] == 10
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE members SET tier_id = 2, birthday = :day"), {"day": local.date().replace(year=1988)}
        )
    now = clock.now() + timedelta(seconds=31)
    till = till_of(shop.till)
    again = sell_at(till, scan_at(shop, till, shop.code(phone, at=now), now).ticket, 1_000, now)
    assert again.points_earned == 1_110


# Daily limits


def sell_together(shop: Shop, phone: Phone) -> list[int]:
    """Sixteen sales of one member at once, each worth ten extra points."""
    till, now = till_of(shop.till), clock.now()
    with db.engine().begin() as connection:
        connection.execute(
            text("""
                INSERT INTO scan_tickets (id, member_id, terminal_id, created_at, expires_at)
                SELECT 'ticket-' || n, :member, :terminal, :now, CAST(:now AS timestamptz) + interval '30 minutes'
                FROM generate_series(0, :runners - 1) n"""),
            {"member": phone.member_id, "terminal": till.terminal_id, "now": now, "runners": RUNNERS},
        )
        connection.execute(
            text("""INSERT INTO code_uses (member_id, step, terminal_id, used_at)
                VALUES (:member, floor(extract(epoch FROM CAST(:now AS timestamptz)) / 30), :terminal, :now)"""),
            {"member": phone.member_id, "terminal": till.terminal_id, "now": now},
        )
    return race(RUNNERS, lambda number: sell_at(till, f"ticket-{number}", 99, now).points_earned)


@pytest.mark.parametrize("round_number", range(3))
def test_sales_at_once_give_exactly_the_daily_limit(shop: Shop, engine: Engine, round_number: int) -> None:
    make(Extra(points=10, caps=Caps(per_day=45)))
    given = sell_together(shop, shop.member())
    assert sorted(given, reverse=True) == [10, 10, 10, 10, 5] + [0] * 11
    assert rows(engine, "SELECT points, most FROM earn_counts") == [(45, 45)]


class TestWithoutTheLimitInTheDatabase:
    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def test_sales_at_once_give_too_much(
        self, shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control of the test above: what was seen in advance is old when it is written."""
        make(Extra(points=10, caps=Caps(per_day=45)))
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE earn_counts DROP CONSTRAINT ck_earn_counts_within_limit"))
        all_looked = threading.Barrier(RUNNERS)
        write = sale.record

        def record_together(*arguments: Any, **options: Any) -> Any:
            all_looked.wait(30)
            return write(*arguments, **options)

        monkeypatch.setattr(sale, "record", record_together)
        assert sum(sell_together(shop, shop.member())) == 160


def test_a_limit_is_for_a_member_and_a_day_of_the_store(shop: Shop, engine: Engine) -> None:
    make(Extra(points=10, caps=Caps(per_day=15)))
    till, phone = till_of(shop.till), shop.member()
    evening = datetime(2031, 5, 14, 15, 59, tzinfo=UTC)  # a minute before midnight in Shanghai
    given = []
    for minutes in (0, 0.5, 1, 1.5, 2):
        at = evening + timedelta(minutes=minutes)
        ticket = scan_at(shop, till, shop.code(phone, at=at), at).ticket
        given.append(sell_at(till, ticket, 1, at).points_earned)
    assert given == [10, 5, 10, 5, 0]
    other = scan_at(shop, till, shop.code(shop.member(), at=evening), evening).ticket
    assert sell_at(till, other, 1, evening).points_earned == 10


def test_a_limit_that_is_lowered_takes_nothing_back(shop: Shop) -> None:
    generous = make(Extra(points=10, caps=Caps(per_day=20)))
    phone = shop.member()
    assert buy(shop, phone, 1).json["points_earned"] == 10
    change.change(
        rule_no=generous.rule_no,
        version=1,
        draft=Draft(name_zh="少", name_en="Less", definition=Extra(points=10, caps=Caps(per_day=5))),
        actor=OPERATOR,
        now=clock.now(),
    )
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    sale = shop.till.sell(ticket, 1).json
    assert sale["points_earned"] == 0
    assert sale["earned"][1]["text"] == "加赠 0 分（已达当日上限）"


# Rules that change


def test_a_new_version_counts_from_the_next_sale_on(shop: Shop) -> None:
    assert buy(shop).json["points_earned"] == 10
    first = make(Multiplier(factor_bp=20_000))
    assert buy(shop).json["points_earned"] == 20
    more = Draft(name_zh="三倍", name_en="Triple", definition=Multiplier(factor_bp=30_000))
    change.change(rule_no=first.rule_no, version=1, draft=more, actor=OPERATOR, now=clock.now())
    assert buy(shop).json["points_earned"] == 30
    change.end(rule_no=first.rule_no, version=2, at=None, actor=OPERATOR, now=clock.now())
    assert buy(shop).json["points_earned"] == 10


def test_of_sixteen_changes_of_one_version_one_counts(shop: Shop, engine: Engine) -> None:
    first = make(Multiplier(factor_bp=20_000))

    def replace(number: int) -> bool:
        draft = Draft(name_zh=f"{number}", name_en="x", definition=Multiplier(factor_bp=30_000))
        try:
            change.change(rule_no=first.rule_no, version=1, draft=draft, actor=OPERATOR, now=clock.now())
        except VersionConflict:
            return False
        return True

    assert race(RUNNERS, replace).count(True) == 1
    assert rows(engine, "SELECT max(version) FROM earn_rules") == [(2,)]


def test_without_the_lock_the_unique_key_lets_one_change_count(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RuleBook, "one_after_another", lambda book, session: None)
    test_of_sixteen_changes_of_one_version_one_counts(shop, db.engine())


def write_while_another_is_writing(shop: Shop) -> tuple[int, int]:
    """A second rule while the first is not committed: the newest id anybody sees then, and how many rules."""
    added, go_on = threading.Event(), threading.Event()
    record = RuleBook._record

    def hold(*arguments: Any) -> None:
        record(*arguments)
        if threading.current_thread() is slow:
            added.set()
            assert go_on.wait(30)

    slow = threading.Thread(target=make, args=(Extra(points=1),))
    RuleBook._record = hold  # type: ignore[method-assign]
    try:
        slow.start()
        assert added.wait(30)
        with contextlib.suppress(Busy):
            make(Extra(points=2))
        [(stamp, seen)] = rows(db.engine(), "SELECT max(id), count(*) FROM earn_rules")
    finally:
        RuleBook._record = record
        go_on.set()
        slow.join(30)
    return int(str(stamp)), int(str(seen))


@pytest.mark.usefixtures("impatient")
def test_rules_become_visible_in_the_order_of_their_ids(shop: Shop) -> None:
    assert write_while_another_is_writing(shop) == (1, 1)


def test_without_the_lock_a_stamp_would_hide_a_rule(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the second rule is seen and the first is not, so what is at hand would miss it for ever."""
    monkeypatch.setattr(RuleBook, "one_after_another", lambda book, session: None)
    numbers = iter(range(100, 200))
    monkeypatch.setattr(RuleBook, "next_no", lambda book, session: next(numbers))
    assert write_while_another_is_writing(shop) == (3, 2)


def test_rules_at_hand_are_those_of_the_database_that_is_asked(shop: Shop, databases: Databases) -> None:
    """Two databases with the same newest id hold different rules."""
    assert buy(shop).json["points_earned"] == 10
    here = db.engine()
    with databases.one() as other:
        try:
            db.bind(other.engine)
            make(Base(rate_bp=70_000))
            with db.statements() as connection:
                [there] = rules_at(connection, 1).versions
            assert isinstance(there.definition, Base)
            assert there.definition.rate_bp == 70_000
        finally:
            db.bind(here)
    assert buy(shop).json["points_earned"] == 10


def test_rules_cannot_be_edited_or_deleted(shop: Shop, engine: Engine) -> None:
    for statement in (
        "UPDATE earn_rules SET priority = 1",
        "DELETE FROM earn_rules",
        "TRUNCATE earn_rules CASCADE",
    ):
        with (
            psycopg.connect(
                engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
            ) as connection,
            pytest.raises(psycopg.Error),
        ):
            connection.execute(statement.encode())
