"""Giving the members of a grant theirs, one transaction each: by who asked, or by the worker if they were cut off."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coupons.issue import Source, issue
from app.coupons.remainder import Remainder
from app.db import Busy, reading, transaction
from app.errors import DomainError, NotFound, Unavailable
from app.members.hold import hold
from app.pruning import always

log = logging.getLogger(__name__)

SOURCE = "grant"
#: Whoever is at it has so long before somebody else looks.
_AT_IT = timedelta(minutes=1)
_BATCH = 5
_TRIES = 2

_LEFT = text("""
    SELECT m.place FROM coupon_grant_members m JOIN coupon_grants g ON g.id = m.grant_id AND g.state = 'open'
    WHERE m.grant_id = :id AND m.state = 'left' ORDER BY m.place""")
# Who is being given theirs by somebody else at this moment is left to them.
_ONE = text("""
    SELECT g.id, g.template_id, g.count, g.requested_by, m.member_id, m.uses, m.valid_through
    FROM coupon_grant_members m JOIN coupon_grants g ON g.id = m.grant_id
    WHERE m.grant_id = :id AND m.place = :place AND m.state = 'left' FOR UPDATE OF m SKIP LOCKED""")
_DECIDED = text("""
    UPDATE coupon_grant_members SET state = :state, refusal = :refusal
    WHERE grant_id = :id AND place = :place AND state = 'left'""")
_AT = text("UPDATE coupon_grants SET tried_at = :now WHERE id = :id AND state = 'open'")
_DONE = text("""
    UPDATE coupon_grants SET state = 'done' WHERE id = :id AND state = 'open'
        AND NOT EXISTS (SELECT FROM coupon_grant_members m WHERE m.grant_id = :id AND m.state = 'left')""")
_TAKE = text("""
    UPDATE coupon_grants SET tried_at = :now WHERE id IN (
        SELECT id FROM coupon_grants WHERE state = 'open' AND (tried_at IS NULL OR tried_at <= :before)
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id""")


def run(grant_id: str, *, now: datetime, keep_going: Callable[[], bool] = always) -> None:
    """Give what is left of an open grant. Safe twice, late, and beside others; who is busy stays left."""
    with transaction() as session:
        session.execute(_AT, {"id": grant_id, "now": now})
    with reading() as connection:
        places = [row.place for row in connection.execute(_LEFT, {"id": grant_id})]
    for place in places:
        if not keep_going():
            return
        _give(grant_id, place, now)
    with transaction() as session:
        session.execute(_DONE, {"id": grant_id})


def sweep(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Go on with what a second person has agreed to, and with what was cut off; how many grants were looked at."""
    with transaction() as session:
        taken = session.execute(_TAKE, {"now": now, "before": now - _AT_IT, "limit": _BATCH}).all()
    for row in taken:
        run(row.id, now=now, keep_going=keep_going)
    return len(taken)


def _give(grant_id: str, place: int, now: datetime) -> None:
    """The coupons and that they were given, or nothing and why. Nobody else's are touched by either."""
    for _ in range(_TRIES):
        if _tried(grant_id, place, now):
            return
    log.warning("coupon grant %s: place %s is left", grant_id, place)


def _tried(grant_id: str, place: int, now: datetime) -> bool:
    """False when the member or the database was busy: it may be tried again."""
    this = {"id": grant_id, "place": place}
    try:
        with transaction() as session:
            row = session.execute(_ONE, this).one_or_none()
            if row is not None:
                _issue(session, row, now)
                session.execute(_DECIDED, {**this, "state": "issued", "refusal": None})
    except (Busy, Unavailable):
        return False
    except DomainError as error:
        with transaction() as session:
            session.execute(_DECIDED, {**this, "state": "refused", "refusal": error.code})
    return True


def _issue(session: Session, row: Any, now: datetime) -> None:
    """Raises as `issue`, and `NotFound` for whoever is no active member."""
    if hold(session, row.member_id) != "active":
        raise NotFound
    issue(
        session,
        template_id=row.template_id,
        member_id=row.member_id,
        count=row.count,
        source=Source(kind=SOURCE, id=row.id),
        granted_by=row.requested_by,
        left=Remainder(uses=row.uses, valid_through=row.valid_through),
        now=now,
    )
