"""What an item gives, by its kind. A new kind is a class with these moves, and a line in `KINDS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coupons.issue import Source, issue
from app.coupons.models import CouponTemplate
from app.coupons.take_back import take_back
from app.engagement.rewards.reward import Reward, RewardMalformed


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """For whom and for which order something is given, or taken back by `staff_id` (None: not by staff)."""

    order_id: str
    member_id: int
    gives_id: str | None
    now: datetime
    staff_id: int | None = None


class Gives(Protocol):
    #: Given with the exchange; otherwise it waits in a store until it is handed over.
    at_once: ClassVar[bool]

    def check(self, session: Session, reward: Reward) -> None:
        """Whether an item may say so. Raises `RewardMalformed`."""

    def give(self, session: Session, exchange: Exchange) -> None:
        """What the member gets at once, in the exchange's transaction."""

    def take_back(self, session: Session, exchange: Exchange) -> bool:
        """Undo it; False if it was used already."""


class Goods:
    """Something on a shelf: nothing moves before it is handed over."""

    at_once: ClassVar[bool] = False

    def check(self, session: Session, reward: Reward) -> None:
        if reward.gives_id is not None:
            raise RewardMalformed(reason="gives_id: goods give nothing but themselves")

    def give(self, session: Session, exchange: Exchange) -> None:
        pass

    def take_back(self, session: Session, exchange: Exchange) -> bool:
        return True


class OneCoupon:
    """A coupon of the template `gives_id`."""

    at_once: ClassVar[bool] = True

    def check(self, session: Session, reward: Reward) -> None:
        known = session.execute(
            select(CouponTemplate.id).where(CouponTemplate.id == reward.gives_id)
        ).one_or_none()
        if known is None:
            raise RewardMalformed(reason="gives_id: no such template of coupons")

    def give(self, session: Session, exchange: Exchange) -> None:
        assert exchange.gives_id is not None
        issue(
            session,
            template_id=exchange.gives_id,
            member_id=exchange.member_id,
            source=_source(exchange),
            now=exchange.now,
        )

    def take_back(self, session: Session, exchange: Exchange) -> bool:
        return take_back(
            session,
            source=_source(exchange),
            member_id=exchange.member_id,
            note="exchange cancelled",
            staff_id=exchange.staff_id,
            now=exchange.now,
        )


def _source(exchange: Exchange) -> Source:
    return Source(kind="reward", id=exchange.order_id)


KINDS: Mapping[str, Gives] = {"goods": Goods(), "coupon": OneCoupon()}
