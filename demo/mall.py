"""What the demo's mall has on its shelves."""

from collections.abc import Sequence
from datetime import datetime

from app.audit import OPERATOR
from app.engagement.rewards.change_item import create
from app.engagement.rewards.reward import Place, Price, Reward
from app.stores import setup
from demo import pictures
from demo.chain import STORES


def fill_shelves(coupons: Sequence[str], *, now: datetime) -> None:
    """Something small everywhere, something with money beside the points, something scarce to save for, a coupon."""
    stores = setup.store_ids({store.code for store in STORES})
    items = (
        (
            Reward(
                name_zh="帆布购物袋",
                name_en="Canvas bag",
                about_zh="加厚帆布，可折叠。",
                about_en="Heavy canvas, folds flat.",
                picture_id=pictures.bag(now),
                kind="goods",
                price=Price(points=80),
            ),
            dict.fromkeys(stores),
        ),
        (
            Reward(
                name_zh="露营马克杯",
                name_en="Camping mug",
                about_zh="珐琅材质，350 毫升。每人限兑 2 件。",
                about_en="Enamel, 350 ml. Two for each member.",
                picture_id=pictures.mug(now),
                kind="goods",
                price=Price(points=150, cash_fen=990),
                per_member=2,
            ),
            dict.fromkeys(("S001", "S002"), 40),
        ),
        (
            Reward(
                name_zh="手冲咖啡壶",
                name_en="Pour-over kettle",
                about_zh="不锈钢，600 毫升。",
                about_en="Stainless steel, 600 ml.",
                picture_id=pictures.kettle(now),
                kind="goods",
                price=Price(points=5_000),
            ),
            {"S001": 5},
        ),
    )
    coupon = Reward(
        name_zh="满 50 减 10 券",
        name_en="¥10 off ¥50 or more",
        kind="coupon",
        gives_id=coupons[0],
        price=Price(points=60),
        per_member=3,
    )
    create(reward=coupon, places=[Place(store_id=None, stock=None)], actor=OPERATOR, now=now)
    for reward, stock in items:
        places = [Place(store_id=stores[code], stock=count) for code, count in stock.items()]
        create(reward=reward, places=places, actor=OPERATOR, now=now)
