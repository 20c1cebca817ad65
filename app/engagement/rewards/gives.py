"""What an item gives, by its kind. A new kind is a class with these moves, and a line in `KINDS`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.coupons.issue import Source, issue
from app.coupons.models import CouponTemplate
from app.coupons.obtainable import Obtainable, obtainable
from app.coupons.take_back import take_back
from app.coupons.void import EXCHANGE_CANCELLED
from app.engagement import chances
from app.engagement.activity import Activity, ActivityNotOpen, one, these
from app.engagement.models import ActivityRow
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

    def obtainable(
        self, connection: Connection, gives_ids: Collection[str], member_id: int, now: datetime
    ) -> Mapping[str, Obtainable]:
        """What of each could be given to the member now, beside the item's own stock and limits; one statement."""

    def take_place(self, session: Session, exchange: Exchange) -> None:
        """Locks that come before the member's accounts, in the order of the house."""

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

    def obtainable(
        self, connection: Connection, gives_ids: Collection[str], member_id: int, now: datetime
    ) -> Mapping[str, Obtainable]:
        return {}

    def take_place(self, session: Session, exchange: Exchange) -> None:
        pass

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

    def obtainable(
        self, connection: Connection, gives_ids: Collection[str], member_id: int, now: datetime
    ) -> Mapping[str, Obtainable]:
        return obtainable(connection, gives_ids, member_id=member_id, now=now)

    def take_place(self, session: Session, exchange: Exchange) -> None:
        pass

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
            note=EXCHANGE_CANCELLED,
            staff_id=exchange.staff_id,
            now=exchange.now,
        )


def _source(exchange: Exchange) -> Source:
    return Source(kind="reward", id=exchange.order_id)


class OneChance:
    """A chance in the lottery `gives_id`; a draw uses it up."""

    at_once: ClassVar[bool] = True

    def check(self, session: Session, reward: Reward) -> None:
        wanted = select(ActivityRow.id).where(
            ActivityRow.id == reward.gives_id, ActivityRow.kind == "lottery"
        )
        if session.execute(wanted).one_or_none() is None:
            raise RewardMalformed(reason="gives_id: no such lottery")

    def obtainable(
        self, connection: Connection, gives_ids: Collection[str], member_id: int, now: datetime
    ) -> Mapping[str, Obtainable]:
        return {found.id: _chance(found, now) for found in these(connection, gives_ids)}

    def take_place(self, session: Session, exchange: Exchange) -> None:
        chances.take_place(session, _lottery(exchange), exchange.member_id)

    def give(self, session: Session, exchange: Exchange) -> None:
        """Raises `ActivityNotOpen` for a lottery in which it would be worth nothing."""
        lottery = _lottery(exchange)
        if not one(session, lottery).is_open(exchange.now):
            raise ActivityNotOpen
        chances.give(session, lottery, exchange.member_id, 1, exchange.order_id, exchange.now)

    def take_back(self, session: Session, exchange: Exchange) -> bool:
        lottery = _lottery(exchange)
        if not chances.take_place(session, lottery, exchange.member_id):
            return False
        chances.take_back(session, lottery, exchange.member_id, 1, exchange.order_id, exchange.now)
        return True


def _chance(lottery: Activity, now: datetime) -> Obtainable:
    begun = lottery.state != "draft" and (lottery.state != "live" or lottery.starts_at <= now)
    closed: Literal["not_yet", "over"] | None = "over" if begun else "not_yet"
    return Obtainable(closed=None if lottery.is_open(now) else closed, left=None, more=None)


def _lottery(exchange: Exchange) -> str:
    assert exchange.gives_id is not None
    return exchange.gives_id


KINDS: Mapping[str, Gives] = {"goods": Goods(), "coupon": OneCoupon(), "chance": OneChance()}
