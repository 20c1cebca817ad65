"""Who may send what, and until when.

A worker leases a batch, *begins* a few messages at a time and sends those. Beginning writes the attempt down before
the provider is called. So when a lease runs out, because its process died, the rows tell the two cases apart: begun
means that the message may have gone out, not begun means that it certainly did not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app import audit
from app.db import ask, reading, statements, transaction
from app.identity.models import WECHAT_MINI
from app.messages import epoch, pace
from app.messages.epoch import Epoch
from app.messages.may import told_at
from app.messages.models import EMAIL, INBOX, OFFICIAL, SERVICE, SMS, WECHAT
from app.messages.policy import MessagePolicy
from app.policies import in_force

BATCH = 500
#: Longer than any one send can take: 7 s a call, two calls and a new token in between at worst.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Leased:
    """A message this process may begin. `attempt` is the one it would be; `openid` is None where there is none.

    `leased_until` also tells this lease from one that somebody else was given after it ran out.
    """

    id: str
    member_id: int
    kind: str
    channel: str
    template_id: str | None
    params: dict[str, Any]
    attempt: int
    planned_at: datetime
    leased_until: datetime
    openid: str | None = None
    #: Phone number, e-mail address or openid of the official account as they rest: opened by the channel, for the
    #: moment of sending.
    sealed: bytes | None = field(default=None, repr=False)
    #: What they are sealed for: the member's public id, or what finds the follower.
    owner: str = ""
    category: str = "service"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """`more`: there may be more due, also where there is nothing in it because all that was found is put off; `paced`:
    the channel's rate allows no more in this moment."""

    messages: list[Leased]
    more: bool
    paced: bool


_NOTHING = Batch(messages=[], more=False, paced=False)

_ANY_DUE = text("""
    SELECT EXISTS (SELECT FROM messages WHERE state = 'pending' AND channel = :channel AND due_at <= :now)""")

# What was planned by day may be looked at by night only, after an outage or behind a long queue: marketing then waits
# for the morning, but for a test that somebody asked for.
_LEASE = text(f"""
    WITH taken AS (
        SELECT m.id, m.member_id, m.due_at, m.category = 'marketing' AND NOT m.params ? 'test' AS may_wait
        FROM messages m WHERE m.state = 'pending' AND m.channel = :channel AND m.due_at <= :now
            AND (m.channel = :inbox OR m.member_id NOT IN (
                SELECT o.member_id FROM messages o WHERE o.state = 'leased' AND o.channel = :channel))
        ORDER BY m.due_at, m.id LIMIT :limit FOR UPDATE SKIP LOCKED),
    due AS (
        SELECT d.id, d.due_at, t.tell_at FROM taken d
        CROSS JOIN LATERAL (SELECT home_store_id FROM members WHERE id = d.member_id OFFSET 0) m
        {told_at(":now", marketing="d.may_wait", channel=":channel")}),
    rested AS (
        UPDATE messages m SET due_at = due.tell_at FROM due WHERE m.id = due.id AND due.tell_at > :now),
    leased AS (
        UPDATE messages m SET state = 'leased', leased_until = :until
        FROM due WHERE m.id = due.id AND due.tell_at <= :now RETURNING m.*)
    SELECT l.id, l.member_id, l.kind, l.channel, l.template_id, l.params, l.attempts + 1 AS attempt, l.created_at,
        l.leased_until,
        CASE WHEN l.channel IN (:wechat, :service) THEN (
            SELECT i.subject FROM member_identities i WHERE i.member_id = l.member_id
                AND i.provider = :provider AND i.app_id = :app_id ORDER BY i.id LIMIT 1) END AS openid,
        CASE l.channel WHEN :sms THEN p.phone_cipher WHEN :official THEN f.cipher WHEN :email THEN (
            SELECT e.cipher FROM member_emails e WHERE e.member_id = l.member_id
                AND (e.confirmed_at IS NOT NULL OR l.kind = 'email_code')) END AS sealed,
        CASE l.channel WHEN :official THEN encode(f.openid_index, 'hex') ELSE p.public_id END AS owner, l.category
    FROM due d LEFT JOIN leased l ON l.id = d.id LEFT JOIN members p ON p.id = l.member_id
    LEFT JOIN LATERAL (SELECT o.cipher, o.openid_index FROM official_followers o
        WHERE l.channel = :official AND o.member_id = l.member_id AND o.app_id = :app_id LIMIT 1) f ON true
    ORDER BY d.due_at, d.id""")  # noqa: S608  # all of it is the program's own

# Begun and recorded on the driver: both are one statement, and what is on its way waits for the other of them.
_BEGIN = """
    WITH begun AS (
        UPDATE messages m SET attempts = d.attempt, leased_until = %(until)s
        FROM unnest(CAST(%(ids)s AS text[]), CAST(%(attempts)s AS integer[]), CAST(%(leases)s AS timestamptz[]))
            AS d (id, attempt, leased_until)
        WHERE m.id = d.id AND m.state = 'leased' AND m.attempts = d.attempt - 1
            AND m.leased_until = d.leased_until AND m.leased_until > %(now)s
        RETURNING m.id, m.attempts)
    INSERT INTO message_attempts (message_id, attempt, started_at)
    SELECT id, attempts, %(now)s FROM begun RETURNING message_id"""

_GIVE_BACK = text("""
    UPDATE messages m SET state = 'pending', leased_until = NULL
    FROM unnest(CAST(:ids AS text[]), CAST(:attempts AS integer[]), CAST(:leases AS timestamptz[]))
        AS d (id, attempt, leased_until)
    WHERE m.id = d.id AND m.state = 'leased' AND m.attempts = d.attempt - 1 AND m.leased_until = d.leased_until""")


def lease(
    *,
    channel: str,
    app_id: str | None,
    now: datetime,
    limit: int = BATCH,
    per_second: int | None = None,
    outside: Epoch | None = None,
) -> Batch:
    """Take due messages of a channel, so that no other process does; none of a person who is being written to.

    No more than `per_second` allows, over all workers, and none while the outbox is held; marketing not in the quiet
    hours. The inbox has none of it.
    """
    with reading() as connection:
        if not connection.execute(_ANY_DUE, {"channel": channel, "now": now}).scalar_one():
            return _NOTHING
    asked = {
        "now": now,
        "until": now + LEASE,
        "channel": channel,
        "provider": WECHAT_MINI,
        "app_id": app_id,
        "inbox": INBOX,
        "wechat": WECHAT,
        "service": SERVICE,
        "official": OFFICIAL,
        "sms": SMS,
        "email": EMAIL,
    }
    if channel == INBOX:
        with transaction() as session:
            return _take(session, asked, limit, None)
    return _from_outbox(outside or Epoch(None), asked, limit, per_second)


def _from_outbox(outside: Epoch, asked: dict[str, Any], limit: int, per_second: int | None) -> Batch:
    """Unless it is held. That a batch was leased is told outside before anything of it is sent."""
    box = epoch.standing()
    if box.held_at is not None:
        outside.say_held(box.held_for)
        return _NOTHING
    known = outside.known(box.name)
    try:
        with transaction() as session:
            # Locks the outbox: leases are handed out one after another. Two workers looking at once would each take a
            # message of one person, and count the same room in a rate.
            number = epoch.next_batch(session, known)
            if number is None:
                return _NOTHING
            batch = _take(session, asked, limit, per_second)
    except epoch.Behind:
        epoch.hold(reason=epoch.RESTORED, actor=audit.SYSTEM, now=asked["now"])
        outside.say_held(epoch.RESTORED)
        return _NOTHING
    outside.tell(box.name, number)
    return batch


def _take(session: Session, asked: dict[str, Any], limit: int, per_second: int | None) -> Batch:
    channel, now, room = asked["channel"], asked["now"], limit
    if per_second is not None:
        room = min(limit, pace.room(session, channel, per_second=per_second, now=now))
    policy = in_force(session, MessagePolicy).value
    quiet = {"quiet_from": policy.quiet_from, "quiet_until": policy.quiet_until}
    found = session.execute(_LEASE, {**asked, **quiet, "limit": room}).all()
    taken = [_leased(row) for row in found if row.id is not None]
    if per_second is not None and taken:
        pace.spend(session, channel, len(taken), per_second=per_second, now=now)
    # What was only put off used up nothing of the rate.
    spent = bool(taken) or room == 0
    return Batch(messages=taken, more=len(found) == room, paced=spent and room < limit)


def begin(messages: Sequence[Leased], *, now: datetime) -> list[Leased]:
    """Write the attempts down and renew the leases; those that come back may be sent now.

    What is missing was lost to somebody else, because the lease ran out.
    """
    with statements() as connection:
        rows = ask(connection, _BEGIN, {**_named(messages), "now": now, "until": now + LEASE})
    begun = {row.message_id for row in rows}
    return [message for message in messages if message.id in begun]


def give_back(messages: Sequence[Leased]) -> None:
    """Return what was leased and not begun, for any worker to take."""
    if not messages:
        return
    with transaction() as session:
        session.execute(_GIVE_BACK, _named(messages))


def _named(messages: Sequence[Leased]) -> dict[str, Any]:
    return {
        "ids": [message.id for message in messages],
        "attempts": [message.attempt for message in messages],
        "leases": [message.leased_until for message in messages],
    }


def _leased(row: Row[Any]) -> Leased:
    return Leased(
        id=row.id,
        member_id=row.member_id,
        kind=row.kind,
        channel=row.channel,
        template_id=row.template_id,
        params=row.params,
        attempt=row.attempt,
        planned_at=row.created_at,
        leased_until=row.leased_until,
        openid=row.openid,
        sealed=row.sealed,
        owner=row.owner,
        category=row.category,
    )
