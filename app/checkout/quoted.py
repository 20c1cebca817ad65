"""What a bill comes to, as a till shows it and as the sale takes it: kept with the quote, word for word."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.discounts.benefit import Told
from app.points.earn import Counted
from app.points.explain import Part
from app.points.pay import PointsUse

#: Whether the member agrees on the phone to so much of their own value being spent; `none`: nobody needs to be asked.
Confirmation = Literal["none", "pending", "confirmed", "declined"]
#: Why less stored value is spent than was offered; `used` when all of it is.
BalanceReason = Literal["none", "used", "not_enough", "bill"]


@dataclass(frozen=True, kw_only=True)
class LineDiscount:
    """What one benefit, by its key, takes off a line."""

    benefit: str
    discount_fen: int


@dataclass(frozen=True, kw_only=True)
class QuotedLine:
    """`excluded_fen` of what the line costs is paid with points and bonus, and earns nothing."""

    sku: str
    name: str
    category: str
    quantity: int
    unit_price_fen: int
    discounts: tuple[LineDiscount, ...]
    discount_fen: int
    excluded_fen: int
    points: int

    @property
    def amount_fen(self) -> int:
        return self.quantity * self.unit_price_fen - self.discount_fen


@dataclass(frozen=True, kw_only=True)
class QuotedCoupon:
    """Of a benefit that is a coupon: when it ends, how many uses are left, and what is handed over with it."""

    coupon_id: str
    ends_at: datetime
    uses_left: int
    gift_zh: str = ""
    gift_en: str = ""
    gift_sku: str = ""


@dataclass(frozen=True, kw_only=True)
class QuotedBenefit:
    """What became of a benefit; what it takes off which line stands with the lines.

    `asks_zh` and `asks_en` say what it asks for where it does not hold for that: tiers, days, hours.
    """

    name_zh: str
    name_en: str
    told: Told
    coupon: QuotedCoupon | None = None
    asks_zh: str = ""
    asks_en: str = ""


@dataclass(frozen=True, kw_only=True)
class QuotedBalance:
    """Of the stored value so much pays, in its two kinds; `most_fen` could."""

    principal_fen: int
    bonus_fen: int
    most_fen: int
    reason: BalanceReason

    @property
    def amount_fen(self) -> int:
        return self.principal_fen + self.bonus_fen


@dataclass(frozen=True, kw_only=True)
class QuotedEarning:
    """As `app.points.earn.Earning`, whose shares stand with the lines."""

    points: int
    rule_id: int | None
    available_at: datetime | None
    expires_at: datetime | None
    parts: tuple[Part, ...]
    counts: tuple[Counted, ...]


@dataclass(frozen=True, kw_only=True)
class Priced:
    """A bill with everything that makes it cheaper or pays for it.

        goods_fen                 what the lines come to
      − discount_fen              of benefits and, the last `rounding_fen` of it, of rounding
      = amount_fen                what the goods are sold for
      − points, balance           the member's own value
      = payable_fen               what the till takes in

    `complete`: no combination of the benefits would take off more. `tier` is that of the member; None without one.
    `versions` are those of the rules and policies it was worked out by.
    """

    lines: tuple[QuotedLine, ...]
    benefits: tuple[QuotedBenefit, ...]
    complete: bool
    goods_fen: int
    discount_fen: int
    rounding_fen: int
    amount_fen: int
    points: PointsUse
    balance: QuotedBalance
    payable_fen: int
    earning: QuotedEarning
    tier: str | None
    versions: dict[str, int]

    @property
    def coupons(self) -> tuple[QuotedBenefit, ...]:
        """The coupons that the sale uses."""
        return tuple(one for one in self.benefits if one.coupon is not None and one.told.applied)

    @property
    def own_fen(self) -> int:
        """What the member pays out of their own account, points at their worth."""
        return self.points.fen + self.balance.amount_fen

    @property
    def discounts(self) -> tuple[LineDiscount, ...]:
        """What each benefit, and rounding, took off the whole bill."""
        sums: dict[str, int] = {}
        for line in self.lines:
            for part in line.discounts:
                sums[part.benefit] = sums.get(part.benefit, 0) + part.discount_fen
        return tuple(LineDiscount(benefit=key, discount_fen=fen) for key, fen in sums.items())


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """A quote as its till may see it. `sale_id` is that of the sale it was used for."""

    quote_id: str
    created_at: datetime
    expires_at: datetime
    confirmation: Confirmation
    priced: Priced
    sale_id: str | None = None
