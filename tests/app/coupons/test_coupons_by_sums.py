"""Random bills with coupons: discounts sum to the fen, refunds in any split end at nothing, coupons come back."""

from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app import clock
from app.checkout.bill import Line
from app.checkout.pricing import RoundingPolicy
from app.checkout.quoted import Quoted
from app.checkout.record import Recorded
from app.checkout.refund import RefundPolicy
from app.discounts.effects import Gift
from app.discounts.pricing import Benefit, best
from app.staff.roles import Grant
from tests.app.checkout.desk import Desk, desk_of, line
from tests.app.discounts.pricing_cases import CATEGORIES, benefit, bills, offered
from tests.conftest import rows
from tests.coupons import give, live_template
from tests.quoting import fill, points_pay, set_policy
from tests.shop import Shop

SALES = 12
GOODS = [
    (333, "TEA", "drinks"),
    (1_250, "CAKE", "food"),
    (1, "BAG", ""),
    (0, "GIFT", "drinks"),
    (9_999, "CUP", ""),
]


def effect_of(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {"kind": "amount", "off_fen": random.randint(1, 20_000)},
            {"kind": "percent", "percent_bp": random.randint(1, 10_000)},
            {"kind": "free", "pieces": random.randint(1, 3)},
            {"kind": "gift", "item_zh": "杯", "item_en": "Cup"},
        ]
    )


def coupons_of(random: Random, member_id: int, now: datetime) -> None:
    for _ in range(random.randint(1, 3)):
        face: dict[str, Any] = {
            "effect": effect_of(random),
            "at_least_fen": random.choice((0, 0, random.randint(1, 5_000))),
            "priority": random.randint(-2, 2),
            "group": random.choice(("", "", "g")),
            "alone": random.random() < 0.1,
            "uses": random.choice((1, 1, 3)),
        }
        if random.random() < 0.4:
            face["conditions"] = {"categories": [random.choice(CATEGORIES)]}
        give(live_template(now, **face), member_id, now, random.randint(1, 2))


def bill_of(random: Random) -> list[Line]:
    chosen = [random.choice(GOODS) for _ in range(random.randint(1, 6))]
    return [line(fen, random.randint(1, 3), sku, category) for fen, sku, category in chosen]


def adds_up(quoted: Quoted) -> None:
    priced = quoted.priced
    assert priced.discount_fen == sum(one.discount_fen for one in priced.lines)
    told = {one.told.key: one.told.discount_fen for one in priced.benefits if one.told.discount_fen}
    by_reason = {part.benefit: part.discount_fen for part in priced.discounts}
    assert by_reason.pop("rounding", 0) == priced.rounding_fen
    assert by_reason == told


def refund_all(desk: Desk, random: Random, sale: Recorded, lines: list[Line], now: datetime) -> int:
    """In pieces, until nothing is left; what went back."""
    left = {place: one.quantity for place, one in enumerate(lines, 1)}
    back_fen = 0
    while any(left.values()):
        part = {place: random.randint(0, most) for place, most in left.items()}
        part = {place: pieces for place, pieces in part.items() if pieces}
        if not part:
            continue
        refunded = desk.refund(sale.sale_id, now, part)
        back_fen += refunded.amount_fen
        for place, pieces in part.items():
            left[place] -= pieces
        assert {one.coupon_id for one in refunded.coupons} == (
            set() if any(left.values()) else {one.coupon_id for one in sale.coupons}
        )
    return back_fen


_HELD = "SELECT id, state, used - restored FROM coupons ORDER BY id"
_LOTS = "SELECT account_id, sum(remaining) FROM ledger_lots GROUP BY 1 ORDER BY 1"


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
def test_refunds_in_any_split_end_at_nothing_and_every_coupon_is_back(
    shop: Shop, engine: Engine, seed: int
) -> None:
    random, now = Random(seed), clock.now()
    desk = desk_of(shop, shop.person("anna", Grant("clerk", shop.store.id)).staff_no)
    set_policy(RoundingPolicy, down_to_fen=10)
    set_policy(RefundPolicy, alone_fen=1_000_000_000)
    points_pay()
    phone = shop.member()
    fill(phone, points=5_000, principal_fen=20_000, bonus_fen=3_000)
    used = 0
    for _ in range(SALES):
        coupons_of(random, phone.member_id, now)
        before, lots = rows(engine, _HELD), rows(engine, _LOTS)
        lines = bill_of(random)
        quoted = desk.quote(phone.member_id, lines, now, points=random.choice((0, 137)))
        adds_up(quoted)
        sale = desk.sell(quoted, now)
        used += len(sale.coupons)
        assert refund_all(desk, random, sale, lines, now) == sale.amount_fen
        assert (rows(engine, _HELD), rows(engine, _LOTS)) == (before, lots)
    assert used > SALES // 3


def gifts() -> st.SearchStrategy[list[Benefit]]:
    one = st.builds(
        lambda number, categories, least, pieces, group, alone: benefit(
            f"g{number}",
            Gift(item_zh="杯", item_en="Cup"),
            categories=categories,
            at_least_fen=least,
            at_least_pieces=pieces,
            group=group,
            alone=alone,
        ),
        st.integers(0, 10_000),
        st.just(()) | st.lists(st.sampled_from(CATEGORIES), max_size=1),
        st.just(0) | st.integers(1, 40_000),
        st.sampled_from((0, 0, 2)),
        st.sampled_from(("", "", "a", "b")),
        st.sampled_from((False, False, True)),
    )
    return st.lists(one, max_size=3, unique_by=lambda one: one.key)


@given(lines=bills(), benefits=offered(5), gifts=gifts())
def test_a_gift_changes_no_price_and_is_given_only_where_it_may_be(
    lines: list[Line], benefits: list[Benefit], gifts: list[Benefit]
) -> None:
    without, found = best(lines, benefits), best(lines, [*benefits, *gifts])
    assert (found.discount_fen, found.line_discounts) == (without.discount_fen, without.line_discounts)
    applied = {one.key for one in found.told if one.applied}
    by_key = {one.key: one for one in (*benefits, *gifts)}
    groups = [by_key[key].group for key in applied if by_key[key].group]
    assert len(groups) == len(set(groups))
    assert len(applied) <= 1 or not any(by_key[key].alone for key in applied)
    nets = [one.amount_fen - off for one, off in zip(lines, found.line_discounts, strict=True)]
    for gift in gifts:
        if gift.key in applied:
            asked = gift.conditions.categories
            places = [n for n, one in enumerate(lines) if asked is None or one.category in asked]
            assert sum(nets[n] for n in places) >= gift.at_least_fen
            assert sum(lines[n].quantity for n in places) >= max(1, gift.at_least_pieces)
