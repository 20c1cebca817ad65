"""A login that came by an invite: who invited the new member is written down with the member, and never changed.

A code that leads nowhere keeps nobody from joining; the answer tells.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import into
from app.engagement.activity import Activity, open_now
from app.engagement.definitions import Referral
from app.engagement.referral_models import ReferralRow
from app.identity.login import Arrival
from app.ids import new_id
from app.pruning import always, forget

#: Noted, but it will bring nothing; no such invite; nothing is on; the member was one before.
Outcome = Literal["noted", "not_counted", "unknown", "closed", "member"]
#: Why a referral brings nothing.
Reason = Literal[
    "self", "staff", "same_person", "same_device", "same_phone", "inviter_inactive", "cap", "day_cap"
]
#: As many devices are kept of a member, and as long.
MOST_DEVICES = 5
KEEP_DEVICES = timedelta(days=180)


def arrived(
    session: Session,
    member_id: int,
    arrival: Arrival,
    *,
    invite: str | None,
    device: bytes | None,
    now: datetime,
) -> Outcome | None:
    """In the transaction of a login: note the device, and of a new member who invited them. None without an invite."""
    outcome = None if invite is None else _invited(session, member_id, arrival, invite, device, now)
    if device is not None:
        values = {"member_id": member_id, "device": device, "now": now, "others": MOST_DEVICES - 1}
        session.execute(_NOTE_DEVICE, values)
    return outcome


_NOTE_DEVICE = text("""
    WITH seen AS (
        INSERT INTO member_devices (member_id, device, seen_at) VALUES (:member_id, :device, :now)
        ON CONFLICT (member_id, device) DO UPDATE SET seen_at = excluded.seen_at)
    DELETE FROM member_devices WHERE member_id = :member_id AND device <> :device AND device NOT IN (
        SELECT device FROM member_devices WHERE member_id = :member_id AND device <> :device
        ORDER BY seen_at DESC LIMIT :others)""")
_INVITER = text("""
    SELECT m.id FROM invite_codes c JOIN members m ON m.id = c.member_id
    WHERE c.code = :code AND m.status = 'active'""")
_FORMER = text("SELECT state FROM referrals WHERE newcomer_id = :member_id")
_LOOK = text("""
    SELECT EXISTS (SELECT FROM staff_memberships l JOIN staff p ON p.id = l.staff_id
            WHERE l.member_id = :inviter_id AND p.status = 'active') AS staff,
        EXISTS (SELECT FROM member_identities i JOIN member_identities o ON o.union_subject = i.union_subject
            WHERE i.member_id = :member_id AND o.member_id = :inviter_id) AS oneself,
        EXISTS (SELECT FROM member_identities i JOIN member_identities o ON o.union_subject = i.union_subject
            WHERE i.member_id = :member_id AND o.member_id <> :member_id) AS same_person,
        EXISTS (SELECT FROM member_devices d
            WHERE d.device = :device AND d.member_id <> :member_id) AS same_device,
        (SELECT count(*) FROM referrals r WHERE r.activity_id = :activity_id AND r.inviter_id = :inviter_id
            AND r.nth IS NOT NULL) AS counted""")


def _invited(
    session: Session, member_id: int, arrival: Arrival, invite: str, device: bytes | None, now: datetime
) -> Outcome:
    if arrival == "member":
        return "member"
    former = session.execute(_FORMER, {"member_id": member_id}).scalar()
    if former is not None:
        return "not_counted" if former == "blocked" else "noted"
    inviter_id = session.execute(_INVITER, {"code": invite.strip().upper()}).scalar()
    if inviter_id is None:
        return "unknown"
    activities = open_now(session, "referral", now, limit=1)
    if not activities or arrival == "joined":
        return "closed"
    return _write(session, activities[0], inviter_id, member_id, device, now)


def _write(
    session: Session,
    activity: Activity,
    inviter_id: int,
    member_id: int,
    device: bytes | None,
    now: datetime,
) -> Outcome:
    terms = activity.definition
    assert isinstance(terms, Referral)
    asked = {
        "activity_id": activity.id,
        "inviter_id": inviter_id,
        "member_id": member_id,
        "device": device,
    }
    reason = _reason(session.execute(_LOOK, asked).one(), terms)
    session.execute(
        into(ReferralRow),
        {
            "id": new_id(now),
            "activity_id": activity.id,
            "inviter_id": inviter_id,
            "newcomer_id": member_id,
            "joined_at": now,
            "buy_until": now + timedelta(days=terms.window_days),
            "state": "blocked" if reason else "pending",
            "reason": reason,
        },
    )
    return "not_counted" if reason else "noted"


def _reason(seen: Any, terms: Referral) -> Reason | None:
    """What is known already; the rest is looked at when something is bought (app/engagement/referral.py)."""
    if seen.oneself:
        return "self"
    if seen.staff:
        return "staff"
    if seen.same_person:
        return "same_person"
    if seen.same_device:
        return "same_device"
    return "cap" if seen.counted >= terms.most else None


def prune_devices(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget devices last seen before `before`; how many."""
    return forget("member_devices", "seen_at", before=before, keep_going=keep_going)
