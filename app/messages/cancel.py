"""Messages that will not be sent any more: the member took consent back, or wants no such marketing."""

from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.messages.consent import give_back

WITHDRAWN, OPTED_OUT = "consent_withdrawn", "opted_out"

# Lock, then look, in two statements: a worker that begins one of them at this moment has either done so, and the
# second statement sees its attempt, or comes too late and may not send.
_LOCK = text("""
    SELECT id FROM messages WHERE member_id = :member_id AND state IN ('pending', 'leased') ORDER BY id FOR UPDATE""")

_CANCEL = """
    UPDATE messages m SET state = 'cancelled', reason = :reason, leased_until = NULL, finished_at = :now
    WHERE m.member_id = :member_id AND (m.state = 'pending' OR m.state = 'leased' AND NOT EXISTS (
        SELECT FROM message_attempts a
        WHERE a.message_id = m.id AND a.attempt = m.attempts AND a.outcome IS NULL)) {which}
    RETURNING m.id, m.template_id"""
_CANCEL_ALL = text(_CANCEL.format(which=""))
_CANCEL_REFUSED = text(
    _CANCEL.format(
        which="""AND m.category = 'marketing' AND (
        EXISTS (SELECT FROM members p WHERE p.id = m.member_id AND p.marketing_opt_out)
        OR EXISTS (SELECT FROM marketing_opt_outs o WHERE o.member_id = m.member_id AND o.channel = m.channel))"""
    )
)


def cancel_waiting(session: Session, member_id: int, *, now: datetime) -> None:
    """Cancel what was planned for the member and not begun, and give the credits back: WeChat still has them.

    A message whose sending has begun is left to its outcome. The caller holds the member, or one message of theirs.
    """
    _cancel(session, _CANCEL_ALL, member_id, WITHDRAWN, now)


def cancel_refused(session: Session, member_id: int, *, now: datetime) -> None:
    """The same of marketing that the member does not want any more. The caller holds as above."""
    _cancel(session, _CANCEL_REFUSED, member_id, OPTED_OUT, now)


def _cancel(session: Session, statement: TextClause, member_id: int, reason: str, now: datetime) -> None:
    session.execute(_LOCK, {"member_id": member_id})
    asked = {"member_id": member_id, "reason": reason, "now": now}
    for row in session.execute(statement, asked).all():
        if row.template_id is not None:
            give_back(session, member_id, row.template_id, message_id=row.id, now=now)
