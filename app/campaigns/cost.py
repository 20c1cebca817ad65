"""What a campaign may cost at most, before anything is told: so many messages, and so many gifts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.campaigns.gift import Prices, gift_of, offer_of
from app.campaigns.models import Campaign


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Fen, rounded up. Coupons count as used for all they are worth, and as nothing unless `coupon_worth_known`.

    `coupons` are wanted, `coupons_left` in the template's stock (None: any number). `within_budget`: all of it can be
    paid; else the last members are not told.
    """

    messages_fen: int
    points_fen: int
    coupons_fen: int
    most_fen: int
    budget_fen: int | None
    within_budget: bool
    coupons: int
    coupons_left: int | None
    coupon_worth_known: bool


def cost_of(session: Session, campaign: Campaign, reached: Mapping[str, int], now: datetime) -> Cost:
    """If so many are told by each of its channels."""
    gift = gift_of(campaign.gift)
    offer, prices = offer_of(session, gift, now), Prices(session)
    people = sum(reached.values())
    messages = sum(prices.message(channel) * number for channel, number in reached.items())
    whole = prices.gift(gift, offer) * people
    points = prices.points(gift) * people
    most_fen, budget_fen = _fen(messages + whole), campaign.budget_fen
    known = offer is None or offer.worth_fen is not None
    return Cost(
        messages_fen=_fen(messages),
        points_fen=_fen(points),
        coupons_fen=_fen(whole - points),
        most_fen=most_fen,
        budget_fen=budget_fen,
        within_budget=budget_fen is None or (known and most_fen <= budget_fen),
        coupons=gift.coupons * people,
        coupons_left=None if offer is None else offer.left,
        coupon_worth_known=known,
    )


def dearest(session: Session, channels: tuple[str, ...]) -> str:
    """The channel by which a message costs most."""
    return max(channels, key=Prices(session).message)


def _fen(thousandths: int) -> int:
    return -(-thousandths // 1000)
