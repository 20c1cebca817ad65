"""What people are shown before they top up: the offers, the bounds, and what this member may take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app import policies
from app.db import transaction
from app.stored_value import limits, offers
from app.stored_value.offers import Offer
from app.stored_value.policy import StoredValuePolicy


@dataclass(frozen=True, kw_only=True)
class ShownOffer:
    """`available` False: this member may not take it; who asks for nobody in particular sees all as available."""

    offer: Offer
    available: bool


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Without an offer any amount within the bounds; `room_fen` is what the account may still take (None: nobody's).

    `more` offers follow behind the last of these.
    """

    least_fen: int
    most_fen: int
    room_fen: int | None
    offers: Sequence[ShownOffer]
    more: bool


def shown_offers(
    *, now: datetime, limit: int, after: tuple[int, int] | None = None, member_id: int | None = None
) -> Shown:
    """What is offered at that instant, to the member if one is given: up to `limit` behind `after` (`pay_fen` and
    `offer_no` of the last one before). Changes nothing and waits for nobody."""
    with transaction() as session:
        policy = policies.in_force(session, StoredValuePolicy).value
        found = offers.in_force(session, now=now, limit=limit + 1, after=after)
        more, found = len(found) > limit, found[:limit]
        if member_id is None:
            told = [ShownOffer(offer=offer, available=True) for offer in found]
            return _shown(policy, None, told, more=more)
        has_phone = limits.has_phone(session, member_id)
        here = limits.standing(session, member_id, has_phone=has_phone, policy=policy, now=now)
        told = [ShownOffer(offer=offer, available=_fits(here, offer)) for offer in found]
        return _shown(policy, here.room_fen, told, more=more)


def _fits(here: limits.Standing, offer: Offer) -> bool:
    return here.may_take(offer) and offer.pay_fen <= here.room_fen


def _shown(
    policy: StoredValuePolicy, room_fen: int | None, told: Sequence[ShownOffer], *, more: bool
) -> Shown:
    return Shown(
        least_fen=policy.least_top_up_fen,
        most_fen=policy.most_top_up_fen,
        room_fen=room_fen,
        offers=told,
        more=more,
    )
