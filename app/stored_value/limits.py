"""Whether a member may top up so much now, and which offers they may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, Invalid, NotFound
from app.stored_value import coupons, offers
from app.stored_value.offers import Offer
from app.stored_value.policy import StoredValuePolicy


class BalanceLimit(Conflict):
    """The account would hold too much principal. Data: `most_fen`, `held_fen` (with what is being paid just now)."""

    code = "balance_limit"


class TopUpAmount(Invalid):
    """Without an offer only amounts within bounds. Data: `least_fen`, `most_fen`."""

    code = "top_up_amount"


class OfferOutdated(Conflict):
    """The offer has changed or ended, or costs another amount: show the offers anew."""

    code = "offer_outdated"


class OfferUsedUp(Conflict):
    """Only for a first top-up, the member has taken it as often as one may, or its coupons are not to be had."""

    code = "offer_used_up"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What counts against a member's limits: principal with what is being paid just now, and offers taken before."""

    member_id: int
    held_fen: int
    most_fen: int
    top_ups: int
    taken: Mapping[int, int]

    @property
    def room_fen(self) -> int:
        return max(0, self.most_fen - self.held_fen)

    def may_take(self, offer: Offer) -> bool:
        if offer.first_only and self.top_ups:
            return False
        return offer.most_per_member is None or self.taken.get(offer.offer_no, 0) < offer.most_per_member


# Not the member's row: sales of the same member read it while they hold an account, and would wait in a circle.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('top_up:' || :member_id, 0))")
# Shared, so that who takes consent back at this moment does it before or after.
_MEMBER = text(
    "SELECT status, phone_index IS NOT NULL AS has_phone FROM members WHERE id = :member_id FOR SHARE"
)
_HAS_PHONE = text("SELECT phone_index IS NOT NULL FROM members WHERE id = :member_id")
# What nobody will pay or agree to any more does not count.
_COUNTED = """
    SELECT t.* FROM top_ups t LEFT JOIN approval_requests r ON r.id = t.approval_id
    WHERE t.member_id = :member_id AND (t.state IN ('created', 'credited')
        OR (t.state = 'waiting' AND r.state = 'pending' AND r.expires_at > :now))"""
_STANDING = text(f"""
    SELECT count(*) AS top_ups,
        coalesce(sum(c.amount_fen) FILTER (WHERE c.state <> 'credited'), 0)::bigint AS under_way,
        (SELECT coalesce(sum(balance), 0)::bigint FROM ledger_accounts
            WHERE member_id = :member_id AND unit = 'principal_fen') AS principal,
        (SELECT jsonb_object_agg(offer_no, n) FROM (
            SELECT o.offer_no, count(*) AS n FROM ({_COUNTED}) d JOIN top_up_offers o ON o.id = d.offer_id
            GROUP BY o.offer_no) taken) AS taken
    FROM ({_COUNTED}) c""")  # noqa: S608  # constants of our own


def lock(session: Session, member_id: int) -> Any:
    """One top-up of a member at a time; their `status` and whether they `has_phone`. Raises `NotFound`."""
    session.execute(_ONE_AT_A_TIME, {"member_id": str(member_id)})
    found = session.execute(_MEMBER, {"member_id": member_id}).one_or_none()
    if found is None:
        raise NotFound
    return found


def has_phone(session: Session, member_id: int) -> bool:
    """Whether a phone number is bound, for whoever only looks."""
    return bool(session.execute(_HAS_PHONE, {"member_id": member_id}).scalar_one())


def standing(
    session: Session, member_id: int, *, has_phone: bool, policy: StoredValuePolicy, now: datetime
) -> Standing:
    """Where the member stands; whoever acts on it holds the lock."""
    row = session.execute(_STANDING, {"member_id": member_id, "now": now}).one()
    return Standing(
        member_id=member_id,
        held_fen=row.principal + row.under_way,
        most_fen=policy.most_fen(has_phone=has_phone),
        top_ups=row.top_ups,
        taken={int(number): n for number, n in (row.taken or {}).items()},
    )


def check_room(here: Standing, amount_fen: int) -> None:
    """Raises `BalanceLimit`."""
    if amount_fen > here.room_fen:
        raise BalanceLimit(most_fen=here.most_fen, held_fen=here.held_fen)


def check(
    session: Session,
    here: Standing,
    *,
    amount_fen: int,
    offer_id: int | None,
    policy: StoredValuePolicy,
    now: datetime,
) -> Offer | None:
    """The offer that is taken, None without one.

    Raises `BalanceLimit`, `TopUpAmount`, `OfferOutdated`, `OfferUsedUp`.
    """
    offer = None
    if offer_id is None:
        if not policy.least_top_up_fen <= amount_fen <= policy.most_top_up_fen:
            raise TopUpAmount(least_fen=policy.least_top_up_fen, most_fen=policy.most_top_up_fen)
    else:
        offer = offers.that_counts(session, offer_id, now=now)
        if offer is None or offer.pay_fen != amount_fen:
            raise OfferOutdated
        if not here.may_take(offer) or not coupons.to_be_had(session, offer, here.member_id, now=now):
            raise OfferUsedUp
    check_room(here, amount_fen)
    return offer
