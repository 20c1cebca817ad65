"""Telling members by the first channel that reaches them: of a campaign, a test of one, an automation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy.orm import Session

from app.campaigns.content import template_of
from app.campaigns.wording import Wording, page_of
from app.identity.models import WECHAT_MINI
from app.messages.may import Asked, Channel, may_each
from app.messages.models import INBOX
from app.messages.plan import plan_each
from app.messages.policy import MessagePolicy

#: Refused because their words do not fit the channel: a name that WeChat would refuse.
UNSAYABLE = "content"


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What is told, and how; `app_id` is the app whose identities WeChat knows."""

    channel: str
    else_inbox: bool
    content: Mapping[str, Any]
    app_id: str | None

    @property
    def channels(self) -> tuple[str, ...]:
        """In the order in which they are tried."""
        falls_back = self.else_inbox and self.channel != INBOX
        return (self.channel, INBOX) if falls_back else (self.channel,)

    def asked(self, channel: str, at: datetime) -> Asked:
        """What it asks of a member by that channel."""
        return Asked(
            category="marketing",
            channel=cast(Channel, channel),
            at=at,
            template_id=template_of(self.content, channel),
            provider=WECHAT_MINI,
            app_id=self.app_id,
        )


@dataclass(frozen=True, kw_only=True)
class Told:
    """`told`: the message of each, by channel; `refused`: what the last channel said of the others. Whom somebody else
    held, or whose credit came or went in this very moment, is in neither."""

    told: dict[str, dict[int, str]] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def tell_each(
    session: Session,
    telling: Telling,
    member_ids: Sequence[int],
    *,
    kind: str,
    subject: str,
    policy: MessagePolicy,
    now: datetime,
    test: bool = False,
    wait: bool = False,
) -> Told:
    """Plan for each; once for a member and a `subject` (at most 60 characters). `wait` as in `plan_each`, of members
    whom the caller does not hold yet."""
    outcome, left, unsayable = Told(), list(member_ids), set[int]()
    for place, channel in enumerate(telling.channels):
        if not left:
            break
        page = page_of(session, template_of(telling.content, channel))
        wording = Wording(telling.content, channel, page, test=test)
        unsayable.clear()

        def words(held: Sequence[int], wording: Wording = wording) -> dict[int, dict[str, Any]]:
            said = wording.each(session, held)
            unsayable.update(set(held) - set(said))
            return said

        planned = plan_each(
            session,
            left,
            telling.asked(channel, now),
            kind=kind,
            subject=subject,
            params=wording.common,
            words=words,
            now=now,
            wait=wait or place > 0,
            policy=policy,
        )
        outcome.told[channel] = dict(planned.told)
        left = [one for one in planned.held if one not in planned.told]
    fitting = [one for one in left if one not in unsayable]
    if fitting:
        last = telling.asked(telling.channels[-1], now)
        verdicts = may_each(session, fitting, last, policy)
        outcome.refused.update({one.member_id: one.refused for one in verdicts if one.refused is not None})
    outcome.refused.update(dict.fromkeys((one for one in left if one in unsayable), UNSAYABLE))
    return outcome
