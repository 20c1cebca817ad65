"""Whether a member may be told something by a channel: now, not before a time, or not at all, and why not.

One statement answers for many members at once, and for one: whoever plans a campaign selects from it. What it counts
and finds holds only while the members are held (`hold_each`), in the transaction that then writes the messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE
from app.messages.policy import MessagePolicy

Category = Literal["service", "marketing"]
Channel = Literal["inbox", "wechat_subscribe", "official_account", "sms", "email"]
#: In the order in which they are looked at.
Refusal = Literal["withdrawn", "opted_out", "no_address", "no_credit", "capped"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be told, and when at the earliest. `provider` and `app_id` name the app whose identities are meant."""

    category: Category
    channel: Channel
    at: datetime
    template_id: str | None = None
    provider: str | None = None
    app_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`refused` None: may be told at `tell_at`, which is later than was asked only because of quiet hours."""

    member_id: int
    refused: Refusal | None
    tell_at: datetime


def told_at(at: str, *, marketing: str, channel: str) -> str:
    """Joins of members `m` that end in `t.tell_at`: that time, or of marketing the end of the quiet hours it falls in.

    The values `quiet_from` and `quiet_until` are the policy's; all else is the program's own text.
    """
    return f"""LEFT JOIN stores h ON h.id = m.home_store_id
    CROSS JOIN LATERAL (SELECT coalesce(h.time_zone, '{HOME_ZONE}') AS zone) z
    CROSS JOIN LATERAL (SELECT CAST({at} AS timestamptz) AT TIME ZONE z.zone AS here) l
    CROSS JOIN LATERAL (SELECT CASE
        WHEN NOT {marketing} OR CAST({channel} AS text) = 'inbox' OR CAST(:quiet_from AS time) IS NULL
            THEN CAST({at} AS timestamptz)
        WHEN CAST(l.here AS time) >= CAST(:quiet_from AS time)
            THEN (CAST(l.here AS date) + 1 + CAST(:quiet_until AS time)) AT TIME ZONE z.zone
        WHEN CAST(l.here AS time) < CAST(:quiet_until AS time)
            THEN (CAST(l.here AS date) + CAST(:quiet_until AS time)) AT TIME ZONE z.zone
        ELSE CAST({at} AS timestamptz) END AS tell_at) t"""


def verdicts_of(whom: str, *, channel: str = ":channel", template_id: str = ":template_id") -> str:
    """Member by member `member_id`, `refused` and `tell_at`, as in `Verdict`; its values are `values`. For a FROM.

    `whom` says of which members `m`; all three are the program's own text. A cap looks to both sides of the time: what
    is planned for tomorrow counts for what goes out tonight. The clock that skips an hour has no `quiet_until` in it:
    then quiet ends as much later. Where it is set back, quiet ends with the second of the two.
    """
    return f"""(
    SELECT m.id AS member_id, t.tell_at,
        CASE WHEN m.status IN ('withdrawn', 'closed') OR :marketing AND m.status <> 'active' THEN 'withdrawn'
            WHEN :marketing AND (m.marketing_opt_out OR EXISTS (SELECT FROM marketing_opt_outs o
                WHERE o.member_id = m.id AND o.channel = {channel})) THEN 'opted_out'
            WHEN NOT CASE CAST({channel} AS text) WHEN 'inbox' THEN true
                WHEN 'sms' THEN m.phone_cipher IS NOT NULL
                WHEN 'email' THEN EXISTS (SELECT FROM member_emails e WHERE e.member_id = m.id
                    AND e.confirmed_at IS NOT NULL)
                WHEN 'official_account' THEN EXISTS (SELECT FROM official_followers f WHERE f.member_id = m.id)
                ELSE EXISTS (SELECT FROM member_identities i WHERE i.member_id = m.id
                    AND i.provider = CAST(:provider AS text) AND i.app_id = CAST(:app_id AS text))
                END THEN 'no_address'
            WHEN CAST({channel} AS text) = 'wechat_subscribe' AND NOT (x.fits AND EXISTS (
                SELECT FROM subscription_credits c WHERE c.member_id = m.id
                    AND c.template_id = CAST({template_id} AS text) AND c.credits > 0)) THEN 'no_credit'
            WHEN :marketing AND (SELECT CAST(:most_a_week AS integer) <= count(*) OR CAST(:most_a_day AS integer)
                    <= count(*) FILTER (WHERE n.due_at > t.tell_at - interval '24 hours'
                        AND n.due_at < t.tell_at + interval '24 hours')
                FROM messages n WHERE n.member_id = m.id AND n.category = 'marketing' AND n.state <> 'cancelled'
                    AND n.due_at > t.tell_at - interval '168 hours'
                    AND n.due_at < t.tell_at + interval '168 hours') THEN 'capped'
        END AS refused
    FROM members m
    -- Whoever calls marketing a service, or the other way round, finds no credit; a retired template has none either.
    CROSS JOIN (SELECT coalesce((SELECT s.active AND s.category = :category FROM subscribe_templates s
        WHERE s.template_id = CAST({template_id} AS text)), NOT :marketing) AS fits) x
    {told_at(":at", marketing=":marketing", channel=channel)}
    WHERE {whom})"""  # noqa: S608  # all of it is the program's own


#: The same of the members in `:member_ids`.
VERDICTS = verdicts_of("m.id = ANY(CAST(:member_ids AS bigint[]))")

_HOLD = "SELECT id FROM members WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE"
_HOLD_EACH, _HOLD_FREE = text(_HOLD), text(f"{_HOLD} SKIP LOCKED")
_EACH = text(f"SELECT member_id, refused, tell_at FROM {VERDICTS} v ORDER BY member_id")  # noqa: S608


def hold_each(session: Session, member_ids: Sequence[int], *, wait: bool = True) -> list[int]:
    """Hold the members against every other planner until the transaction ends; those that are held, ascending.

    Whoever plans for many does not wait: the relay holds the members of its facts in the order of the facts, and two
    who wait for each other would both have to begin again. Who is left out is there the next time.
    """
    held = session.execute(_HOLD_EACH if wait else _HOLD_FREE, {"ids": list(member_ids)}).scalars()
    return list(held.all())  # one trip to the driver; going through them would be one for each


def may_each(
    session: Session, member_ids: Sequence[int], asked: Asked, policy: MessagePolicy
) -> list[Verdict]:
    """For each of the members, ascending; the caller holds them if it acts on the answer."""
    rows = session.execute(_EACH, {"member_ids": list(member_ids), **values(asked, policy)})
    return [Verdict(member_id=row.member_id, refused=row.refused, tell_at=row.tell_at) for row in rows]


def may(session: Session, member_id: int, asked: Asked, policy: MessagePolicy) -> Verdict:
    """The same of one."""
    [verdict] = may_each(session, [member_id], asked, policy)
    return verdict


def values(asked: Asked, policy: MessagePolicy) -> dict[str, Any]:
    """What `verdicts_of` is filled with."""
    return {
        "category": asked.category,
        "marketing": asked.category == "marketing",
        "channel": asked.channel,
        "at": asked.at,
        "template_id": asked.template_id,
        "provider": asked.provider,
        "app_id": asked.app_id,
        "quiet_from": policy.quiet_from,
        "quiet_until": policy.quiet_until,
        "most_a_day": policy.most_a_day,
        "most_a_week": policy.most_a_week,
    }
