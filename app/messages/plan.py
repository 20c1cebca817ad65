"""Planning one message for each of many members who may be told, in one statement; with it go the credits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.ids import new_id
from app.messages.may import Asked, hold_each, values, verdicts_of
from app.messages.policy import MessagePolicy
from app.policies import in_force

#: Asked once for those who are held: what their message says beside what all say. Who is missing is not told.
Words = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """`held`: who was looked at; `told`: the message of each who will be told, by the channel that was asked for."""

    held: Sequence[int]
    told: Mapping[int, str]


# Whoever has that message is left out first: a credit that was taken for nothing could not be given back here.
# Templates are taken credits of, and only then is there a message: what counts is the row that was changed.
# The OFFSET has each member of the list looked up by itself. Else the planner joins, and because the plan of what comes
# often is kept, and kept for lists of ten, some thousand would each be compared with each.
_PLAN = text(f"""
    WITH telling AS MATERIALIZED (
        SELECT v.member_id, v.tell_at, d.id, d.own, concat(CAST(:subject AS text), ':', v.member_id) AS dedupe_key
        FROM (SELECT e ->> 0 AS id, CAST(e ->> 1 AS bigint) AS member_id, e -> 2 AS own
            FROM jsonb_array_elements(CAST(:each AS jsonb)) e) d
        CROSS JOIN LATERAL {verdicts_of("m.id = d.member_id OFFSET 0")} v
        WHERE v.refused IS NULL AND NOT EXISTS (SELECT FROM messages n
            WHERE n.dedupe_key = concat(CAST(:subject AS text), ':', v.member_id))),
    term AS (
        SELECT CASE WHEN EXISTS (SELECT FROM subscribe_templates s
            WHERE s.template_id = CAST(:template_id AS text) AND s.long_term) THEN 0 ELSE 1 END AS used),
    taken AS (
        UPDATE subscription_credits c SET credits = c.credits - term.used FROM telling, term
        WHERE c.member_id = telling.member_id AND c.template_id = CAST(:template_id AS text) AND c.credits > 0
        RETURNING c.member_id, term.used, telling.id AS message_id),
    noted AS (
        INSERT INTO subscription_changes (member_id, template_id, change, cause, source, at)
        SELECT member_id, CAST(:template_id AS text), -used, 'reserved', concat('message:', message_id), :now
        FROM taken)
    INSERT INTO messages (id, member_id, kind, category, channel, template_id, dedupe_key, params, due_at, created_at)
    SELECT id, member_id, :kind, :category, :channel, CAST(:template_id AS text), dedupe_key,
        CAST(:params AS jsonb) || own, tell_at, :now
    FROM telling
    WHERE CAST(:template_id AS text) IS NULL OR member_id IN (SELECT member_id FROM taken)
    RETURNING id, member_id""")  # noqa: S608  # a statement of our own


def plan_each(
    session: Session,
    member_ids: Sequence[int],
    asked: Asked,
    *,
    kind: str,
    subject: str,
    params: Mapping[str, Any],
    now: datetime,
    wait: bool = True,
    words: Words | None = None,
    policy: MessagePolicy | None = None,
) -> Planned:
    """Plan `kind` for those of the members who may be told; once for a member and a `subject` (at most 60 characters).

    `params` is what all messages say, `words` what each says beside; `policy` holds instead of the one in force.

    A few thousand members at a time: they stay held until the transaction ends. `wait` as in `may.hold_each`; whoever
    was not free is in neither answer and can be planned for later.
    """
    held = hold_each(session, member_ids, wait=wait)
    own: Mapping[int, Mapping[str, Any]] = {one: {} for one in held} if words is None else words(held)
    policy = policy or in_force(session, MessagePolicy).value
    rows = session.execute(
        _PLAN,
        {
            **values(asked, policy),
            # One document: the driver looks for quotes and backslashes in each text of an array.
            "each": orjson.dumps([(new_id(asked.at), *one) for one in own.items()]).decode(),
            "kind": kind,
            "subject": subject,
            "params": orjson.dumps(params).decode(),
            "now": now,
        },
    ).all()
    return Planned(held=held, told={member_id: message_id for message_id, member_id in rows})
