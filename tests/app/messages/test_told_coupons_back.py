"""The message about a refund tells which coupons came back with it."""

from sqlalchemy import Engine, text

from app import clock
from tests.app.messages.test_own_value import told
from tests.conftest import rows
from tests.coupons import pass_on
from tests.pos_api.test_coupons_in_sales import TEN, back, held
from tests.quoting import quoted, taken
from tests.shop import Shop

BACK = "优惠券“十元券”已退回。"


def test_a_coupon_comes_back_with_the_last_of_the_sale_and_is_told_then(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    held(phone, effect=TEN)
    sale = taken(shop, quoted(shop, phone))
    back(shop, sale, lines=[{"line_no": 1, "quantity": 2}])
    back(shop, sale)
    part, rest = told(shop, phone, "zh")[-2:]
    assert BACK not in part
    assert rest.endswith(BACK)
    assert told(shop, phone, "en")[-1].endswith(" Coupon given back: ¥10 off.")


def test_one_that_is_good_for_longer_says_until_when(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    held(phone, effect=TEN, restore_days=3)
    sale = taken(shop, quoted(shop, phone))
    with engine.begin() as connection:
        connection.execute(text("UPDATE coupons SET valid_until = :now"), {"now": clock.now()})
    back(shop, sale)
    through = phone.get("/coupons").json["items"][0]["valid_through"]
    assert told(shop, phone, "zh")[-1].endswith(f"优惠券“十元券”已退回，有效期延长至{through}。")
    assert told(shop, phone, "en")[-1].endswith(f" Coupon given back: ¥10 off, now valid through {through}.")


def test_what_cannot_be_used_again_is_not_said_to_be_back(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    held(phone, name_zh="过期券", effect=TEN, restore_days=0)
    held(phone, name_zh="不退券", effect=TEN, forfeited=True)
    sale = taken(shop, quoted(shop, phone))
    with engine.begin() as connection:
        connection.execute(text("UPDATE coupons SET valid_until = :now"), {"now": clock.now()})
    assert len(back(shop, sale).json["coupons"]) == 2
    assert "券" not in told(shop, phone, "zh")[-1]


def test_a_card_that_was_passed_on_meanwhile_is_told_to_neither(shop: Shop, engine: Engine) -> None:
    phone, friend = shop.member(), shop.member()
    [key] = held(phone, effect=TEN, uses=2, transferable=True)
    sale = taken(shop, quoted(shop, phone))
    pass_on(shop, key.removeprefix("coupon:"), phone.member_id, friend.member_id)
    back(shop, sale)
    assert BACK not in told(shop, phone, "zh")[-1]
    assert rows(engine, "SELECT count(*) FROM facts WHERE payload ? 'came_back'") == [(0,)]
