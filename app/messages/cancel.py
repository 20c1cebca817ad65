"""Messages that will not be sent any more: the member took consent back, or wants no such marketing."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.messages.consent import give_back
from app.messages.may import hold_each

WITHDRAWN, OPTED_OUT = "consent_withdrawn", "opted_out"


def inbox_items_of(messages: str) -> str:
    """Puts messages that were not sent into the inbox, but marketing not of who refuses all of it by now. `messages` is
    what is selected from, `m`; under their ids, so that the list keeps the order of what it tells of."""
    return f"""INSERT INTO inbox_items (id, message_id, member_id, kind, params, created_at)
    SELECT m.id, m.id, m.member_id, m.kind, m.params, :now FROM {messages}
    WHERE m.category = 'service' OR EXISTS (SELECT FROM members p
        WHERE p.id = m.member_id AND p.status = 'active' AND NOT p.marketing_opt_out)
    ON CONFLICT (message_id) DO NOTHING"""  # noqa: S608  # our own words


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
        OR EXISTS (SELECT FROM marketing_opt_outs o WHERE o.member_id = m.member_id AND o.channel = m.channel)
        OR m.params ? 'personalised' AND EXISTS (SELECT FROM marketing_opt_outs o
            WHERE o.member_id = m.member_id AND o.channel = 'personalised'))"""
    )
)


def cancel_waiting(session: Session, member_id: int, *, now: datetime) -> None:
    """Cancel what was planned for the member and not begun, and give the credits back: WeChat still has them.

    A message whose sending has begun is left to its outcome. The caller holds the member, or one message of theirs.
    """
    _cancel(session, _CANCEL_ALL, member_id, WITHDRAWN, now)


def cancel_refused(session: Session, member_id: int, *, now: datetime) -> None:
    """The same of marketing that the member does not want any more, or not made from what they bought. The caller holds
    as above."""
    _cancel(session, _CANCEL_REFUSED, member_id, OPTED_OUT, now)


def _cancel(session: Session, statement: TextClause, member_id: int, reason: str, now: datetime) -> None:
    session.execute(_LOCK, {"member_id": member_id})
    asked = {"member_id": member_id, "reason": reason, "now": now}
    for row in session.execute(statement, asked).all():
        if row.template_id is not None:
            give_back(session, member_id, row.template_id, message_id=row.id, now=now)


# What was reserved for a message is given back once, whoever else gives back: the source is unique.
_CALL_BACK = text("""
    WITH gone AS (
        UPDATE messages m SET state = 'cancelled', reason = :reason, finished_at = :now
        WHERE m.id = ANY(CAST(:ids AS text[])) AND m.state = 'pending' RETURNING m.id),
    returned AS (
        INSERT INTO subscription_changes (member_id, template_id, change, cause, source, at)
        SELECT r.member_id, r.template_id, -r.change, 'returned', concat('returned:', gone.id), :now
        FROM gone JOIN subscription_changes r ON r.source = concat('message:', gone.id)
        WHERE r.change < 0 ON CONFLICT (source) DO NOTHING RETURNING member_id, template_id, change),
    given AS (
        INSERT INTO subscription_credits AS c (member_id, template_id, credits)
        SELECT member_id, template_id, sum(change) FROM returned GROUP BY member_id, template_id
        ON CONFLICT (member_id, template_id) DO UPDATE SET credits = c.credits + excluded.credits)
    SELECT id FROM gone""")


def call_back(session: Session, messages: Mapping[int, str], *, reason: str, now: datetime) -> list[str]:
    """Cancel what is pending of these, by member, and give the credits back; which were cancelled.

    What a worker has leased is left to its outcome. Members whom somebody else holds are left for the next time.
    """
    held = hold_each(session, list(messages), wait=False)
    asked = {"ids": [messages[member_id] for member_id in held], "reason": reason, "now": now}
    return list(session.execute(_CALL_BACK, asked).scalars())
