"""What was counted of what goes together, laid in as it stands."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from app import db
from app.clock import HOME_ZONE, business_date

NAMES = {"A": "茉莉绿茶", "B": "黄油可颂", "C": "随行杯"}


def counted(now: datetime, *, names: dict[str, str] = NAMES, pairs: Sequence[tuple[str, str]] = ()) -> None:
    """These products, the first one bought by most; of each pair the one goes with the other."""
    day = business_date(now, HOME_ZONE)
    with db.transaction() as session:
        for place, (sku, name) in enumerate(names.items(), 1):
            session.execute(
                text("INSERT INTO sold_products VALUES (:sku, :name, '茶饮', :buyers, :day, :place)"),
                {"sku": sku, "name": name, "buyers": 100 - place, "day": day, "place": place},
            )
        for sku, other in pairs:
            session.execute(
                text("INSERT INTO sold_together VALUES (:sku, :other, 20, 10, 500000)"),
                {"sku": sku, "other": other},
            )
        counts = {"products": len(names), "pairs": len(pairs)}
        session.execute(
            text("INSERT INTO sold_counts VALUES (:day, :now, 30, :products, :pairs)"),
            {"day": day, "now": now, **counts},
        )


def has_bought(member_id: int, *skus: str, now: datetime) -> None:
    """Today; and nothing of it is looked for in the books."""
    with db.transaction() as session:
        for sku in skus:
            session.execute(
                text("INSERT INTO member_bought VALUES (:member_id, 'product', :sku, :day)"),
                {"member_id": member_id, "sku": sku, "day": business_date(now, HOME_ZONE)},
            )
