"""A member's chances in a lottery: given, used one by one, never more than there are."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import into
from app.engagement.models import ChanceChange
from app.errors import Conflict


class NoChances(Conflict):
    """The member has no chance left in this lottery."""

    code = "no_chances"


_JOIN = text("""
    INSERT INTO activity_members (activity_id, member_id) VALUES (:activity_id, :member_id)
    ON CONFLICT (activity_id, member_id) DO NOTHING""")
_LOCK = text("""
    SELECT chances_given - chances_used AS left FROM activity_members
    WHERE activity_id = :activity_id AND member_id = :member_id FOR UPDATE""")
_GIVE = text("""
    INSERT INTO activity_members (activity_id, member_id, chances_given) VALUES (:activity_id, :member_id, :count)
    ON CONFLICT (activity_id, member_id)
        DO UPDATE SET chances_given = activity_members.chances_given + excluded.chances_given""")
_USE = text("""
    UPDATE activity_members SET chances_used = chances_used + 1
    WHERE activity_id = :activity_id AND member_id = :member_id AND chances_used < chances_given""")
_TAKE = text("""
    UPDATE activity_members SET chances_given = chances_given - :count
    WHERE activity_id = :activity_id AND member_id = :member_id""")


def take_place(session: Session, activity_id: str, member_id: int) -> int:
    """From here on what this member does in the activity waits for us; the chances they have left."""
    values = {"activity_id": activity_id, "member_id": member_id}
    session.execute(_JOIN, values)
    return int(session.execute(_LOCK, values).scalar_one())


def give(session: Session, lottery_id: str, member_id: int, count: int, grant_id: str, now: datetime) -> None:
    session.execute(_GIVE, {"activity_id": lottery_id, "member_id": member_id, "count": count})
    _write(session, lottery_id, member_id, "granted", count, grant_id, now)


def use(session: Session, lottery_id: str, member_id: int, draw_id: str, now: datetime) -> None:
    """Raises `NoChances`."""
    values = {"activity_id": lottery_id, "member_id": member_id}
    if not session.execute(_USE, values).rowcount:  # type: ignore[attr-defined]
        raise NoChances
    _write(session, lottery_id, member_id, "used", -1, draw_id, now)


def take_back(
    session: Session, lottery_id: str, member_id: int, count: int, grant_id: str, now: datetime
) -> int:
    """As many of them as are left; how many."""
    taken = min(count, take_place(session, lottery_id, member_id))
    if taken:
        session.execute(_TAKE, {"activity_id": lottery_id, "member_id": member_id, "count": taken})
        _write(session, lottery_id, member_id, "taken_back", -taken, grant_id, now)
    return taken


def _write(
    session: Session, lottery_id: str, member_id: int, kind: str, change: int, source_id: str, now: datetime
) -> None:
    session.execute(
        into(ChanceChange),
        {
            "lottery_id": lottery_id,
            "member_id": member_id,
            "kind": kind,
            "change": change,
            "source_id": source_id,
            "at": now,
        },
    )
