"""Telling members by the first channel that reaches them: of a campaign, a test of one, an automation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy.orm import Session

from app.campaigns.content import template_of
from app.campaigns.opened import From, page_from
from app.campaigns.wording import PARTS, PICKED, Wording, page_of
from app.identity.models import WECHAT_MINI
from app.messages.may import Asked, Channel, may_each
from app.messages.models import INBOX, OFFICIAL
from app.messages.plan import plan_each
from app.messages.policy import MessagePolicy

#: Refused because their words do not fit the channel: a name that WeChat would refuse.
UNSAYABLE = "content"


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What is told, and how; `app_id` is the app whose identities WeChat knows, `came_from` what whoever taps on it
    comes from. `picked`: who is meant depends on what they bought, and who refuses that is not sent it any more."""

    channel: str
    else_inbox: bool
    content: Mapping[str, Any]
    app_id: str | None
    came_from: From | None = None
    picked: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """In the order in which they are tried."""
        falls_back = self.else_inbox and self.channel != INBOX
        return (self.channel, INBOX) if falls_back else (self.channel,)

    def page(self, session: Session, channel: str) -> str | None:
        """Where a tap on it leads, by that channel."""
        page = page_of(session, template_of(self.content, channel))
        if channel == OFFICIAL:
            page = self.content[PARTS[channel]].get("page")
        return page if self.came_from is None else page_from(page, self.came_from)

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


class Purse(Protocol):
    """What is given with the message and what telling costs: for whom there is not enough, they are not told."""

    def is_free(self, channel: str) -> bool: ...

    def share_out(self, channel: str, member_ids: Sequence[int]) -> Mapping[int, str]:
        """Of those who may be told, in that order, for whom there is not enough, and of what."""

    def told(self, channel: str, member_ids: Sequence[int]) -> None:
        """These were."""


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
    purse: Purse | None = None,
) -> Told:
    """Plan for each; once for a member and a `subject` (at most 60 characters). `wait` as in `plan_each`, of members
    whom the caller does not hold yet."""
    outcome, left = Told(), list(member_ids)
    unsayable, without = set[int](), dict[int, str]()
    for place, channel in enumerate(telling.channels):
        if not left:
            break
        asked = telling.asked(channel, now)
        wording = Wording(telling.content, channel, telling.page(session, channel), test=test)
        unsayable.clear()
        without.clear()

        def words(
            held: Sequence[int], wording: Wording = wording, asked: Asked = asked, left: list[int] = left
        ) -> dict[int, dict[str, Any]]:
            said = wording.each(session, held)
            unsayable.update(set(held) - set(said))
            if purse is None or purse.is_free(asked.channel) or not said:
                return said
            verdicts = may_each(session, list(said), asked, policy)
            may = {one.member_id for one in verdicts if one.refused is None}
            without.update(purse.share_out(asked.channel, [one for one in left if one in may]))
            return {one: said[one] for one in left if one in may and one not in without}

        planned = plan_each(
            session,
            left,
            asked,
            kind=kind,
            subject=subject,
            params=wording.common | (PICKED if telling.picked else {}),
            words=words,
            now=now,
            wait=wait or place > 0,
            policy=policy,
        )
        outcome.told[channel] = dict(planned.told)
        if purse is not None:
            purse.told(channel, list(planned.told))
        left = [one for one in planned.held if one not in planned.told]
    fitting = [one for one in left if one not in unsayable]
    if fitting:
        last = telling.asked(telling.channels[-1], now)
        verdicts = may_each(session, fitting, last, policy)
        outcome.refused.update({one.member_id: one.refused for one in verdicts if one.refused is not None})
    outcome.refused.update({one: without[one] for one in left if one in without})
    outcome.refused.update(dict.fromkeys((one for one in left if one in unsayable), UNSAYABLE))
    return outcome
