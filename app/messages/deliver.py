"""Delivery: a batch is leased, its attempts are written down, then it is sent, then the outcome is recorded.

No transaction is open while the provider is called. A process killed in between leaves a lease that runs out with an
attempt that has no outcome: for WeChat that means *unknown*, since it may have been sent and WeChat knows no way to
ask. Unknown and failed messages are put into the member's inbox, so that nothing is lost and nothing comes twice.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db import transaction
from app.ids import new_id
from app.messages.consent import add, forget
from app.messages.models import InboxItem, Message, MessageAttempt
from app.messages.receipt import INBOX, WECHAT
from app.providers import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.wechat.errors import Misconfigured, NoSubscription

BATCH = 500
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 12
_LONGEST_WAIT_S = 300
_CONFIGURATION_WAIT_S = 60


@dataclass(frozen=True, kw_only=True)
class Leased:
    """A message this process may send until its lease ends. `openid` is None for the inbox."""

    id: str
    member_id: int
    kind: str
    channel: str
    template_id: str | None
    params: dict[str, object]
    attempt: int
    openid: str | None


#: Sends one message by WeChat and returns the provider's id of it; raises as app/providers says.
Send = Callable[[Leased], Awaitable[str | None]]
#: Opens the connections for a batch; one for each event loop.
Channel = Callable[[], AbstractAsyncContextManager[Send]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`error` None: sent."""

    message: Leased
    provider_code: str | None
    error: Exception | None


_LEASE = text("""
    WITH due AS (
        SELECT id FROM messages WHERE state = 'pending' AND due_at <= :now
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED),
    leased AS (
        UPDATE messages m SET state = 'leased', leased_until = :until, attempts = m.attempts + 1
        FROM due WHERE m.id = due.id RETURNING m.*),
    tried AS (
        INSERT INTO message_attempts (message_id, attempt, started_at) SELECT id, attempts, :now FROM leased)
    SELECT l.id, l.member_id, l.kind, l.channel, l.template_id, l.params, l.attempts,
        (SELECT i.subject FROM member_identities i WHERE i.member_id = l.member_id AND i.provider = :provider
            AND l.channel = :wechat ORDER BY i.id LIMIT 1) AS openid
    FROM leased l""")


def lease(*, provider: str, now: datetime, limit: int = BATCH) -> list[Leased]:
    """Take due messages, so that no other process does, with an attempt written down for each."""
    with transaction() as session:
        rows = session.execute(
            _LEASE, {"now": now, "until": now + LEASE, "limit": limit, "provider": provider, "wechat": WECHAT}
        ).all()
    return [_leased(row) for row in rows]


def deliver(messages: Sequence[Leased], *, wechat: Channel, now: Callable[[], datetime]) -> None:
    """Deliver what was leased and record what came of it."""
    inbox = [message for message in messages if message.channel == INBOX]
    record([Outcome(message=message, provider_code=None, error=None) for message in inbox], now=now())
    by_person: dict[str | None, list[Leased]] = {}
    for message in messages:
        if message.channel == WECHAT:
            by_person.setdefault(message.openid, []).append(message)
    if by_person:
        asyncio.run(_send_all(list(by_person.values()), wechat, now))


async def _send_all(people: list[list[Leased]], wechat: Channel, now: Callable[[], datetime]) -> None:
    """People side by side, the messages of one person one after another (43108)."""

    async def one_person(send: Send, messages: list[Leased]) -> None:
        for message in messages:
            outcome = await _try(message, send)
            # In a thread, so that a slow database does not hold up the sending of others.
            await asyncio.to_thread(record, [outcome], now=now())

    # Not a task group: one outcome that could not be written down must not cancel the sending of others.
    async with wechat() as send:
        ended = await asyncio.gather(*(one_person(send, person) for person in people), return_exceptions=True)
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure


async def _try(message: Leased, send: Send) -> Outcome:
    try:
        return Outcome(message=message, provider_code=await send(message), error=None)
    except (ProviderRefused, ProviderUnavailable) as error:
        return Outcome(message=message, provider_code=str(error.provider_code or error.reason), error=error)


def record(outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down what came back, in one transaction."""
    if not outcomes:
        return
    with transaction() as session:
        for outcome in outcomes:
            _record(session, outcome, now)


def _record(session: Session, outcome: Outcome, now: datetime) -> None:
    message, error = outcome.message, outcome.error
    if error is not None and not isinstance(error, OutcomeUnknown) and _worth_another_try(message, error):
        _retry(session, message, error, outcome.provider_code, now)
        return
    state, reason = _verdict(error)
    if not _finish(session, message, state, reason, outcome.provider_code, now):
        return
    if state == "failed" and error is not None:
        _settle_credit(session, message, error, now)
    if state != "sent" or message.channel == INBOX:
        _into_inbox(session, message, now)


def _verdict(error: Exception | None) -> tuple[str, str | None]:
    """The state a message ends in, and why."""
    if error is None:
        return "sent", None
    if isinstance(error, OutcomeUnknown):
        return "unknown", "no_answer"
    return "failed", error.reason if isinstance(error, ProviderRefused) else "gave_up"


def _worth_another_try(message: Leased, error: Exception) -> bool:
    if isinstance(error, Misconfigured):
        return True  # an operator will mend it; members must not lose their message over it
    return isinstance(error, ProviderUnavailable) and message.attempt < MOST_ATTEMPTS


def _retry(
    session: Session, message: Leased, error: Exception, provider_code: str | None, now: datetime
) -> None:
    # Full jitter: those who failed together must not come back together.
    wait_s = random.uniform(1, min(_LONGEST_WAIT_S, 2**message.attempt))  # noqa: S311
    asked_for = getattr(error, "retry_after_s", None)
    if isinstance(error, Misconfigured):
        wait_s = _CONFIGURATION_WAIT_S
    due_at = now + timedelta(seconds=max(wait_s, asked_for or 0))
    _close_attempt(session, message, "retry", provider_code, now)
    session.execute(
        update(Message)
        .where(Message.id == message.id, Message.state == "leased", Message.attempts == message.attempt)
        .values(state="pending", leased_until=None, due_at=due_at)
    )


def _finish(
    session: Session,
    message: Leased,
    state: str,
    reason: str | None,
    provider_code: str | None,
    now: datetime,
) -> bool:
    """False when the lease ran out and the message was settled, or leased, by somebody else."""
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
    session.execute(
        update(MessageAttempt)
        .where(MessageAttempt.message_id == message.id, MessageAttempt.attempt == message.attempt)
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
        source = f"returned:{message.id}"
        add(session, message.member_id, message.template_id, 1, cause="returned", source=source, now=now)


def _into_inbox(session: Session, message: Leased, now: datetime) -> None:
    session.execute(
        insert(InboxItem)
        .values(
            id=new_id(now),
            message_id=message.id,
            member_id=message.member_id,
            kind=message.kind,
            params=message.params,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["message_id"])
    )


def reclaim(*, now: datetime) -> int:
    """Settle leases that ran out because their process died; how many there were."""
    with transaction() as session:
        rows = session.execute(
            select(
                Message.id,
                Message.member_id,
                Message.kind,
                Message.channel,
                Message.template_id,
                Message.params,
                Message.attempts,
            )
            .where(Message.state == "leased", Message.leased_until < now)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            message = _leased(row)
            if message.channel == INBOX:
                _retry(session, message, ProviderUnavailable(), None, now)
            else:
                _finish(session, message, "unknown", "worker_died", None, now)
                _into_inbox(session, message, now)
    return len(rows)


def _leased(row: Row[tuple[object, ...]]) -> Leased:
    return Leased(
        id=row.id,
        member_id=row.member_id,
        kind=row.kind,
        channel=row.channel,
        template_id=row.template_id,
        params=row.params,
        attempt=row.attempts,
        openid=getattr(row, "openid", None),
    )
