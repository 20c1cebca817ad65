"""Exchanging points for rewards: what it costs, what is refused, and what comes back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.engagement.activity import Activity
from app.engagement.change import stop
from app.engagement.rewards.cancel import expire
from app.engagement.rewards.change_item import RewardStockBelow, change, set_state
from app.engagement.rewards.items import Item, listing
from app.engagement.rewards.policy import RewardPolicy
from app.engagement.rewards.reward import Place, RewardMalformed, reward_of
from app.stored_value.policy import StoredValuePolicy
from tests.app.engagement.offering import lottery, play, round_of
from tests.app.stored_value.offering import topped_up
from tests.conftest import rows
from tests.coupons import give, live_template, recall, use
from tests.quoting import fill, set_policy
from tests.rewards import CUP, asked, coupons, exchanged, given_up, item, mugs
from tests.shop import Phone, Shop


@pytest.fixture
def phone(shop: Shop) -> Phone:
    phone = shop.member("陈一")
    fill(phone, points=1_000)
    return phone


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def balance(phone: Phone) -> tuple[int, int]:
    told = phone.get("/me/balance").json
    return told["principal_fen"], told["bonus_fen"]


def test_goods_wait_in_the_store_that_was_named(shop: Shop, engine: Engine, phone: Phone) -> None:
    order = exchanged(phone, mugs(shop, stock=3))
    assert (order["state"], order["store"], order["points"], order["name"]) == (
        "ready",
        "S001",
        100,
        "马克杯",
    )
    assert points(phone) == 900
    assert phone.get(f"/reward-orders/{order['id']}").json == order
    assert phone.get("/reward-orders").json["items"] == [order]
    assert rows(engine, "SELECT stock, taken FROM reward_stock") == [(3, 1)]
    # As if it had been spent there, so that the stores settle it.
    assert rows(
        engine, "SELECT store_id, kind FROM ledger_transactions WHERE source_type = 'reward_order'"
    ) == [(shop.store.id, "spend")]


def test_the_store_that_hands_over_is_owed_by_the_one_that_gave_the_points(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    other = shop.open_store("S002")
    shop.earn(phone, 50)
    mug = item(Place(store_id=other.id, stock=None), price={"points": 1_050})
    order = exchanged(phone, mug, store="S002")
    owed = "SELECT debtor_id, creditor_id, sum(quantity) FROM settlement_movements GROUP BY 1, 2 ORDER BY 1"
    assert rows(engine, owed) == [(shop.store.id, other.id, 50), (None, other.id, 1_000)]
    assert given_up(phone, order["id"]).status_code == 200
    assert rows(engine, owed) == [(shop.store.id, other.id, 0), (None, other.id, 0)]


def test_a_coupon_is_given_at_once(shop: Shop, engine: Engine, phone: Phone) -> None:
    order = exchanged(phone, coupons(live_template(clock.now())))
    assert (order["state"], order["store"], order["collect_by"]) == ("given", None, None)
    assert rows(engine, "SELECT source, source_id, member_id, state FROM coupons") == [
        ("reward", order["id"], phone.member_id, "held")
    ]


def test_money_beside_the_points_comes_out_of_principal_and_bonus(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    fill(phone, principal_fen=6_000, bonus_fen=2_000)
    set_policy(StoredValuePolicy, spend_order="pro_rata")
    order = exchanged(phone, mugs(shop, price={"points": 10, "cash_fen": 4_000}))
    assert (order["points"], order["cash_fen"]) == (10, 4_000)
    assert balance(phone) == (3_000, 1_000)
    assert rows(engine, "SELECT principal_fen, bonus_fen FROM reward_orders") == [(3_000, 1_000)]
    assert given_up(phone, order["id"]).status_code == 200
    assert (points(phone), balance(phone)) == (1_000, (6_000, 2_000))


def test_the_same_key_gives_the_same_exchange(shop: Shop, engine: Engine, phone: Phone) -> None:
    mug = mugs(shop)
    first, again = (asked(phone, mug, key="one") for _ in range(2))
    assert first.data == again.data
    assert rows(engine, "SELECT count(*) FROM reward_orders") == [(1,)]
    assert asked(phone, mugs(shop), key="one").json["code"] == "idempotency_key_reused"


def test_tiers_have_prices_of_their_own_and_see_what_is_for_them(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    cheap = mugs(shop, tier_prices={"normal": {"points": 60}})
    assert asked(phone, cheap).json["code"] == "reward_price_changed"
    told = phone.get(f"/rewards/{cheap.item_id}").json
    assert (told["points"], told["full_points"], told["available"]) == (60, 100, True)
    assert exchanged(phone, cheap, points=60)["points"] == 60
    with pytest.raises(RewardMalformed):
        mugs(shop, tiers=["nobody"])


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("reward_price_changed", {}, {"points": 99}),
    ("reward_price_changed", {}, {"cash_fen": 1}),
    ("reward_not_here", {}, {"store": "S404"}),
    ("reward_not_here", {}, {"store": None}),
    ("reward_used_up", {"stock": 0}, {}),
    ("not_enough", {"price": {"points": 1_001}}, {}),
    ("not_enough", {"price": {"points": 1, "cash_fen": 1}}, {}),
    ("reward_not_available", {"available_from": "2100-01-01T00:00:00Z"}, {}),
    ("reward_not_available", {"available_until": "2020-01-01T00:00:00Z"}, {}),
]


@pytest.mark.parametrize(("code", "changes", "wish"), REFUSALS)
def test_what_is_refused_leaves_nothing_behind(
    shop: Shop, engine: Engine, phone: Phone, code: str, changes: dict[str, Any], wish: dict[str, Any]
) -> None:
    changes = dict(changes)
    refused = asked(phone, mugs(shop, changes.pop("stock", None), **changes), **wish)
    assert refused.json["code"] == code
    assert points(phone) == 1_000
    assert (
        rows(engine, "SELECT 1 FROM reward_orders UNION ALL SELECT taken FROM reward_stock WHERE taken > 0")
        == []
    )


def test_what_is_stopped_cannot_be_had_until_it_goes_on(shop: Shop, phone: Phone) -> None:
    mug = mugs(shop)
    stopped = set_state(item_id=mug.item_id, version=1, state="stopped", actor=OPERATOR, now=clock.now())
    assert asked(phone, mug).json["code"] == "reward_not_available"
    assert phone.get("/rewards").json["items"] == []
    set_state(item_id=mug.item_id, version=stopped.version, state="live", actor=OPERATOR, now=clock.now())
    exchanged(phone, mug)


@pytest.mark.parametrize(("limit", "per"), [("per_member", "member"), ("per_member_a_day", "day")])
def test_limits_count_what_was_not_given_up(shop: Shop, phone: Phone, limit: str, per: str) -> None:
    mug = mugs(shop, **{limit: 1})
    order = exchanged(phone, mug)
    assert phone.get("/rewards").json["items"][0]["reason"] == "limit"
    refused = asked(phone, mug).json
    assert (refused["code"], refused["per"]) == ("reward_limit_reached", per)
    assert given_up(phone, order["id"]).status_code == 200
    exchanged(phone, mug)


def test_given_up_everything_is_as_it_was(shop: Shop, engine: Engine, phone: Phone) -> None:
    lots = "SELECT id, remaining, expires_at FROM ledger_lots ORDER BY id"
    before = rows(engine, lots)
    order = exchanged(phone, mugs(shop, stock=1))
    undone = given_up(phone, order["id"], key="k")
    assert (undone.json["state"], undone.json["cancelled_for"], undone.json["undo_until"]) == (
        "cancelled", "member", None,
    )  # fmt: skip
    assert rows(engine, lots) == before
    assert rows(engine, "SELECT taken FROM reward_stock") == [(0,)]
    assert given_up(phone, order["id"], key="k").data == undone.data
    assert given_up(phone, order["id"]).json["code"] == "reward_order_over"
    assert given_up(shop.member(), order["id"]).status_code == 404


def test_a_coupon_comes_back_only_unused_and_in_time(
    shop: Shop, engine: Engine, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon = coupons(live_template(clock.now()))
    first, second, third = (exchanged(phone, coupon) for _ in range(3))
    assert given_up(phone, first["id"]).status_code == 200
    assert points(phone) == 800
    [(given,)] = rows(engine, "SELECT id FROM coupons WHERE source_id = :id", id=second["id"])
    assert use(shop, str(given), phone.member_id)
    assert given_up(phone, second["id"]).json["code"] == "reward_used"
    later(monkeypatch, timedelta(days=8))
    late = given_up(phone, third["id"])
    assert (late.status_code, late.json["code"]) == (409, "reward_too_late")
    assert rows(engine, "SELECT state FROM coupons ORDER BY id") == [("void",), ("used",), ("held",)]


@pytest.mark.parametrize(
    ("language", "why", "taken"), [("zh", "已取消兑换", "已收回"), ("en", "Exchange cancelled", "Taken back")]
)
def test_a_coupon_of_an_exchange_that_was_given_up_is_not_called_taken_back(
    shop: Shop, engine: Engine, phone: Phone, language: str, why: str, taken: str
) -> None:
    thing = coupons(live_template(clock.now()))
    first, second = (exchanged(phone, thing) for _ in range(2))
    given_up(phone, first["id"])
    [(theirs,)] = rows(engine, "SELECT id FROM coupons WHERE source_id = :id", id=second["id"])
    assert recall(str(theirs)) == 1
    asked = {"headers": {"Accept-Language": language}}
    over = {one["id"]: one for one in phone.get("/coupons?state=ended", **asked).json["items"]}
    assert (over[theirs]["reason"], over[theirs]["reason_text"]) == ("recalled", taken)
    [own] = [one for coupon, one in over.items() if coupon != theirs]
    assert (own["usable"], own["reason"], own["reason_text"]) == (False, "exchange_cancelled", why)
    shown = phone.get(f"/coupons/{own['id']}", **asked).json
    assert (shown["reason_text"], shown["events"][0]["kind"]) == (why, "exchange_cancelled")
    assert phone.get(f"/coupons/{theirs}", **asked).json["events"][0]["kind"] == "recalled"


def test_a_coupon_comes_back_once_nobody_can_take_it_over_any_more(
    shop: Shop, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = exchanged(phone, coupons(live_template(clock.now(), transferable=True)))
    [held] = phone.get("/coupons").json["items"]
    assert phone.post(f"/coupons/{held['id']}/offer").status_code == 200
    assert given_up(phone, order["id"]).json["code"] == "reward_used"
    later(monkeypatch, timedelta(hours=25))
    assert given_up(phone, order["id"]).status_code == 200


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    real: Callable[[], Any] = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + by)


def test_what_nobody_picks_up_goes_back_with_a_grace_for_what_has_ended(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    now = clock.now()
    fleeting = shop.member()
    fill(fleeting, points=100, expires_at=now + timedelta(days=2))
    set_policy(RewardPolicy, pick_up_days=3, grace_days=5)
    mug = mugs(shop, stock=2)
    mine, theirs = exchanged(phone, mug), exchanged(fleeting, mug)
    assert expire(now=now + timedelta(days=2)) == 0
    assert expire(now=now + timedelta(days=5)) == 2
    assert expire(now=now + timedelta(days=5)) == 0
    told = [
        phone.get(f"/reward-orders/{mine['id']}").json,
        fleeting.get(f"/reward-orders/{theirs['id']}").json,
    ]
    assert [one["cancelled_for"] for one in told] == ["expired", "expired"]
    assert points(phone) == 1_000
    graces = rows(engine, "SELECT amount, expires_at FROM ledger_lots ORDER BY id DESC LIMIT 1")
    assert graces[0][0] == 100
    assert rows(engine, "SELECT taken FROM reward_stock") == [(0,)]


def test_what_was_exchanged_keeps_its_words_and_its_stock(shop: Shop, phone: Phone) -> None:
    mug = mugs(shop, stock=5)
    order = exchanged(phone, mug)
    other = shop.open_store("S002")
    moved = change(
        item_id=mug.item_id,
        version=1,
        reward=reward_of(CUP | {"name_zh": "杯子", "price": {"points": 7}}),
        places=[Place(store_id=other.id, stock=1)],
        actor=OPERATOR,
        now=clock.now(),
    )
    assert (moved.version, [place.store_id for place in moved.places]) == (2, [other.id])
    assert phone.get(f"/reward-orders/{order['id']}").json == order
    assert asked(phone, mug, points=7).json["code"] == "reward_not_here"
    assert given_up(phone, order["id"]).status_code == 200
    [listed] = listing(limit=9, before=None)
    assert (listed.figures.exchanged, listed.figures.cancelled, listed.figures.points) == (1, 1, 0)


def test_there_are_not_fewer_than_were_taken(shop: Shop, phone: Phone) -> None:
    mug = mugs(shop, stock=2)
    exchanged(phone, mug)
    exchanged(phone, mug)
    with pytest.raises(RewardStockBelow) as refused:
        change(
            item_id=mug.item_id,
            version=1,
            reward=mug.reward,
            places=[Place(store_id=shop.store.id, stock=1)],
            actor=OPERATOR,
            now=clock.now(),
        )
    assert refused.value.data == {"taken": 2}


def test_the_mall_says_what_is_missing(shop: Shop, phone: Phone) -> None:
    mugs(shop)
    mugs(shop, price={"points": 1_120})
    mugs(shop, price={"points": 2, "cash_fen": 550})
    mugs(shop, stock=0, price={"points": 3})
    told = [(one["points"], one["text"]) for one in phone.get("/rewards").json["items"]]
    assert told == [(2, "储值还差 ¥5.50"), (3, "已兑完"), (100, None), (1_120, "还差 120 积分")]
    within = phone.get("/rewards?affordable=yes").json["items"]
    assert [one["points"] for one in within] == [2, 3, 100]
    page = phone.get("/rewards?limit=3").json
    rest = phone.get(f"/rewards?limit=3&cursor={page['next_cursor']}").json
    assert [one["points"] for one in rest["items"]] == [1_120]
    assert rest["next_cursor"] is None
    english = phone.get("/rewards", headers={"Accept-Language": "en"}).json["items"][-1]
    assert (english["name"], english["text"]) == ("Mug", "Points still needed: 120")


def test_the_mall_says_what_stands_against_the_coupon_or_the_chance_it_gives(
    shop: Shop, phone: Phone
) -> None:
    """Before the tap: each of these is refused when it is asked for."""
    now = clock.now()
    ended = {"kind": "between", "begins_at": "2020-01-01T00:00:00Z", "ends_at": "2020-02-01T00:00:00Z"}
    had = live_template(now, stock=5, terms={"per_member": 1})
    give(had, phone.member_id, now)
    today = live_template(now, terms={"per_member_a_day": 1})
    give(today, phone.member_id, now)
    game, done, later = lottery(), lottery(), lottery(now=now + timedelta(days=1))
    stop(activity_id=done.id, version=2, actor=OPERATOR, now=now)
    told = [
        (coupons(live_template(now, terms={"state": "draft"})), "not_yet", "coupon_not_available"),
        (coupons(live_template(now, terms={"state": "stopped"})), "over", "coupon_not_available"),
        (coupons(live_template(now, validity=ended)), "over", "coupon_not_available"),
        (coupons(live_template(now, stock=0)), "used_up", "coupons_used_up"),
        (coupons(had), "limit", "coupon_limit_reached"),
        (coupons(today), "limit", "coupon_limit_reached"),
        (coupons(live_template(now, stock=3, terms={"per_member": 2})), None, None),
        (chance(done), "over", "activity_not_open"),
        (chance(later), "not_yet", "activity_not_open"),
        (chance(game), None, None),
    ]
    shown = {one["id"]: one for one in phone.get("/rewards?limit=50").json["items"]}
    for wanted, reason, code in told:
        one = shown[wanted.item_id]
        assert (one["reason"], one["available"], one["text"] is None) == (reason, not reason, not reason)
        alone = phone.get(f"/rewards/{wanted.item_id}").json
        assert alone["reason"] == reason
        assert asked(phone, wanted).json.get("code") == code


def test_of_a_coupon_there_are_no_more_than_its_template_has(shop: Shop, phone: Phone) -> None:
    template = live_template(clock.now(), stock=3, terms={"per_member": 2})
    wanted = coupons(template, per_member=5)
    [one] = phone.get("/rewards").json["items"]
    assert (one["left"], one["more"]) == (3, 2)
    exchanged(phone, wanted)
    [one] = phone.get("/rewards").json["items"]
    assert (one["left"], one["more"]) == (2, 1)


def chance(game: Activity) -> Item:
    return item(Place(store_id=None, stock=None), kind="chance", gives_id=game.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "nothing"},
        {"gives_id": "0" * 26},
        {"kind": "coupon", "gives_id": "0" * 26},
        {"price": {"points": 0}},
        {"price": {"points": 1, "cash_fen": 500_001}},
        {"tier_prices": {"nobody": {"points": 1}}},
        {"available_from": "2026-01-02T00:00:00Z", "available_until": "2026-01-02T00:00:00Z"},
        {"per_member": 0},
        {"surprise": 1},
    ],
)
def test_items_that_do_not_fit_together_are_refused(shop: Shop, changes: dict[str, Any]) -> None:
    with pytest.raises(RewardMalformed):
        mugs(shop, **changes)


def test_goods_are_in_stores_and_each_stands_there_once(shop: Shop) -> None:
    here = Place(store_id=shop.store.id, stock=1)
    for places in ([Place(store_id=None, stock=1)], [here, here]):
        with pytest.raises(RewardMalformed):
            item(*places)


def test_movements_of_exchanges_have_names_of_their_own(shop: Shop, phone: Phone) -> None:
    assert topped_up(shop, phone).status_code == 201
    order = exchanged(phone, mugs(shop, price={"points": 10, "cash_fen": 100}))
    given_up(phone, order["id"])
    for path in ("/me/points/entries", "/me/balance/entries"):
        items = phone.get(path).json["items"][:2]
        assert [one["reason"] for one in items] == ["exchange_undone", "exchange"]
        assert all(one["text"] for one in items)


def test_a_chance_is_there_at_once_and_goes_back_until_it_is_drawn(shop: Shop, engine: Engine) -> None:
    game, phone = lottery(cost_points=None), shop.member()
    round_of(shop, game)
    chance = item(Place(store_id=None, stock=5), kind="chance", gives_id=game.id, price={"points": 10})
    shop.earn(phone, 30)
    first, second = exchanged(phone, chance)["id"], exchanged(phone, chance)["id"]
    assert phone.get(f"/lotteries/{game.id}").json["chances_left"] == 2
    assert given_up(phone, second).json["state"] == "cancelled"
    play(shop, game, phone.member_id, "k1", payment="chance")
    assert given_up(phone, first).json["code"] == "reward_used"
    assert rows(engine, "SELECT chances_given, chances_used FROM activity_members") == [(1, 1)]
    stop(activity_id=game.id, version=2, actor=OPERATOR, now=clock.now())
    assert asked(phone, chance).json["code"] == "activity_not_open"
