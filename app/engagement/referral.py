"""What a referral brings, and when that is taken back: looked at whenever the newcomer bought, returned or told.

Both rewards in one transaction, once. Locks in the order of the house: the referral, the inviter's place in the
activity, then what is given to the inviter, who was there first, and to the newcomer.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.engagement import chances
from app.engagement.activity import Activity, is_for, one, participant
from app.engagement.definitions import Referral
from app.engagement.gift_rules import Due, Give
from app.engagement.referral_join import Reason
from app.engagement.referral_models import ReferralRow
from app.engagement.told import give_and_tell, take_back_and_tell
from app.errors import NotFound
from app.points.fitting import StoreFacts

#: Of a newcomer's purchases so many are looked at: the first that reach the amount.
MOST_SALES = 100

_OF = text("SELECT id, activity_id FROM referrals WHERE newcomer_id = :newcomer_id AND state <> 'blocked'")
_LOCK = text("SELECT * FROM referrals WHERE id = :id FOR UPDATE")


def referral_for(session: Session, due: Due) -> Iterator[Give]:
    """What is to be done about the referral by which this member came, if any."""
    row = session.execute(_OF, {"newcomer_id": due.member_id}).one_or_none()
    if row is not None and due.occasion != "joined":
        # Each in a savepoint of its own: what is taken back stays so, also when the budget has too little for the next.
        for run in (refuse_phone,) if due.occasion == "phone" else (take_back_undone, settle):
            yield Give(activity_id=row.activity_id, run=partial(run, row.id))


def refuse_phone(referral_id: str, session: Session, _: datetime) -> None:
    """The number that the newcomer wanted to bind belongs to another member, or did: it is the same person."""
    _block(session, referral_id, "same_phone")


def take_back_undone(referral_id: str, session: Session, now: datetime) -> None:
    """Take back what a purchase brought of which too little is left. In the caller's transaction."""
    found = session.execute(_LOCK, {"id": referral_id}).one()
    if found.state == "rewarded" and _undone(session, found):
        _take_back(session, found, now)


def settle(referral_id: str, session: Session, now: datetime) -> None:
    """Reward the first purchase that is large enough. In the caller's transaction. Raises `ActivityUsedUp`."""
    found = session.execute(_LOCK, {"id": referral_id}).one()
    if found.state == "pending" or (found.state == "taken_back" and not _kept(session, found)):
        _reward_if_due(session, found, now)


_LEFT = """s.amount_fen - coalesce((SELECT sum(r.amount_fen) FROM refunds r WHERE r.sale_id = s.id), 0)"""
_UNDONE = text(f"SELECT {_LEFT} < :at_least_fen FROM sales s WHERE s.id = :sale_id")  # noqa: S608
_KEPT = text("""
    SELECT 1 FROM activity_grants WHERE id IN (:inviter, :newcomer) AND coupons_kept + chances_kept > 0 LIMIT 1""")
_SALES = text(f"""
    SELECT s.id, s.occurred_at, s.store_id, s.staff_id, t.time_zone FROM sales s JOIN stores t ON t.id = s.store_id
    WHERE s.member_id = :newcomer_id AND s.occurred_at >= :joined_at AND s.occurred_at < :buy_until
        AND {_LEFT} >= :at_least_fen AND s.id IS DISTINCT FROM :sale_id
        AND NOT EXISTS (SELECT FROM activity_grants g WHERE g.activity_id = :activity_id
            AND g.member_id IN (:inviter_id, :newcomer_id) AND g.source = 'sale:' || s.id
            AND g.taken_back_at IS NOT NULL)
    ORDER BY s.occurred_at, s.id LIMIT :most""")  # noqa: S608  # a constant of our own
_HAS_PHONE = text("SELECT phone_index IS NOT NULL FROM members WHERE id = :id")


def _undone(session: Session, found: Any) -> bool:
    asked = {"sale_id": found.sale_id, "at_least_fen": found.at_least_fen}
    return bool(session.execute(_UNDONE, asked).scalar_one())


def _kept(session: Session, found: Any) -> bool:
    """What was used of a reward is not given again."""
    asked = {"inviter": found.inviter_grant_id, "newcomer": found.newcomer_grant_id}
    return session.execute(_KEPT, asked).one_or_none() is not None


def _take_back(session: Session, found: Any, now: datetime) -> None:
    chances.take_place(session, found.activity_id, found.inviter_id)
    for grant_id in (found.inviter_grant_id, found.newcomer_grant_id):
        if grant_id is not None:
            take_back_and_tell(session, grant_id, note="refund", now=now)
    _change(session, found.id, state="taken_back", taken_back_at=now)


def _reward_if_due(session: Session, found: Any, now: datetime) -> None:
    activity = one(session, found.activity_id)
    terms = activity.definition
    if activity.state != "live" or not isinstance(terms, Referral):
        return
    sale = _sale(session, activity, terms, found)
    if sale is None or (terms.phone_needed and not _has_phone(session, found.newcomer_id)):
        return
    # First the place, then the count: of two newcomers at once one sees the other.
    chances.take_place(session, activity.id, found.inviter_id)
    day = business_date(now, HOME_ZONE)
    look = session.execute(_LOOK, dict(found._mapping) | {"day": day, "clerk": sale.staff_id}).one()
    reason = _reason(look, terms, counted=found.nth is not None)
    if reason is not None:
        _block(session, found.id, reason)
    else:
        _reward(session, activity, terms, found, sale.id, _place(found, look, terms, now), now)


def _sale(session: Session, activity: Activity, terms: Referral, found: Any) -> Any:
    """The newcomer's first purchase that counts, None if there is none yet."""
    try:
        member = participant(session, found.newcomer_id)
    except NotFound:  # consent was taken back meanwhile
        return None
    asked = {
        "newcomer_id": found.newcomer_id,
        "joined_at": found.joined_at,
        "buy_until": found.buy_until,
        "at_least_fen": terms.at_least_fen,
        # None that brought it before too little was left, whatever is asked for now: not given twice for one.
        "sale_id": found.sale_id,
        "activity_id": activity.id,
        "inviter_id": found.inviter_id,
        "most": MOST_SALES,
    }
    for sale in session.execute(_SALES, asked):
        store = StoreFacts(id=sale.store_id, time_zone=sale.time_zone)
        if is_for(activity, member, sale.occurred_at, store):
            return sale
    return None


def _has_phone(session: Session, member_id: int) -> bool:
    return bool(session.execute(_HAS_PHONE, {"id": member_id}).scalar_one())


_LOOK = text("""
    SELECT m.status <> 'active' AS inactive,
        EXISTS (SELECT FROM staff_memberships l JOIN staff p ON p.id = l.staff_id
            WHERE l.member_id IN (:inviter_id, :newcomer_id)
                AND (p.status = 'active' OR p.id = CAST(:clerk AS bigint))) AS staff,
        c.counted, c.counted_today
    FROM members m CROSS JOIN LATERAL (
        SELECT count(*) AS counted, count(*) FILTER (WHERE r.counted_on = :day) AS counted_today
        FROM referrals r WHERE r.activity_id = :activity_id AND r.inviter_id = m.id AND r.nth IS NOT NULL) c
    WHERE m.id = :inviter_id""")


def _reason(look: Any, terms: Referral, *, counted: bool) -> Reason | None:
    if look.inactive:
        return "inviter_inactive"
    if look.staff:
        return "staff"
    if counted:
        return None
    if look.counted >= terms.most:
        return "cap"
    return "day_cap" if look.counted_today >= terms.most_a_day else None


def _place(found: Any, look: Any, terms: Referral, now: datetime) -> dict[str, Any]:
    """As which of the inviter's referrals it counts; once for good."""
    if found.nth is not None:
        return {}
    return {
        "counted_on": business_date(now, HOME_ZONE),
        "nth": look.counted + 1,
        "most": terms.most,
        "nth_of_day": look.counted_today + 1,
        "most_a_day": terms.most_a_day,
    }


def _reward(
    session: Session,
    activity: Activity,
    terms: Referral,
    found: Any,
    sale_id: str,
    place: dict[str, Any],
    now: datetime,
) -> None:
    grants = [
        give_and_tell(session, activity, reward, member_id=member_id, source=f"sale:{sale_id}", now=now)
        for reward, member_id in ((terms.inviter, found.inviter_id), (terms.newcomer, found.newcomer_id))
    ]
    _change(
        session,
        found.id,
        state="rewarded",
        sale_id=sale_id,
        at_least_fen=terms.at_least_fen,
        rewarded_at=now,
        inviter_grant_id=grants[0].grant_id,
        newcomer_grant_id=grants[1].grant_id,
        taken_back_at=None,
        **place,
    )


def _block(session: Session, referral_id: str, reason: Reason) -> None:
    """For good. One that had been rewarded and taken back stays so: it is in the books."""
    session.execute(
        update(ReferralRow)
        .where(ReferralRow.id == referral_id, ReferralRow.state == "pending")
        .values(state="blocked", reason=reason)
    )


def _change(session: Session, referral_id: str, **values: Any) -> None:
    session.execute(update(ReferralRow).where(ReferralRow.id == referral_id).values(**values))
