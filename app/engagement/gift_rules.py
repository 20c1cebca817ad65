"""Which gifts an occasion brings, and which it takes back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.engagement import chances
from app.engagement.activity import Activity, is_for, open_now, participant
from app.engagement.definitions import Definition, FirstOrder, Profile, Welcome
from app.engagement.grant import grant_at_least
from app.engagement.told import Gift, gift_of, give_and_tell, take_back_and_tell
from app.errors import NotFound
from app.points.fitting import StoreFacts

D = TypeVar("D", bound=Definition)


@dataclass(frozen=True, kw_only=True)
class Due:
    """What happened when, to whom; `subject` says which sale."""

    occasion: Literal["joined", "profile", "sale", "refund", "phone"]
    subject: str
    member_id: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Give:
    """Done in a savepoint of its own; comes back with what the message of welcome is to name."""

    activity_id: str
    run: Callable[[Session, datetime], Gift | None]


def give_for(session: Session, due: Due) -> Iterator[Give]:
    """What is to be done, one activity after the other, in the order of their ids."""
    match due.occasion:
        case "joined":
            return _on(session, due, Welcome, _welcome)
        case "profile":
            return _profile(session, due)
        case "sale":
            return _first_order(session, due)
        case "refund":
            return _back(session, due)
        case "phone":  # of referrals only
            return iter(())


def _on(
    session: Session, due: Due, kind: type[D], give: Callable[[Activity, int, Session, datetime], Gift | None]
) -> Iterator[Give]:
    try:
        member = participant(session, due.member_id)
    except NotFound:  # consent was taken back meanwhile
        return
    for activity in open_now(session, kind.kind, due.at):
        if is_for(activity, member, due.at):
            yield Give(activity_id=activity.id, run=partial(give, activity, due.member_id))


def _welcome(activity: Activity, member_id: int, session: Session, now: datetime) -> Gift | None:
    """Told with the welcome."""
    chances.take_place(session, activity.id, member_id)
    [reward] = activity.definition.rewards()
    granted = grant_at_least(
        session, activity, reward, member_id=member_id, source="joined", now=now, silently=True
    )
    return gift_of(session, activity, granted)


def _give(activity: Activity, member_id: int, source: str, session: Session, now: datetime) -> None:
    chances.take_place(session, activity.id, member_id)
    [reward] = activity.definition.rewards()
    give_and_tell(session, activity, reward, member_id=member_id, source=source, now=now)


_TOLD = text("""
    SELECT name <> '' AS name, birthday IS NOT NULL AS birthday, phone_index IS NOT NULL AS phone
    FROM members WHERE id = :member_id""")


def _profile(session: Session, due: Due) -> Iterator[Give]:
    told = session.execute(_TOLD, {"member_id": due.member_id}).one()._mapping
    wanted = {a.id: a.definition for a in open_now(session, "profile", due.at)}
    for give in _on(session, due, Profile, _for_profile):
        what = wanted[give.activity_id]
        assert isinstance(what, Profile)
        if all(told[field] for field in what.fields):
            yield give


def _for_profile(activity: Activity, member_id: int, session: Session, now: datetime) -> None:
    _give(activity, member_id, "profile", session, now)


_SALE = text("""
    SELECT s.id, s.member_id, s.amount_fen, s.occurred_at, s.store_id, t.time_zone FROM sales s
    JOIN stores t ON t.id = s.store_id WHERE s.id = :sale_id""")
# A sale that should not have been recorded is none; what was used of a gift for one is not given again.
_FIRST = text("""
    SELECT NOT EXISTS (SELECT FROM sales e WHERE e.member_id = s.member_id
            AND (e.occurred_at, e.id) < (s.occurred_at, s.id)
            AND NOT EXISTS (SELECT FROM refunds r WHERE r.sale_id = e.id AND r.reason = 'void'))
        AND NOT EXISTS (SELECT FROM activity_grants g WHERE g.activity_id = :activity_id AND g.member_id = s.member_id
            AND (g.taken_back_at IS NULL OR g.coupons_kept + g.chances_kept > 0))
        AND coalesce((SELECT sum(r.amount_fen) FROM refunds r WHERE r.sale_id = s.id), -1) < s.amount_fen
    FROM sales s WHERE s.id = :sale_id""")
_GIVEN_BACK = text("""
    SELECT g.id, g.activity_id, g.member_id FROM activity_grants g JOIN activities a ON a.id = g.activity_id
    WHERE g.member_id = :member_id AND g.taken_back_at IS NULL AND a.kind = 'first_order'
        AND EXISTS (SELECT FROM sales s WHERE 'sale:' || s.id = g.source AND s.amount_fen <= coalesce((
            SELECT sum(r.amount_fen) FROM refunds r WHERE r.sale_id = s.id), -1))
    ORDER BY g.activity_id""")


def _first_order(session: Session, due: Due) -> Iterator[Give]:
    sale = session.execute(_SALE, {"sale_id": due.subject}).one()
    try:
        member = participant(session, due.member_id)
    except NotFound:
        return
    store = StoreFacts(id=sale.store_id, time_zone=sale.time_zone)
    for activity in open_now(session, "first_order", sale.occurred_at):
        what = activity.definition
        assert isinstance(what, FirstOrder)
        if sale.amount_fen >= what.at_least_fen and is_for(activity, member, sale.occurred_at, store):
            yield Give(activity_id=activity.id, run=partial(_give_if_first, activity, sale))


def _give_if_first(activity: Activity, sale: Any, session: Session, now: datetime) -> None:
    # First its place, then the look: whoever takes back for a refund does the same, so one of the two sees the other.
    chances.take_place(session, activity.id, sale.member_id)
    asked = {"sale_id": sale.id, "activity_id": activity.id}
    if session.execute(_FIRST, asked).scalar_one():
        _give(activity, sale.member_id, f"sale:{sale.id}", session, now)


def _back(session: Session, due: Due) -> Iterator[Give]:
    """Gifts for a purchase of which nothing is left."""
    ids = session.execute(_PLACES, {"member_id": due.member_id}).scalars().all()
    for activity_id in ids:
        yield Give(activity_id=activity_id, run=partial(_take_back, activity_id, due.member_id))


_PLACES = text("""
    SELECT m.activity_id FROM activity_members m JOIN activities a ON a.id = m.activity_id
    WHERE m.member_id = :member_id AND a.kind = 'first_order' ORDER BY m.activity_id""")


def _take_back(activity_id: str, member_id: int, session: Session, now: datetime) -> None:
    chances.take_place(session, activity_id, member_id)
    for row in session.execute(_GIVEN_BACK, {"member_id": member_id}).all():
        if row.activity_id == activity_id:
            take_back_and_tell(session, row.id, note="refund", now=now)
