"""A mall to test in: items, and members who exchange for them."""

import uuid
from typing import Any

from app import clock
from app.audit import OPERATOR
from app.engagement.rewards.change_item import create
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from tests.shop import Phone, Shop

CUP: dict[str, Any] = {"name_zh": "马克杯", "name_en": "Mug", "kind": "goods", "price": {"points": 100}}


def item(*places: Place, **changes: Any) -> Item:
    """A mug for 100 points; `changes` as in a reward."""
    made = create(reward=reward_of(CUP | changes), places=places, actor=OPERATOR, now=clock.now())
    assert isinstance(made, Item)
    return made


def mugs(shop: Shop, stock: int | None = None, **changes: Any) -> Item:
    """In store S001, so many."""
    return item(Place(store_id=shop.store.id, stock=stock), **changes)


def coupons(template_id: str, **changes: Any) -> Item:
    """A coupon for 100 points."""
    names = {"name_zh": "十元券", "name_en": "¥10 coupon"}
    return item(
        Place(store_id=None, stock=None), **names | {"kind": "coupon", "gives_id": template_id} | changes
    )


def asked(phone: Phone, wanted: Item, *, key: str | None = None, **changes: Any) -> Any:
    """The answer to an exchange at the price of everybody."""
    price = wanted.reward.price
    body = {"item_id": wanted.item_id, "points": price.points, "cash_fen": price.cash_fen}
    if wanted.reward.kind == "goods":
        body["store"] = "S001"
    return phone.post(
        "/reward-orders", json=body | changes, headers={"Idempotency-Key": key or uuid.uuid4().hex}
    )


def exchanged(phone: Phone, wanted: Item, **changes: Any) -> dict[str, Any]:
    made = asked(phone, wanted, **changes)
    assert made.status_code == 201, made.json
    return dict(made.json)


def given_up(phone: Phone, order_id: str, *, key: str | None = None) -> Any:
    return phone.post(
        f"/reward-orders/{order_id}/cancel", headers={"Idempotency-Key": key or uuid.uuid4().hex}
    )
