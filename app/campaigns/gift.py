"""What a campaign gives beside its words: points, coupons of one template, or both, to each who is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from app.campaigns.content import misfit, misread
from app.coupons.give_each import Offered, offered
from app.errors import NotFound
from app.messages.policy import MessagePolicy
from app.points.rules import MOST_DAYS
from app.policies import in_force
from app.settlement.policy import SettlementPolicy
from app.typed import convert

MOST_POINTS = 1_000_000
MOST_COUPONS = 10
MOST_BUDGET_FEN = 1_000_000_000_000


class Gift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """To each `points`, which last `lifetime_days` whole days (None: for ever), and `coupons` of the template."""

    points: Annotated[int, Meta(ge=0, le=MOST_POINTS)] = 0
    lifetime_days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] | None = None
    coupon_template: Annotated[str, Meta(max_length=26)] = ""
    coupons: Annotated[int, Meta(ge=0, le=MOST_COUPONS)] = 0

    @property
    def is_nothing(self) -> bool:
        return not (self.points or self.coupons)


def gift_of(data: Mapping[str, Any]) -> Gift:
    """Of what is kept."""
    return convert(data, Gift)


def read_gift(
    session: Session, data: Mapping[str, Any], budget_fen: int | None, now: datetime
) -> dict[str, Any]:
    """As it is kept. A coupon of which nobody can say what it is worth fits no budget. Raises `CampaignMalformed`."""
    try:
        gift = convert(data, Gift)
    except msgspec.ValidationError as error:
        raise misfit(*misread(error, "gift")) from None
    if bool(gift.coupons) != bool(gift.coupon_template):
        raise misfit("coupons and coupon_template go together", "gift.coupons")
    if gift.lifetime_days and not gift.points:
        raise misfit("no points are given", "gift.lifetime_days")
    offer = offer_of(session, gift, now)
    if offer is not None and not offer.live:
        raise misfit("the template is not live", "gift.coupon_template")
    if offer is not None and offer.worth_fen is None and budget_fen is not None:
        raise misfit("what the coupon is worth is not known", "budget_fen")
    return dict(msgspec.to_builtins(gift))


def offer_of(session: Session, gift: Gift, now: datetime) -> Offered | None:
    """The template as it is now. Raises `CampaignMalformed` if there is none."""
    if not gift.coupons:
        return None
    try:
        return offered(session, gift.coupon_template, now)
    except NotFound:
        raise misfit("no such template", "gift.coupon_template") from None


def words_for(gift: Gift, offer: Offered | None) -> dict[str, dict[str, str]]:
    """By language what stands for `{coupon}` and `{points_given}`, of those that are given."""
    words: dict[str, dict[str, str]] = {"zh": {}, "en": {}}
    for language, own in words.items():
        if offer is not None:
            own["coupon"] = offer.face.name_zh if language == "zh" else offer.face.name_en
        if gift.points:
            own["points_given"] = f"{gift.points:,}"
    return words


def gift_words(session: Session, data: Mapping[str, Any], now: datetime) -> dict[str, dict[str, str]]:
    """The same of what is kept, as the template is named now."""
    gift = gift_of(data)
    return words_for(gift, offer_of(session, gift, now))


class Prices:
    """What things cost now, in thousandths of a fen."""

    def __init__(self, session: Session, policy: MessagePolicy | None = None) -> None:
        self._session = session
        self._messages = policy or in_force(session, MessagePolicy).value

    def message(self, channel: str) -> int:
        return self._messages.price(channel)

    def points(self, gift: Gift) -> int:
        """As settlement between the stores values them."""
        if not gift.points:
            return 0
        return gift.points * in_force(self._session, SettlementPolicy).value.fen_per_1000_points

    def gift(self, gift: Gift, offer: Offered | None) -> int:
        """At most: a coupon counts as used for all it is worth; one of unknown worth as nothing."""
        worth_fen = 0 if offer is None else offer.worth_fen or 0
        return self.points(gift) + gift.coupons * worth_fen * 1000
