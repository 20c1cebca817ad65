"""What an activity gives, the same everywhere: points, coupons of a template, chances in a lottery."""

from typing import Annotated

from msgspec import Meta, Struct

from app.points.rules import MOST_DAYS

MOST_REWARD_POINTS = 1_000_000
MOST_COUPONS = 10
MOST_CHANCES = 100

_Id = Annotated[str, Meta(max_length=26)]


class Reward(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Points last `lifetime_days` whole days (None: for ever); `lottery` is the one whose `chances` they are."""

    points: Annotated[int, Meta(ge=0, le=MOST_REWARD_POINTS)] = 0
    lifetime_days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] | None = None
    coupon_template: _Id = ""
    coupons: Annotated[int, Meta(ge=0, le=MOST_COUPONS)] = 0
    lottery: _Id = ""
    chances: Annotated[int, Meta(ge=0, le=MOST_CHANCES)] = 0

    @property
    def is_nothing(self) -> bool:
        return not (self.points or self.coupons or self.chances)

    @property
    def fault(self) -> str | None:
        """What does not fit together in it."""
        if bool(self.coupons) != bool(self.coupon_template):
            return "coupons and coupon_template go together"
        if bool(self.chances) != bool(self.lottery):
            return "chances and lottery go together"
        return "lifetime_days goes with points" if self.lifetime_days and not self.points else None
