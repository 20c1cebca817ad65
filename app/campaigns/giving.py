"""What a batch of a campaign gives and costs: who can be given it and paid for, and then, in the same transaction, that
they were.

Nobody is told of what they do not get: first it is looked whether there is enough, then messages are planned for those,
and last everything is given and charged to exactly who was told. Where somebody took the last of it in between, a guard
in SQL refuses, the batch is undone whole (`Busy`) and tried anew with what is left. Locks are taken in the order of an
activity's grants: coupons with their stock, accounts, and last the budget, for which all its workers wait.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.campaigns.agreed import bound_of
from app.campaigns.gift import Prices, gift_of, offer_of, words_for
from app.campaigns.models import Campaign
from app.campaigns.wording import with_gift
from app.clock import HOME_ZONE, business_date
from app.coupons.give_each import fitting, give_each
from app.db import Busy
from app.ledger.post import Cause
from app.messages.policy import MessagePolicy
from app.points.give_each import give_each as give_points

#: What its coupons come from.
SOURCE = "campaign"

_GIVEN = text("""
    UPDATE campaign_members SET given = true, gift_cost = :cost
    WHERE campaign_id = :id AND member_id = ANY(CAST(:member_ids AS bigint[])) AND NOT given""")
_CHARGE = text("""
    UPDATE campaigns SET spent = spent + :cost
    WHERE id = :id AND (CAST(:most AS bigint) IS NULL OR spent + :cost <= :most)""")


class Giving:
    """For one batch. `had`: who has the gift already, because a message to them was called back."""

    def __init__(
        self, session: Session, campaign: Campaign, policy: MessagePolicy, had: frozenset[int], now: datetime
    ) -> None:
        self._session, self._id, self._had, self._now = session, campaign.id, had, now
        self._gift = gift_of(campaign.gift)
        self._offer = offer_of(session, self._gift, now)
        self._prices = Prices(session, policy)
        self._gift_cost = self._prices.gift(self._gift, self._offer)
        bound = bound_of(session, campaign)
        self._why, self._most = bound.why, None if bound.fen is None else bound.fen * 1000
        self._budget = None if self._most is None else self._most - campaign.spent
        self._stock = None if self._offer is None else self._offer.left
        self._last_nth: dict[int, int] = {}
        self._new: list[int] = []
        self._spent = 0
        self.content = with_gift(campaign.content, words_for(self._gift, self._offer))

    def price(self, channel: str) -> int:
        """Of a message, in thousandths of a fen."""
        return self._prices.message(channel)

    def is_free(self, channel: str) -> bool:
        """Nothing is given and nothing costs: there is nobody who could not be told for that."""
        return self._gift.is_nothing and (self._budget is None or self.price(channel) == 0)

    def share_out(self, channel: str, member_ids: Sequence[int]) -> dict[int, str]:
        """Of whom could be told, in that order, those for whom there is not enough, and of what."""
        refused = self._without_coupon(member_ids)
        budget, stock = self._budget, self._stock
        for member_id in member_ids:
            if member_id in refused:
                continue
            cost, coupons = self._costs(channel, member_id)
            if stock is not None and coupons > stock:
                refused[member_id] = "used_up"
            elif budget is not None and cost > budget:
                refused[member_id] = self._why
            else:
                stock = None if stock is None else stock - coupons
                budget = None if budget is None else budget - cost
        return refused

    def could_be(self, channel: str, member_ids: Sequence[int]) -> dict[int, str]:
        """The same of those held out, each as if alone: they take nothing away."""
        refused = self._without_coupon(member_ids)
        for member_id in member_ids:
            cost, coupons = self._costs(channel, member_id)
            if member_id not in refused and self._stock is not None and coupons > self._stock:
                refused[member_id] = "used_up"
            elif member_id not in refused and self._budget is not None and cost > self._budget:
                refused[member_id] = self._why
        return refused

    def told(self, channel: str, member_ids: Sequence[int]) -> None:
        """These were told by it, of those for whom there was enough: it is theirs, and no longer there for others."""
        for member_id in member_ids:
            cost, coupons = self._costs(channel, member_id)
            self._spent += cost
            self._stock = None if self._stock is None else self._stock - coupons
            self._budget = None if self._budget is None else self._budget - cost
            if not self._gift.is_nothing and member_id not in self._had:
                self._new.append(member_id)

    def settle(self) -> None:
        """Give it to all who were told, and charge it, in some statements. Raises `Busy`."""
        if self._new:
            self._give(sorted(self._new))
        if self._spent:
            values = {"id": self._id, "cost": self._spent, "most": self._most}
            charged = self._session.execute(_CHARGE, values)
            if not charged.rowcount:  # type: ignore[attr-defined]
                raise Busy(retry_after_s=1)

    def _without_coupon(self, member_ids: Sequence[int]) -> dict[int, str]:
        """Who may not have the coupon, for reasons of the template or of their own, or because it fits no budget."""
        asked = [one for one in member_ids if one not in self._had]
        if self._offer is None or not asked:
            return {}
        # The template was changed since it was agreed to: what one costs at most nobody can say any more.
        if self._budget is not None and self._offer.worth_fen is None:
            return dict.fromkeys(asked, self._why)
        found = fitting(self._session, self._offer, asked, self._gift.coupons, now=self._now)
        self._last_nth |= found.last_nth
        return {member_id: str(reason) for member_id, reason in found.refused.items()}

    def _costs(self, channel: str, member_id: int) -> tuple[int, int]:
        """In thousandths of a fen, and in coupons."""
        if member_id in self._had:
            return self.price(channel), 0
        return self.price(channel) + self._gift_cost, self._gift.coupons

    def _give(self, member_ids: Sequence[int]) -> None:
        if self._offer is not None:
            give_each(
                self._session,
                self._offer,
                {member_id: self._last_nth[member_id] for member_id in member_ids},
                self._gift.coupons,
                source=SOURCE,
                source_id=self._id,
                now=self._now,
            )
        if self._gift.points:
            cause = Cause(
                kind="campaign",
                source_type="campaign",
                source_id=self._id,
                occurred_at=self._now,
                business_date=business_date(self._now, HOME_ZONE),
            )
            give_points(
                self._session,
                self._gift.points,
                lifetime_days=self._gift.lifetime_days,
                cause=cause,
                members={f"{self._id}:{one}": one for one in member_ids},
            )
        given = {"id": self._id, "member_ids": list(member_ids), "cost": self._gift_cost}
        self._session.execute(_GIVEN, given)
