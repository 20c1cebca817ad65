"""Credits of consent: one accepted request allows one subscribe message of that template (reference B5).

WeChat's pushed events are the authority, because nobody can forge them (pushed.py); without them the phone's word is
(subscriptions.py). A refusal at sending (43101) sets the count right. Every change is a row that names its source, so
that what is told twice counts once.
"""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db import into
from app.messages.models import SubscriptionAnswer, SubscriptionChange, SubscriptionCredit

# One of a long-term template is used up by nothing but the member's own refusal.
_TAKE = text("""
    UPDATE subscription_credits c SET credits = c.credits - x.used
    FROM (SELECT CASE WHEN EXISTS (SELECT FROM subscribe_templates t
        WHERE t.template_id = :template_id AND t.long_term) THEN 0 ELSE 1 END AS used) x
    WHERE c.member_id = :member_id AND c.template_id = :template_id AND c.credits > 0 RETURNING x.used""")


def take(session: Session, member_id: int, template_id: str, *, message_id: str, now: datetime) -> bool:
    """Reserve one credit for a message in this transaction; False when there is none."""
    used = session.execute(_TAKE, {"member_id": member_id, "template_id": template_id}).scalar_one_or_none()
    if used is None:
        return False
    _note(session, member_id, template_id, -used, "reserved", reserved_by(message_id), now)
    return True


def reserved_by(message_id: str) -> str:
    """The source of what a message reserved."""
    return f"message:{message_id}"


def give_back(session: Session, member_id: int, template_id: str, *, message_id: str, now: datetime) -> None:
    """Give back what was reserved for a message that was not sent; once."""
    reserved = select(SubscriptionChange.change).where(SubscriptionChange.source == reserved_by(message_id))
    change = session.execute(reserved).scalar_one_or_none() or 0
    if change:
        source = f"returned:{message_id}"
        add(session, member_id, template_id, -change, cause="returned", source=source, now=now)


def add(
    session: Session, member_id: int, template_id: str, change: int, *, cause: str, source: str, now: datetime
) -> None:
    """Count credits that were granted; once per source."""
    if not _note(session, member_id, template_id, change, cause, source, now):
        return
    fresh = into(SubscriptionCredit)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["member_id", "template_id"],
            set_={"credits": SubscriptionCredit.credits + fresh.excluded.credits},
        ),
        {"member_id": member_id, "template_id": template_id, "credits": change},
    )


def forget(
    session: Session, member_id: int, template_id: str, *, cause: str, source: str, now: datetime
) -> None:
    """Set the credits to none: the platform says that there are none."""
    credit = session.get(SubscriptionCredit, (member_id, template_id), with_for_update=True)
    had = credit.credits if credit else 0
    # Noted even when there was nothing to forget: the same event, late, must not wipe out what was granted since.
    if _note(session, member_id, template_id, -had, cause, source, now) and credit:
        credit.credits = 0


def note_answer(session: Session, member_id: int, template_id: str, *, accepted: bool, at: datetime) -> None:
    """Remember how the member answered when asked; an older answer, late, changes nothing."""
    said = into(SubscriptionAnswer)
    session.execute(
        said.on_conflict_do_update(
            index_elements=["member_id", "template_id"],
            set_={"accepted": said.excluded.accepted, "at": said.excluded.at},
            where=SubscriptionAnswer.at <= said.excluded.at,
        ),
        {"member_id": member_id, "template_id": template_id, "accepted": accepted, "at": at},
    )


def _note(
    session: Session, member_id: int, template_id: str, change: int, cause: str, source: str, now: datetime
) -> bool:
    """Write the row; False when this source was counted before."""
    row = {
        "member_id": member_id,
        "template_id": template_id,
        "change": change,
        "cause": cause,
        "source": source,
        "at": now,
    }
    noted = session.execute(
        into(SubscriptionChange)
        .on_conflict_do_nothing(index_elements=["source"])
        .returning(SubscriptionChange.id),
        row,
    )
    return noted.one_or_none() is not None
