"""What an item of the mall is, gives and costs: a typed value, kept as versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.errors import Invalid
from app.pictures import PictureId
from app.stored_value.policy import LEGAL_MOST_FEN
from app.typed import convert

MOST_POINTS = 100_000_000
MOST_PER_MEMBER = 1_000
MOST_TIERS = 10

PointsPrice = Annotated[int, Meta(ge=1, le=MOST_POINTS)]
CashPrice = Annotated[int, Meta(ge=0, le=LEGAL_MOST_FEN)]
TierCode = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,24}$")]
Limit = Annotated[int, Meta(ge=1, le=MOST_PER_MEMBER)]


class RewardMalformed(Invalid):
    """Data: `reason`, what does not fit together."""

    code = "reward_malformed"


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many points, and so much out of the stored value besides (0: points alone)."""

    points: PointsPrice
    cash_fen: CashPrice = 0


class Reward(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`kind` says how it is given (gives.py), `gives_id` what: of a coupon its template, of goods nothing.

    Who is in one of `tier_prices` pays that price, the others `price`. With `tiers` only members of these see it. It
    can be had within `[available_from, available_until)`. Limits count what was not cancelled, days by the chain's
    calendar. `full_price` is the regular one, where this one is less. `instead_of` is the item in whose place it
    stands in the mall while members can have it. `cost_fen` is what one costs the brand; None: nobody has said.
    """

    name_zh: Annotated[str, Meta(min_length=1, max_length=40)]
    name_en: Annotated[str, Meta(min_length=1, max_length=60)]
    about_zh: Annotated[str, Meta(max_length=500)] = ""
    about_en: Annotated[str, Meta(max_length=1_000)] = ""
    kind: Annotated[str, Meta(pattern=r"^[a-z_]{1,16}$")]
    gives_id: Annotated[str, Meta(min_length=1, max_length=26)] | None = None
    sku: Annotated[str, Meta(max_length=64)] = ""
    picture_id: PictureId | None = None
    price: Price
    full_price: Price | None = None
    tier_prices: Annotated[dict[TierCode, Price], Meta(max_length=MOST_TIERS)] = {}
    tiers: Annotated[tuple[TierCode, ...], Meta(max_length=MOST_TIERS)] = ()
    available_from: datetime | None = None
    available_until: datetime | None = None
    per_member: Limit | None = None
    per_member_a_day: Limit | None = None
    cost_fen: CashPrice | None = None
    instead_of: Annotated[str, Meta(min_length=1, max_length=26)] | None = None

    def price_for(self, tier: str) -> Price:
        return self.tier_prices.get(tier, self.price)

    def seen_by(self, tier: str) -> bool:
        return not self.tiers or tier in self.tiers

    def open_at(self, now: datetime) -> bool:
        return (self.available_from is None or self.available_from <= now) and (
            self.available_until is None or now < self.available_until
        )


def reward_of(data: Mapping[str, Any]) -> Reward:
    """Raises `RewardMalformed`."""
    try:
        reward: Reward = convert(data, Reward)
    except msgspec.ValidationError as error:
        raise RewardMalformed(reason=str(error)) from None
    begins, ends = reward.available_from, reward.available_until
    if begins is not None and ends is not None and ends <= begins:
        raise RewardMalformed(reason="available_until: not after available_from")
    full, price = reward.full_price, reward.price
    if full is not None and (full.points < price.points or full.cash_fen < price.cash_fen):
        raise RewardMalformed(reason="full_price: less than the price")
    if len(set(reward.tiers)) < len(reward.tiers):
        raise RewardMalformed(reason="tiers: a code stands there twice")
    if reward.tiers and not set(reward.tier_prices) <= set(reward.tiers):
        raise RewardMalformed(reason="tier_prices: for members who do not see it")
    return reward


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where it can be had (None: in no store, it is given at once), and how many there are: None, any number.

    `stock` counts those that were taken as well, so that nobody's exchange is lost when it is set anew.
    """

    store_id: int | None
    stock: int | None
    taken: int = 0
    offered: bool = True

    @property
    def left(self) -> int | None:
        if not self.offered:
            return 0
        return None if self.stock is None else self.stock - self.taken
