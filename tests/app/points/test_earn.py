"""How many points, for which line, until when, by which rule."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app import clock, db
from app.audit import OPERATOR
from app.checkout.bill import Line
from app.points.change import RateMissing, set_rule
from app.points.earn import earn, points_for, split
from app.points.fitting import MemberFacts, StoreFacts
from app.points.loaded import STAMP, rules_at
from app.points.lots import ends_at
from app.points.rulebook import RuleInThePast
from app.points.rules import NEVER, Expiry
from tests.conftest import rows
from tests.shop import Shop

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SECOND, US = timedelta(seconds=1), timedelta(microseconds=1)
MOST_FEN = 1_000_000_000


@pytest.mark.parametrize(
    ("amount_fen", "rate_bp", "points"),
    [
        (0, 10_000, 0),
        (99, 10_000, 0),
        (100, 10_000, 1),
        (12_399, 10_000, 123),
        (100, 5_000, 0),
        (200, 5_000, 1),
        (333, 15_000, 4),
        (1, 1_000_000, 1),
        (MOST_FEN, 1_000_000, MOST_FEN),
        (MOST_FEN, 0, 0),
        (MOST_FEN, 1, 1_000),
    ],
)
def test_points_are_whole_and_rounded_down_once(amount_fen: int, rate_bp: int, points: int) -> None:
    assert points_for(amount_fen, rate_bp) == points


@given(st.integers(0, MOST_FEN), st.integers(0, 1_000_000), st.integers(0, 1_000))
def test_more_money_never_earns_less_and_never_more_than_the_rate(amount: int, rate: int, more: int) -> None:
    points = points_for(amount, rate)
    assert points * 1_000_000 <= amount * rate < (points + 1) * 1_000_000
    assert points_for(amount + more, rate) >= points


@given(st.integers(0, MOST_FEN), st.lists(st.integers(0, MOST_FEN), min_size=1, max_size=200))
def test_shares_sum_to_the_points_and_none_is_negative(points: int, amounts: list[int]) -> None:
    shares = split(points, amounts)
    if sum(amounts) == 0:
        assert shares == [0] * len(amounts)
        return
    assert sum(shares) == points
    assert min(shares) >= 0
    largest = amounts.index(max(amounts))
    exact = [points * amount // sum(amounts) for amount in amounts]
    assert all(
        share == floor for n, (share, floor) in enumerate(zip(shares, exact, strict=True)) if n != largest
    )
    assert 0 <= shares[largest] - exact[largest] < len(amounts)
    assert all(share == 0 for share, amount in zip(shares, amounts, strict=True) if amount == 0)


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
)
@pytest.mark.parametrize("lifetime_days", [1, 30, 365, 3660])
def test_points_end_at_a_midnight_of_the_store_after_the_last_whole_day(
    zone: str, lifetime_days: int
) -> None:
    for month in range(1, 13):
        day = date(2031, month, 7)
        end = ends_at(Expiry(kind="days", n=lifetime_days), day, zone)
        assert end is not None
        assert clock.business_date(end, zone) == day + timedelta(days=lifetime_days + 1)
        assert clock.business_date(end - US, zone) == day + timedelta(days=lifetime_days)


def test_points_may_last_for_ever() -> None:
    assert ends_at(NEVER, date(2030, 1, 1), "Asia/Shanghai") is None


def rate(store_id: int, now: datetime) -> int | None:
    """What a hundred yuan earn, in basis points of a point a yuan."""
    with db.statements() as connection:
        rules = rules_at(connection, db.ask(connection, f"SELECT {STAMP} AS stamp", {})[0].stamp)
    earning = earn(
        rules=rules.in_force(now),
        lines=[Line(sku="", name="", quantity=1, unit_price_fen=10_000)],
        member=MemberFacts(tier="normal", birthday=None),
        store=StoreFacts(id=store_id, time_zone="Asia/Shanghai"),
        at=now,
        taken={},
    )
    return None if earning.rule_id is None else earning.points * 100


def set_rate(rate_bp: int | None, effective_from: datetime, store_id: int | None = None) -> int:
    return set_rule(
        store_id=store_id,
        rate_bp=rate_bp,
        lifetime_days=None,
        effective_from=effective_from,
        actor=OPERATOR,
        now=clock.now(),
    )


def test_a_rule_holds_from_its_first_instant(shop: Shop) -> None:
    set_rate(30_000, NOW)
    assert [rate(shop.store.id, at) for at in (NOW - US, NOW, NOW + US)] == [10_000, 30_000, 30_000]


def test_of_two_rules_from_the_same_instant_the_later_set_holds(shop: Shop) -> None:
    set_rate(30_000, NOW)
    set_rate(20_000, NOW)
    assert rate(shop.store.id, NOW) == 20_000


def test_a_newer_version_takes_the_place_of_those_that_were_to_begin_later(shop: Shop) -> None:
    set_rate(30_000, NOW + SECOND)
    set_rate(20_000, NOW)
    assert [rate(shop.store.id, at) for at in (NOW, NOW + SECOND)] == [20_000, 20_000]


def test_a_stores_rule_is_its_own_and_hands_back_to_the_brand(shop: Shop) -> None:
    other = shop.open_store("S002")
    set_rate(50_000, NOW, shop.store.id)
    set_rate(None, NOW + SECOND, shop.store.id)
    assert [rate(shop.store.id, at) for at in (NOW - US, NOW, NOW + SECOND)] == [10_000, 50_000, 10_000]
    assert rate(other.id, NOW) == 10_000


def test_a_rule_in_the_past_is_refused(shop: Shop, engine: Engine) -> None:
    before = rows(engine, "SELECT count(*) FROM earn_rules")
    with pytest.raises(RuleInThePast):
        set_rate(1, clock.now() - SECOND)
    assert rows(engine, "SELECT count(*) FROM earn_rules") == before


def test_the_brand_needs_a_rate(shop: Shop) -> None:
    with pytest.raises(RateMissing):
        set_rate(None, NOW)


def test_a_change_of_rules_is_on_record(shop: Shop, engine: Engine) -> None:
    set_rate(70_000, NOW, shop.store.id)
    [(action, store_id, data)] = rows(
        engine,
        "SELECT action, store_id, data FROM audit_log WHERE object_type = 'earn_rule' AND object_id = '2'",
    )
    assert (action, store_id) == ("earn_rule.create", shop.store.id)
    assert isinstance(data, dict)
    assert data["definition"]["rate_bp"] == 70_000
