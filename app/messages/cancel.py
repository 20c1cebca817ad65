"""Messages that will not be sent any more, because the member took consent back."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.messages.consent import add

REASON = "consent_withdrawn"

# Lock, then look, in two statements: a worker that begins one of them at this moment has either done so, and the
# second statement sees its attempt, or comes too late and may not send.
_LOCK = text("""
    SELECT id FROM messages WHERE member_id = :member_id AND state IN ('pending', 'leased') ORDER BY id FOR UPDATE""")

_CANCEL = text("""
    UPDATE messages m SET state = 'cancelled', reason = :reason, leased_until = NULL, finished_at = :now
    WHERE m.member_id = :member_id AND (m.state = 'pending' OR m.state = 'leased' AND NOT EXISTS (
        SELECT FROM message_attempts a
        WHERE a.message_id = m.id AND a.attempt = m.attempts AND a.outcome IS NULL))
    RETURNING m.id, m.template_id""")


def cancel_waiting(session: Session, member_id: int, *, now: datetime) -> None:
    """Cancel what was planned for the member and not begun, and give the credits back: WeChat still has them.

    A message whose sending has begun is left to its outcome. The caller holds the member, or one message of theirs.
    """
    asked = {"member_id": member_id, "reason": REASON, "now": now}
    session.execute(_LOCK, asked)
    for row in session.execute(_CANCEL, asked).all():
        if row.template_id is not None:
            source = f"returned:{row.id}"
            add(session, member_id, row.template_id, 1, cause="returned", source=source, now=now)
