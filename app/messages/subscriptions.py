"""Which subscribe templates are worth asking a member for, and what the phone says they answered.

Where WeChat's events come, the phone's word is a hint when to ask again and adds nothing (ADR 4). Where no address is
set up for them it counts, up to what is enough: whoever makes it up is sent a message that WeChat refuses (43101),
which sets the count to none, and finds it in the inbox (ADR 18).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import idempotency
from app.db import reading, transaction
from app.members.profile import locked
from app.messages.consent import add, note_answer
from app.messages.models import SubscribeTemplate, SubscriptionCredit
from app.messages.policy import MessagePolicy
from app.policies import in_force

#: WeChat shows so many in one question, and none of them of the other term.
MOST_ASKED = 3
#: So many receipts ahead are enough.
RECEIPTS_ENOUGH = 5
#: What the phone may be told for a template.
Outcome = Literal["accept", "acceptWithAudio", "reject", "ban", "filter"]
_ACCEPTED = ("accept", "acceptWithAudio")


@dataclass(frozen=True, kw_only=True)
class App:
    """The mini-program whose members are asked, with the receipt's template of the setting, if there is one."""

    provider: str
    app_id: str
    receipt: str | None


@dataclass(frozen=True, kw_only=True)
class WorthAsking:
    """`kind` is `receipt` or `template`."""

    template_id: str
    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Reported:
    """How many credits the report added."""

    counted: int


_WORTH = text("""
    SELECT s.template_id, s.name, s.long_term, s.place
    FROM (SELECT CAST(:receipt AS text) AS template_id, '' AS name, 'service' AS category, false AS long_term,
            CAST(:receipts_enough AS integer) AS enough, 0 AS place
        UNION ALL SELECT t.template_id, t.name, t.category, t.long_term, CASE WHEN t.long_term THEN 1 ELSE t.enough END,
            t.id FROM subscribe_templates t WHERE t.active AND t.asked_when IN (:moment, 'any')) s
    JOIN members m ON m.id = :member_id
    LEFT JOIN subscription_credits c ON c.member_id = m.id AND c.template_id = s.template_id
    LEFT JOIN subscription_answers a ON a.member_id = m.id AND a.template_id = s.template_id
    WHERE s.template_id IS NOT NULL
        AND coalesce(c.credits, 0) < s.enough
        AND (a.accepted OR a.at <= :refused_before OR a.at IS NULL)
        AND (s.category = 'service' OR NOT (m.marketing_opt_out OR EXISTS (SELECT FROM marketing_opt_outs o
            WHERE o.member_id = m.id AND o.channel = 'wechat_subscribe')))
        AND EXISTS (SELECT FROM member_identities i
            WHERE i.member_id = m.id AND i.provider = :provider AND i.app_id = :app_id)
    ORDER BY s.category = 'marketing', s.place""")


def worth_asking(*, member_id: int, moment: str, app: App, now: datetime) -> list[WorthAsking]:
    """At most `MOST_ASKED`: the receipt first, then service, then marketing; all one-time or all long-term."""
    with reading() as connection:
        pause = timedelta(days=in_force(connection, MessagePolicy).value.ask_again_days)
        found = connection.execute(
            _WORTH,
            {
                "member_id": member_id,
                "moment": moment,
                "receipt": app.receipt,
                "receipts_enough": RECEIPTS_ENOUGH,
                "refused_before": now - pause,
                "provider": app.provider,
                "app_id": app.app_id,
            },
        ).all()
    together = [row for row in found if row.long_term == found[0].long_term]
    return [
        WorthAsking(template_id=row.template_id, kind="template" if row.place else "receipt", name=row.name)
        for row in together[:MOST_ASKED]
    ]


def report(
    *,
    member_id: int,
    results: Mapping[str, Outcome],
    receipt: str | None,
    pushed: bool,
    request: idempotency.Request,
    now: datetime,
) -> Reported:
    """What the phone says the member answered, template by template; ids that are none of ours are passed over.

    `pushed`: WeChat's events come and decide. Raises `KeyReused`, and `Unauthenticated` for a membership that stopped.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Reported)
        if former is not None:
            return former
        locked(session, member_id)  # of two reports at once each would find room for its own
        enough = _enough(session, results, receipt)
        counted = 0
        for template_id in sorted(enough):
            accepted = results[template_id] in _ACCEPTED
            note_answer(session, member_id, template_id, accepted=accepted, at=now)
            if accepted and not pushed and _credits(session, member_id, template_id) < enough[template_id]:
                source = f"phone:{member_id}:{_digest(request.key)}:{template_id}"[:120]
                add(session, member_id, template_id, 1, cause="accepted", source=source, now=now)
                counted += 1
        reported = Reported(counted=counted)
        idempotency.remember(session, request, reported, now)
        return reported


def _enough(session: Session, results: Mapping[str, Outcome], receipt: str | None) -> dict[str, int]:
    """Of those of the templates that are ours, how many credits are enough."""
    wanted = select(SubscribeTemplate.template_id, SubscribeTemplate.enough).where(
        SubscribeTemplate.template_id.in_(list(results)), SubscribeTemplate.active
    )
    found = {row.template_id: row.enough for row in session.execute(wanted)}
    return found | ({receipt: RECEIPTS_ENOUGH} if receipt is not None and receipt in results else {})


def _credits(session: Session, member_id: int, template_id: str) -> int:
    credit = session.get(SubscriptionCredit, (member_id, template_id), populate_existing=True)
    return credit.credits if credit else 0


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
