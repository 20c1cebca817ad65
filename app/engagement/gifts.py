"""Gifts for joining, for the first purchase and for a whole profile: noted when it happens, given a moment later.

Noted by the relay of facts, given apart, each in a transaction of its own: a posting locks the member's account, and a
batch of facts would hold the accounts of many members at once.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from itertools import chain

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.engagement.activity import ActivityUsedUp
from app.engagement.change import stop_used_up
from app.engagement.gift_rules import Due, give_for
from app.engagement.referral import referral_for
from app.engagement.told import Gift, tell_welcome
from app.facts.models import Fact
from app.pruning import always

log = logging.getLogger(__name__)

BATCH = 100
_FIRST_REST_S, _LONGEST_REST_S = 5, 3600
#: Kind of fact → what it may be an occasion of.
OCCASIONS = {
    "member_joined": "joined",
    "profile_changed": "profile",
    "sale_completed": "sale",
    "sale_refunded": "refund",
    "phone_in_use": "phone",
}

# Who joins is welcomed, also where it brings nothing. A sale is noted only if it may be the first, a refund only if
# there is something to take back: most are neither.
_NOTE = text("""
    INSERT INTO gifts_due (occasion, subject, member_id, at, next_at)
    SELECT d.occasion, d.subject, d.member_id, d.at, d.at
    FROM (SELECT CAST(:occasion AS varchar) AS occasion, CAST(:subject AS varchar) AS subject,
        CAST(:member_id AS bigint) AS member_id, CAST(:at AS timestamptz) AS at) d
    WHERE CASE d.occasion
        WHEN 'joined' THEN true
        WHEN 'profile' THEN EXISTS (SELECT FROM activities WHERE kind = 'profile' AND state = 'live')
        WHEN 'sale' THEN EXISTS (SELECT FROM activities WHERE kind = 'first_order' AND state = 'live')
            AND NOT EXISTS (SELECT FROM sales e JOIN sales s ON s.id = d.subject WHERE e.member_id = d.member_id
                AND (e.occurred_at, e.id) < (s.occurred_at, s.id)
                AND NOT EXISTS (SELECT FROM refunds r WHERE r.sale_id = e.id AND r.reason = 'void'))
        WHEN 'refund' THEN EXISTS (SELECT FROM activity_members m JOIN activities a ON a.id = m.activity_id
            WHERE m.member_id = d.member_id AND a.kind = 'first_order')
        ELSE false END
        OR (d.occasion <> 'joined' AND EXISTS (SELECT FROM referrals r WHERE r.newcomer_id = d.member_id
            AND (r.state IN ('pending', 'taken_back') OR (d.occasion = 'refund' AND r.state = 'rewarded'))))
    ON CONFLICT (occasion, subject) DO NOTHING""")


def note(session: Session, fact: Fact) -> None:
    """Joining, and a fact for which there may be a gift, or that takes one back; nothing if no activity cares."""
    if fact.member_id is None:
        return
    values = {
        "occasion": OCCASIONS[fact.kind],
        # Of a refund and of a change the fact itself: the same sale and the same member come back.
        "subject": fact.subject if fact.kind in ("member_joined", "sale_completed") else f"fact:{fact.id}",
        "member_id": fact.member_id,
        "at": fact.created_at,
    }
    session.execute(_NOTE, values)


_WAITING = text("""
    SELECT id FROM gifts_due WHERE next_at <= :now ORDER BY next_at, id LIMIT :limit""")
_TAKE = text("""
    SELECT id, occasion, subject, member_id, at FROM gifts_due
    WHERE id = :id FOR UPDATE SKIP LOCKED""")
_DONE = text("DELETE FROM gifts_due WHERE id = :id")
_REST = text("""
    UPDATE gifts_due SET failures = failures + 1, next_at = CAST(:now AS timestamptz)
        + least(:longest, :first * power(2, least(failures, 16))) * interval '1 second' WHERE id = :id""")


def give_due(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Look at what is due, in its order; how many. One that fails rests, and keeps no other from its turn."""
    with reading() as connection:
        waiting = connection.execute(_WAITING, {"now": now, "limit": BATCH}).scalars().all()
    done = 0
    for due_id in waiting:
        if not keep_going():
            break
        try:
            done += _give(due_id, now)
        except Exception:
            log.exception("gift %d could not be given", due_id)
            with transaction() as session:
                rest = {"longest": _LONGEST_REST_S, "first": _FIRST_REST_S}
                session.execute(_REST, {"id": due_id, "now": now} | rest)
    return done


def _give(due_id: int, now: datetime) -> bool:
    """False when another worker has it."""
    used_up: list[str] = []
    welcome: list[Gift] = []
    with transaction() as session:
        row = session.execute(_TAKE, {"id": due_id}).one_or_none()
        if row is None:
            return False
        due = Due(occasion=row.occasion, subject=row.subject, member_id=row.member_id, at=row.at)
        # Referrals last: what they lock is also other members'.
        for give in chain(give_for(session, due), referral_for(session, due)):
            try:
                with session.begin_nested():
                    gift = give.run(session, now)
            except ActivityUsedUp:
                used_up.append(give.activity_id)
            else:
                welcome += [gift] if gift else []
        if due.occasion == "joined":
            tell_welcome(session, due.member_id, due.subject, welcome, now=now)
        session.execute(_DONE, {"id": due_id})
    for activity_id in used_up:
        # By itself: it changes a row that everybody who takes part has their eye on.
        with transaction() as session:
            stop_used_up(session, activity_id, now=now)
    return True
