"""Members who buy at times the test chooses, and what the workers make of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from app import clock, work
from app.audit import OPERATOR
from app.tiers import change_plan, review
from app.tiers.card import TierName
from app.tiers.plan import plan_of
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.conftest import rows
from tests.shop import Phone, Shop

LEVELS = [
    {"code": "normal", "at_least": 0},
    {"code": "silver", "at_least": 10_000, "gift_points": 50},
    {"code": "gold", "at_least": 30_000, "gift_points": 200},
]
_NAMES = {"normal": ("普通会员", "Member"), "silver": ("银卡会员", "Silver"), "gold": ("金卡会员", "Gold")}


def set_plan(
    *, at: datetime | None = None, version: int = 0, begins: datetime | None = None, **more: Any
) -> None:
    """Spend over ten days with five of grace, unless said; silver from ¥100, gold from ¥300."""
    levels = more.pop("levels", LEVELS)
    whole = {"basis": "spend", "window": {"kind": "days", "n": 10}, "grace_days": 5, "levels": levels, **more}
    change_plan.change(
        plan=plan_of(whole),
        names=[
            TierName(code=level["code"], zh=_NAMES[level["code"]][0], en=_NAMES[level["code"]][1])
            for level in levels
        ],
        version=version,
        effective_from=begins,
        actor=OPERATOR,
        now=at or clock.now(),
    )


@dataclass(frozen=True)
class Custom:
    shop: Shop
    engine: Engine

    def buys(self, phone: Phone, amount_fen: int, *, at: datetime | None = None) -> str:
        """Through scan and sale; the sale's id."""
        now, till = at or clock.now(), till_of(self.shop.till)
        ticket = scan_at(self.shop, till, self.shop.code(phone, at=now), now).ticket
        return sell_at(till, ticket, amount_fen, now).sale_id

    def relays(self, *, at: datetime | None = None) -> None:
        """The facts are handed over, and nobody has decided yet."""
        work.tell_consumers(work.fact_relay(self.shop.parts), at or later())

    def works(self, *, at: datetime | None = None) -> int:
        """What a worker does within a second; how many members were looked at."""
        self.relays(at=at)
        return review.review(now=at or later())

    def changes(self, phone: Phone) -> list[tuple[Any, ...]]:
        """(seq, kind, from, to, gift)."""
        return rows(
            self.engine,
            "SELECT seq, kind, from_tier, to_tier, gift_points FROM tier_changes WHERE member_id = :id ORDER BY seq",
            id=phone.member_id,
        )

    def tier(self, phone: Phone) -> str:
        """On the card, where the till looks."""
        return str(phone.get("/me").json["tier"]["code"])

    def gifts(self, phone: Phone) -> list[int]:
        entries = phone.get("/me/points/entries").json["items"]
        return [one["points"] for one in entries if one["reason"] == "tier_gift"]


def later(seconds: float = 1) -> datetime:
    return clock.now() + timedelta(seconds=seconds)
