"""What became of an attempt: sent, to be tried again, failed, or unknown.

WeChat knows no way to ask whether a message arrived, and no id that keeps it from taking the same one twice. So an
attempt without an answer is *unknown* and is never repeated. Unknown and failed messages go into the member's inbox:
nothing is lost. What was unknown may come twice, on the phone and in the inbox: when WeChat accepted the message and
its answer was lost, or the worker died before it was written down. On the phone itself nothing comes twice, as long as
WeChat delivers nothing that it answered with an error.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.db import ask, statements, transaction
from app.identity import followers
from app.members.consent import is_withdrawn
from app.messages.cancel import cancel_refused, cancel_waiting, inbox_items_of
from app.messages.consent import forget, give_back
from app.messages.lease import BATCH, Leased
from app.messages.models import INBOX, Message, MessageAttempt
from app.providers import Misconfigured, OutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.wechat.errors import NoSubscription, NotFollower

MOST_ATTEMPTS = 12
_LONGEST_WAIT_S = 300
#: A wrong setting is for an operator to mend: asked again each minute at first, then four times an hour.
_CONFIGURATION_WAIT_S, _CONFIGURATION_LATER_WAIT_S = 60, 900
#: What still waits for an operator after a day is of more use in the inbox.
CONFIGURATION_PATIENCE = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`error` None: sent, and `provider_code` is the provider's id of it; else the number of the error."""

    message: Leased
    provider_code: str | None
    error: Exception | None


# As `_finish`, `_close_attempt` and `_into_inbox` do of one. Nearly all are sent, and statements for each took most of
# what a worker can do in a second.
_SENT = """
    WITH given AS (
        SELECT id, attempt, code FROM unnest(CAST(%(ids)s AS text[]), CAST(%(attempts)s AS integer[]),
            CAST(%(codes)s AS text[])) AS d (id, attempt, code)),
    finished AS (
        UPDATE messages m SET state = 'sent', leased_until = NULL, finished_at = %(now)s, reason = NULL
        FROM given WHERE m.id = given.id AND m.state = 'leased' AND m.attempts = given.attempt
        RETURNING m.id, m.member_id, m.kind, m.channel, m.params),
    closed AS (
        UPDATE message_attempts a SET finished_at = %(now)s, provider_code = left(given.code, 40),
            outcome = CASE WHEN EXISTS (SELECT FROM finished f WHERE f.id = given.id) THEN 'sent' ELSE 'late' END
        FROM given WHERE a.message_id = given.id AND a.attempt = given.attempt
            AND (a.outcome IS NULL OR a.outcome = 'unknown'))
    INSERT INTO inbox_items (id, message_id, member_id, kind, params, created_at)
    SELECT id, id, member_id, kind, params, %(now)s FROM finished WHERE channel = %(inbox)s
    ON CONFLICT (message_id) DO NOTHING"""


def record(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down what came back. Twice changes nothing more than once."""
    sent = [outcome for outcome in outcomes if outcome.error is None]
    if sent:
        values = {
            "ids": [outcome.message.id for outcome in sent],
            "attempts": [outcome.message.attempt for outcome in sent],
            "codes": [outcome.provider_code for outcome in sent],
        }
        with statements() as connection:
            ask(connection, _SENT, {**values, "now": now, "inbox": INBOX})
    # Each in a transaction of its own: these may lock a member's credits, the relay may hold those of many.
    for outcome in outcomes:
        if outcome.error is not None:
            with transaction() as session:
                _unsent(session, outcome.message, outcome.error, outcome.provider_code, now)


def _unsent(
    session: Session, message: Leased, error: Exception, provider_code: str | None, now: datetime
) -> None:
    if _worth_another_try(message, error, now):
        _retry(session, message, error, provider_code, now)
        return
    state, reason = _verdict(error)
    finished = _finish(session, message, state, reason, provider_code, now)
    if state == "failed":
        _settle_credit(session, message, error, now)
    if isinstance(error, NotFollower):
        followers.lost(session, message.member_id)
    if finished:
        _into_inbox(session, message, now)


def _verdict(error: Exception) -> tuple[str, str]:
    """The state a message ends in, and why."""
    if isinstance(error, ProviderRefused):
        return "failed", error.reason
    if isinstance(error, ProviderUnavailable) and not isinstance(error, OutcomeUnknown):
        return "failed", "gave_up"
    return "unknown", "no_answer" if isinstance(error, OutcomeUnknown) else "defect"


def _worth_another_try(message: Leased, error: Exception, now: datetime) -> bool:
    if isinstance(error, Misconfigured):
        return now < message.planned_at + CONFIGURATION_PATIENCE
    again = isinstance(error, ProviderUnavailable) and not isinstance(error, OutcomeUnknown)
    return again and message.attempt < MOST_ATTEMPTS


def _retry(
    session: Session, message: Leased, error: Exception, provider_code: str | None, now: datetime
) -> None:
    waits = session.execute(
        update(Message)
        .where(Message.id == message.id, Message.state == "leased", Message.attempts == message.attempt)
        .values(
            state="pending",
            leased_until=None,
            due_at=now + timedelta(seconds=_wait_s(message, error)),
            reason=getattr(error, "reason", None),
        )
        .returning(Message.id)
    ).one_or_none()
    _close_attempt(session, message, "retry" if waits else "late", provider_code, now)
    _unless_withdrawn(session, message, now)


def _unless_withdrawn(session: Session, message: Leased, now: datetime) -> None:
    """What waits again after its member took consent back, or refused marketing, is cancelled here: that found it on
    its way. A withdrawal that comes now waits for the message's row, and finds it waiting.
    """
    if is_withdrawn(session, message.member_id):
        cancel_waiting(session, message.member_id, now=now)
    else:
        cancel_refused(session, message.member_id, now=now)


def _wait_s(message: Leased, error: Exception) -> float:
    if isinstance(error, Misconfigured):
        return _CONFIGURATION_WAIT_S if message.attempt <= MOST_ATTEMPTS else _CONFIGURATION_LATER_WAIT_S
    # Full jitter: those who failed together must not come back together.
    wait_s = random.uniform(1, min(_LONGEST_WAIT_S, 2**message.attempt))  # noqa: S311
    return max(wait_s, getattr(error, "retry_after_s", None) or 0)


def _finish(
    session: Session,
    message: Leased,
    state: str,
    reason: str | None,
    provider_code: str | None,
    now: datetime,
) -> bool:
    """False when the lease had run out and the message was settled without us."""
    finished = session.execute(
        update(Message)
        .where(Message.id == message.id, Message.state == "leased", Message.attempts == message.attempt)
        .values(state=state, leased_until=None, finished_at=now, reason=reason)
        .returning(Message.id)
    ).one_or_none()
    _close_attempt(session, message, state if finished else "late", provider_code, now)
    return finished is not None


def _close_attempt(
    session: Session, message: Leased, outcome: str, provider_code: str | None, now: datetime
) -> None:
    """A late answer replaces `unknown`, so that an operator sees what really happened; nothing else is replaced."""
    session.execute(
        update(MessageAttempt)
        .where(
            MessageAttempt.message_id == message.id,
            MessageAttempt.attempt == message.attempt,
            MessageAttempt.outcome.is_(None) | (MessageAttempt.outcome == "unknown"),
        )
        .values(finished_at=now, outcome=outcome, provider_code=provider_code and provider_code[:40])
    )


def _settle_credit(session: Session, message: Leased, error: Exception, now: datetime) -> None:
    """A message that was not sent used no credit; unless the platform says there were none at all."""
    if message.template_id is None:
        return
    if isinstance(error, NoSubscription):
        source = f"refused:{message.id}"
        forget(session, message.member_id, message.template_id, cause="refused", source=source, now=now)
    else:
        give_back(session, message.member_id, message.template_id, message_id=message.id, now=now)


_INTO_INBOX = text(inbox_items_of("(SELECT * FROM messages WHERE id = :id) m"))


def _into_inbox(session: Session, message: Leased, now: datetime) -> None:
    session.execute(_INTO_INBOX, {"id": message.id, "now": now})


_RUN_OUT = text("""
    SELECT m.id, m.member_id, m.kind, m.channel, m.template_id, m.params, m.attempts AS attempt, m.created_at,
        m.leased_until,
        EXISTS (SELECT FROM message_attempts a WHERE a.message_id = m.id AND a.attempt = m.attempts
            AND a.outcome IS NULL) AS begun
    FROM messages m WHERE m.state = 'leased' AND m.leased_until <= :now
    ORDER BY m.leased_until LIMIT :limit FOR UPDATE SKIP LOCKED""")


def reclaim(*, now: datetime) -> int:
    """Settle leases that ran out because their process died; how many there were.

    What was begun over WeChat is unknown. What was not begun, or goes into the inbox, waits for the next worker.
    """
    with transaction() as session:
        rows = session.execute(_RUN_OUT, {"now": now, "limit": BATCH}).all()
        for row in rows:
            message = Leased(
                id=row.id,
                member_id=row.member_id,
                kind=row.kind,
                channel=row.channel,
                template_id=row.template_id,
                params=row.params,
                attempt=row.attempt,
                planned_at=row.created_at,
                leased_until=row.leased_until,
            )
            if row.begun and message.channel != INBOX:
                _finish(session, message, "unknown", "worker_died", None, now)
                _into_inbox(session, message, now)
            else:
                _wait_again(session, message, now)
    return len(rows)


def _wait_again(session: Session, message: Leased, now: datetime) -> None:
    session.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(state="pending", leased_until=None, due_at=now, reason="worker_died")
    )
    _close_attempt(session, message, "retry", None, now)
    _unless_withdrawn(session, message, now)
