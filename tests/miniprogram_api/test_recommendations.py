"""What the member may like, over HTTP."""

from sqlalchemy import Engine

from app import clock
from app.messages.preferences import set_preferences
from tests.recommending import counted, has_bought
from tests.shop import Shop


def test_each_product_says_why(shop: Shop, unaudited_engine: Engine) -> None:
    phone = shop.member()
    assert phone.get("/me/recommendations").json == {"personalised": True, "items": []}
    counted(clock.now(), pairs=[("A", "B")])
    has_bought(phone.member_id, "A", now=clock.now())
    found = phone.get("/me/recommendations", headers={"Accept-Language": "en"}).json
    assert found["personalised"] is True
    assert found["items"] == [
        {
            "sku": "B",
            "name": "黄油可颂",
            "because": {"kind": "bought_with", "name": "茉莉绿茶", "text": "Often bought with 茉莉绿茶"},
        },
        {
            "sku": "C",
            "name": "随行杯",
            "because": {"kind": "best_seller", "name": None, "text": "Popular with our members"},
        },
    ]
    [first, _] = phone.get("/me/recommendations").json["items"]
    assert first["because"]["text"] == "买过「茉莉绿茶」的会员也常买"


def test_who_switched_it_off_sees_what_everybody_buys(shop: Shop, unaudited_engine: Engine) -> None:
    phone = shop.member()
    counted(clock.now(), pairs=[("A", "B")])
    has_bought(phone.member_id, "A", now=clock.now())
    set_preferences(member_id=phone.member_id, refused=frozenset({"personalised"}), now=clock.now())
    found = phone.get("/me/recommendations").json
    assert found["personalised"] is False
    assert [(one["sku"], one["because"]["kind"]) for one in found["items"]] == [
        (sku, "best_seller") for sku in "ABC"
    ]
