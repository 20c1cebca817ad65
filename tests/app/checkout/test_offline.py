"""Offline sales by the calendar: rules, tiers, limits and days are those of the sale, whenever it is uploaded."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app import clock, work
from app.audit import OPERATOR
from app.checkout.offline_item import REASONS
from app.checkout.offline_policy import LONGEST_HOURS, OfflinePolicy
from app.points import change
from app.points.rules import Base, Caps, Conditions, Expiry, Extra
from app.tiers import review
from app.tiers.recompute import differences as tier_differences
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.app.tiers.shopping import set_plan
from tests.conftest import rows
from tests.queueing import Queue, allow, old_rule, stamp, upload_at
from tests.seeds import examples
from tests.shop import Shop

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OLD = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def queue(shop: Shop) -> Queue:
    allow()
    return Queue(shop, shop.till)


def elsewhere(shop: Shop, zone: str) -> Queue:
    shop.open_store("FAR", zone)
    return Queue(shop, shop.add_till("FAR", "T1"))


def days_since_2026() -> int:
    """So that a rule was in force on the dates below, whenever this runs."""
    return (clock.now() - datetime(2026, 1, 1, tzinfo=UTC)).days


@pytest.mark.parametrize(
    ("zone", "sold_at", "day", "through"),
    [
        ("Asia/Shanghai", datetime(2026, 11, 27, 15, 59, 59, tzinfo=UTC), date(2026, 11, 27), date(2026, 12, 7)),
        ("Asia/Shanghai", datetime(2026, 11, 27, 16, 0, 0, tzinfo=UTC), date(2026, 11, 28), date(2026, 12, 8)),
        ("America/New_York", datetime(2026, 11, 1, 5, 59, tzinfo=UTC), date(2026, 11, 1), date(2026, 11, 11)),
        ("America/New_York", datetime(2026, 11, 1, 3, 59, tzinfo=UTC), date(2026, 10, 31), date(2026, 11, 10)),
        ("America/New_York", datetime(2026, 11, 2, 4, 59, tzinfo=UTC), date(2026, 11, 1), date(2026, 11, 11)),
        ("America/New_York", datetime(2026, 3, 8, 6, 59, tzinfo=UTC), date(2026, 3, 8), date(2026, 3, 18)),
    ],
)  # fmt: skip
def test_the_day_is_that_of_the_sale_in_the_zone_of_the_store(
    shop: Shop, engine: Engine, zone: str, sold_at: datetime, day: date, through: date
) -> None:
    """Also in the hour that comes twice, on the day of 25 hours, and on that of 23; points end counted from it."""
    allow()
    old_rule(Base(rate_bp=10_000, expiry=Expiry(kind="days", n=10)), days=days_since_2026())
    there, phone = elsewhere(shop, zone), shop.member()
    item = there.sold(phone, at=sold_at)
    verdict = upload_at(shop, till_of(there.client), item, sold_at + timedelta(hours=50))
    assert (verdict.reason, verdict.points) == (None, 10)
    found = rows(
        engine,
        f"""SELECT s.business_date, t.business_date, (l.expires_at AT TIME ZONE '{zone}')::date - 1
            FROM sales s JOIN ledger_transactions t ON t.source_id = s.id JOIN ledger_entries e
                ON e.transaction_id = t.id JOIN ledger_lots l ON l.entry_id = e.id""",
    )
    assert found == [(day, day, through)]


def test_the_rules_are_those_in_force_when_it_was_sold(queue: Queue) -> None:
    phone, now = queue.shop.member(), clock.now()
    first = old_rule(Base(rate_bp=20_000), days=10)
    ended = old_rule(Extra(points=7), days=10)
    change.end(rule_no=ended.rule_no, version=1, at=None, actor=OPERATOR, now=now - timedelta(hours=5))
    change.end(rule_no=first.rule_no, version=1, at=None, actor=OPERATOR, now=now - timedelta(hours=3))
    told = [
        verdict["points_earned"]
        for verdict in queue.verdicts(
            *(queue.sold(phone, at=now - timedelta(hours=hours)) for hours in (6, 4, 2))
        )
    ]
    assert told == [27, 20, 0]


def test_a_daily_limit_counts_on_the_day_of_the_sale(queue: Queue, engine: Engine) -> None:
    old_rule(Base(rate_bp=10_000, caps=Caps(per_day=15)), days=days_since_2026())
    phone, till = queue.shop.member(), till_of(queue.client)
    # Two sales on one day, one on the next, all uploaded on the third.
    times = [
        datetime(2026, 11, 24, 3, tzinfo=UTC),
        datetime(2026, 11, 24, 9, tzinfo=UTC),
        datetime(2026, 11, 25, 3, tzinfo=UTC),
    ]
    given = [
        upload_at(queue.shop, till, queue.sold(phone, at=at), times[-1] + timedelta(days=1)) for at in times
    ]
    assert [verdict.points for verdict in given] == [10, 5, 10]
    found = rows(engine, "SELECT business_date, points FROM earn_counts ORDER BY 1")
    assert found == [(date(2026, 11, 24), 15), (date(2026, 11, 25), 10)]
    assert rows(engine, "SELECT received_on, points FROM offline_days") == [(date(2026, 11, 26), 25)]


def test_the_tier_is_the_one_of_then(queue: Queue, engine: Engine) -> None:
    shop, now = queue.shop, clock.now()
    silver = Conditions(tiers=frozenset(("silver",)))
    set_plan(at=now - timedelta(days=9))
    old_rule(), old_rule(Extra(points=100, conditions=silver))
    phone, till = shop.member(), till_of(queue.client)
    at = now - timedelta(hours=10)
    sell_at(till, scan_at(shop, till, shop.code(phone, at=at), at).ticket, 10_000, at)
    work.tell_consumers(work.fact_relay(shop.parts), now)
    review.review(now=now)
    assert phone.get("/me/tier").json["tier"]["code"] == "silver"
    before, after = (queue.sold(phone, at=at + timedelta(hours=hours)) for hours in (-1, 1))
    assert [verdict["points_earned"] for verdict in queue.verdicts(before, after)] == [10, 110]
    assert rows(engine, "SELECT tier_code FROM sales ORDER BY occurred_at") == [
        ("normal",), ("normal",), ("silver",)
    ]  # fmt: skip


def test_a_sale_that_comes_late_lifts_the_tier_and_the_books_of_tiers_agree(queue: Queue) -> None:
    shop, now = queue.shop, clock.now()
    set_plan(at=now - timedelta(days=9))
    old_rule()
    phone, till = shop.member(), till_of(queue.client)
    at = now - timedelta(hours=1)
    sell_at(till, scan_at(shop, till, shop.code(phone, at=at), at).ticket, 10_000, at)
    work.tell_consumers(work.fact_relay(shop.parts), now)
    review.review(now=now)
    assert queue.reason(queue.sold(phone, 20_000, at=now - timedelta(hours=40))) is None
    later = clock.now()
    work.tell_consumers(work.fact_relay(shop.parts), later)
    review.review(now=later)
    assert phone.get("/me/tier").json["tier"]["code"] == "gold"
    assert list(tier_differences(until=later)) == []


def test_points_that_ended_before_the_upload_are_given_and_taken(queue: Queue, engine: Engine) -> None:
    old_rule(Base(rate_bp=10_000, expiry=Expiry(kind="days", n=1)), days=days_since_2026())
    phone, till = queue.shop.member(), till_of(queue.client)
    sold_at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    verdict = upload_at(queue.shop, till, queue.sold(phone, at=sold_at), sold_at + timedelta(hours=60))
    assert verdict.points == 10
    assert phone.get("/me/points").json["points"] == 0
    work.expire(now=clock.now())
    assert rows(engine, "SELECT balance FROM ledger_accounts") == [(0,)]


def test_a_code_is_known_as_used_for_as_long_as_anybody_may_upload_it(queue: Queue) -> None:
    old_rule()
    allow(most_age_hours=LONGEST_HOURS)
    shop, till = queue.shop, till_of(queue.client)
    phone, at = shop.member(), clock.now() - timedelta(days=30)
    code = shop.code(phone, at=at)
    sell_at(till, scan_at(shop, till, code, at).ticket, 1_000, at)
    latest = at + timedelta(hours=LONGEST_HOURS)
    work.prune(latest)
    item = queue.sold(phone, at=at, code=code, scanned_at=stamp(at))
    assert upload_at(shop, till, item, latest).reason == "code_replayed"
    late = {**item, "sequence": 99}
    assert upload_at(shop, till, late, latest + timedelta(seconds=1)).reason == "too_old"


def test_a_clock_that_is_a_little_ahead_makes_no_sale_of_the_future(queue: Queue, engine: Engine) -> None:
    old_rule()
    now = clock.now()
    item = queue.sold(queue.shop.member(), at=now + timedelta(seconds=119))
    assert upload_at(queue.shop, till_of(queue.client), item, now).reason is None
    assert rows(engine, "SELECT occurred_at FROM sales") == [(now,)]


@pytest.mark.parametrize(
    ("former", "wanted", "waits"),
    [
        (OfflinePolicy(), OfflinePolicy(enabled=True), True),
        (OfflinePolicy(enabled=True), OfflinePolicy(), False),
        (OfflinePolicy(enabled=True), OfflinePolicy(most_fen=9_999_999), False),
        (OfflinePolicy(enabled=True), OfflinePolicy(enabled=True, most_age_hours=73), True),
        (OfflinePolicy(enabled=True), OfflinePolicy(enabled=True, most_points_a_day=1), False),
    ],
)
def test_turning_it_off_never_waits_for_a_second_person(
    former: OfflinePolicy, wanted: OfflinePolicy, waits: bool
) -> None:
    assert wanted.loosens(former) is waits


# Whatever a queue holds


_MOMENT = st.integers(-300_000, 300).map(lambda seconds: timedelta(seconds=seconds))
_ITEM = st.fixed_dictionaries(
    {
        "sequence": st.integers(1, 8),
        "sold": _MOMENT,
        "scanned": st.one_of(
            st.just(timedelta(0)), st.integers(-3_600, 60).map(lambda s: timedelta(seconds=s))
        ),
        "who": st.sampled_from(["nobody", "one", "two", "frozen", "forged", "text"]),
        "amount_fen": st.sampled_from([0, 1, 99, 100, 150_000, 300_000]),
        "receipt": st.integers(1, 6),
        "staff_no": st.sampled_from([None, None, "NOBODY"]),
        "steps": st.sampled_from([0, 0, 0, 1, -2, 3]),
    }
)


def test_any_queue_gets_one_verdict_an_item_and_effects_are_what_was_recorded(
    queue: Queue, engine: Engine
) -> None:
    allow(most_points_a_day=5_000)
    old_rule()
    shop, now = queue.shop, clock.now()
    one, two, frozen = (shop.member() for _ in range(3))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE members SET status = 'frozen' WHERE id = {frozen.member_id}")
    phones = {"one": one, "two": two, "frozen": frozen}

    def sent(drawn: dict[str, Any], client: str) -> dict[str, Any]:
        sold_at = now + drawn["sold"]
        item = {
            "sequence": drawn["sequence"],
            "sold_at": stamp(sold_at),
            "amount_fen": drawn["amount_fen"],
            "receipt_no": f"{client}-{drawn['receipt']}",
            "staff_no": drawn["staff_no"],
        }
        scanned_at = sold_at + drawn["scanned"]
        if (phone := phones.get(drawn["who"])) is not None:
            code = shop.code(phone, at=scanned_at, steps=drawn["steps"])
            item |= {"code": code, "scanned_at": stamp(scanned_at)}
        elif drawn["who"] != "nobody":
            item |= {"code": "9" * 20 if drawn["who"] == "text" else "", "scanned_at": stamp(scanned_at)}
        return item

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_ITEM, min_size=1, max_size=12))
    def check(drawn: list[dict[str, Any]]) -> None:
        shop.parts.redis.flushdb()  # type: ignore[union-attr]
        # A till of its own for each queue: numbers and receipts begin again.
        name = uuid.uuid4().hex[:8].upper()
        till = Queue(shop, shop.add_till("S001", name))
        items = [sent(one, name) for one in drawn]
        before = totals(engine)
        told = till.verdicts(*items)
        assert [verdict["sequence"] for verdict in told] == [item["sequence"] for item in items]
        for verdict in told:
            assert verdict["verdict"] in ("recorded", "refused")
            assert (verdict["reason"] in REASONS) == (verdict["verdict"] == "refused")
            assert (verdict["sale_id"] is not None) == (verdict["verdict"] == "recorded")
        recorded = {v["sale_id"]: v["points_earned"] for v in told if v["sale_id"]}
        after = totals(engine)
        assert after[0] - before[0] == len(recorded)
        assert after[1] - before[1] == sum(recorded.values())
        assert till.verdicts(*items) == told
        assert totals(engine) == after

    check()


def totals(engine: Engine) -> tuple[int, int]:
    """Sales, and points in the books."""
    [(sales, points)] = rows(
        engine,
        """SELECT (SELECT count(*) FROM sales), (SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries
            WHERE account_id IS NOT NULL)""",
    )
    return int(str(sales)), int(str(points))
