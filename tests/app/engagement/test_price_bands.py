"""The mall narrowed to what costs so much: by the price a member pays, and the bands that are told for it."""

import pytest
from sqlalchemy import Engine, text

from app.engagement.rewards.bands import bands
from app.engagement.rewards.reward import MOST_POINTS
from tests.quoting import fill
from tests.rewards import mugs
from tests.shop import Phone, Shop


def test_the_mall_is_narrowed_by_what_this_member_pays_page_by_page(shop: Shop, engine: Engine) -> None:
    phone, gold = shop.member(), shop.member()
    shop.tier("gold")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE members SET tier_id = (SELECT id FROM tiers WHERE code = 'gold') WHERE id = :id"),
            {"id": gold.member_id},
        )
    for points in (100, 500, 501, 501, 501, 2_000, 2_001):
        mugs(shop, price={"points": points})
    mugs(shop, price={"points": 9_000}, tier_prices={"gold": {"points": 700}})

    def costs(whose: Phone, query: str) -> list[int]:
        found, cursor = [], ""
        while True:
            page = whose.get(f"/rewards?limit=2&{query}{cursor}").json
            found += [one["points"] for one in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    assert costs(phone, "points_from=501&points_to=2000") == [501, 501, 501, 2_000]
    assert costs(gold, "points_from=501&points_to=2000") == [501, 501, 501, 700, 2_000]
    assert costs(phone, "points_to=500") == [100, 500]
    assert costs(phone, "points_from=2001") == [2_001, 9_000]
    assert costs(gold, "points_from=2001") == [2_001]
    assert costs(phone, "points_from=501&points_to=500") == []
    fill(phone, points=501)
    assert costs(phone, "points_from=500&affordable=yes") == [500, 501, 501, 501]
    assert costs(phone, "points_to=500&affordable=yes") == [100, 500]
    for wrong in ("points_from=-1", "points_to=1.5", "points_from=100000001", "points_to="):
        assert phone.get(f"/rewards?{wrong}").status_code == 422


def test_bands_of_prices_are_told_unless_one_holds_everything(shop: Shop) -> None:
    phone = shop.member()
    assert phone.get("/rewards/bands").json == {"bands": []}
    for points in (300, 400):
        mugs(shop, price={"points": points})
    assert phone.get("/rewards/bands").json == {"bands": []}
    shop.tier("gold")
    mugs(shop, price={"points": 9_000}, tiers=["gold"])
    assert phone.get("/rewards/bands").json == {"bands": []}
    mugs(shop, price={"points": 1_200})
    assert phone.get("/rewards/bands").json == {
        "bands": [{"points_from": 0, "points_to": 500}, {"points_from": 501, "points_to": None}]
    }


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ([], []),
        ([5], []),
        ([100, 100, 100], []),
        ([300, 400], []),
        ([100, 3_000], [(0, 100), (101, None)]),
        ([1, 2, 3, 4], [(0, 2), (3, None)]),
        ([499, 500, 501, 1_999, 2_000, 2_001], [(0, 500), (501, 2_000), (2_001, None)]),
        ([90, 900, 9_000, 90_000, MOST_POINTS], [(0, 1_000), (1_001, 100_000), (100_001, None)]),
    ],
)
def test_bands_are_cut_at_round_numbers_and_none_is_empty(
    prices: list[int], told: list[tuple[int, int | None]]
) -> None:
    found = bands(prices)
    assert [(one.points_from, one.points_to) for one in found] == told
    assert all(any(one.points_from <= price <= one.most for price in prices) for one in found)
