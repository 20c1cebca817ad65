"""How generous an item is: what it is worth beyond its price, and whether one person may give that alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import policies
from app.approvals.second_person import Exceeded
from app.coupons.face import face_of
from app.coupons.give_each import worth_fen
from app.engagement.policy import ActivityPolicy
from app.engagement.rewards.reward import Place, Reward
from app.settlement.policy import SettlementPolicy

_FACE = text("""
    SELECT f.face FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    WHERE t.id = :id""")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What one is worth (None: nobody has said), the least that is paid for it, and how many there are (None: any)."""

    worth_fen: int | None
    paid_fen: int
    count: int | None

    @property
    def gift_fen(self) -> int | None:
        return None if self.worth_fen is None else max(0, self.worth_fen - self.paid_fen)

    @property
    def total_fen(self) -> int | None:
        """Of all there are; None: nobody can say."""
        if self.gift_fen is None or self.count is None:
            return 0 if self.gift_fen == 0 else None
        return self.gift_fen * self.count

    def gives_no_more_than(self, former: "Offer") -> bool:
        dearer = self.worth_fen != former.worth_fen and (
            self.worth_fen is None or former.worth_fen is None or self.worth_fen > former.worth_fen
        )
        more = former.count is not None and (self.count is None or self.count > former.count)
        return not dearer and not more and self.paid_fen >= former.paid_fen


def offer(session: Session, reward: Reward, places: Sequence[Place]) -> Offer:
    """A point is reckoned with as between stores (policy `settlement`)."""
    rate = policies.in_force(session, SettlementPolicy).value.fen_per_1000_points
    paid = min(
        price.cash_fen + price.points * rate // 1000 for price in (reward.price, *reward.tier_prices.values())
    )
    counts = [place.stock for place in places if place.offered]
    known = [count for count in counts if count is not None]
    return Offer(
        worth_fen=_worth(session, reward),
        paid_fen=paid,
        count=sum(known) if len(known) == len(counts) else None,
    )


def exceeded(session: Session, wanted: Offer) -> tuple[Exceeded, ...]:
    """The limits that keep one person from putting it into the mall alone."""
    policy = policies.in_force(session, ActivityPolicy).value
    why = []
    if wanted.gift_fen is None or wanted.gift_fen > policy.alone_item_fen:
        why.append(_beyond("alone_item_fen", policy.alone_item_fen))
    if wanted.total_fen is None or wanted.total_fen > policy.alone_items_fen:
        why.append(_beyond("alone_items_fen", policy.alone_items_fen))
    return tuple(why)


def _beyond(field: str, limit: int) -> Exceeded:
    return Exceeded(policy=ActivityPolicy.NAME, field=field, limit=limit)


def _worth(session: Session, reward: Reward) -> int | None:
    """A coupon is worth what it promises, whatever else is said of it; of one that promises without end, or nothing
    that has a price, nobody can say."""
    if reward.kind != "coupon":
        return reward.cost_fen
    promised = worth_fen(face_of(session.execute(_FACE, {"id": reward.gives_id}).scalar_one()))
    return None if promised is None else max(promised, reward.cost_fen or 0)
