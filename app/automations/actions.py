"""What an automation does: tells something, gives a coupon or points, puts a tag on or takes one off."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from app.automations.triggers import Id, check_template, misfit, struct
from app.campaigns import content
from app.campaigns.content import CampaignMalformed
from app.campaigns.gift import Gift, offer_of, words_for
from app.campaigns.wording import names_coupon
from app.messages.models import INBOX
from app.points.rules import MOST_DAYS

MOST_POINTS = 1_000_000
MOST_COUPONS = 10

_Tag = Annotated[str, Meta(min_length=1, max_length=24)]


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As of a campaign: `channel`, whether whom it does not reach is told in the inbox, and `content`."""

    channel: Literal["inbox", "wechat_subscribe", "official_account", "sms", "email"]
    else_inbox: bool = False
    content: dict[str, Any]


class Coupon(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of a template."""

    template: Id
    count: Annotated[int, Meta(ge=1, le=MOST_COUPONS)] = 1


class Points(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """They last `lifetime_days` whole days; None: for ever."""

    points: Annotated[int, Meta(ge=1, le=MOST_POINTS)]
    lifetime_days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] | None = None


class Actions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """At least one of them."""

    message: Message | None = None
    coupon: Coupon | None = None
    points: Points | None = None
    tag_on: _Tag | None = None
    tag_off: _Tag | None = None

    @property
    def gives(self) -> bool:
        """Something of value."""
        return self.coupon is not None or self.points is not None

    def channels_naming_coupon(self) -> frozenset[str]:
        """By which its message names the coupon, whatever the member's language."""
        if self.message is None or self.coupon is None:
            return frozenset()
        content = self.message.content
        channels = {self.message.channel, INBOX} if self.message.else_inbox else {self.message.channel}
        return frozenset(one for one in channels if names_coupon(content, one))


def read(session: Session, data: object, now: datetime) -> dict[str, Any]:
    """As they are kept. Raises `AutomationMalformed`."""
    found: Actions = struct(data, Actions, "actions")
    kept = {name: value for name, value in msgspec.to_builtins(found).items() if value is not None}
    if not kept:
        raise misfit("nothing is done", "actions")
    for name in ("tag_on", "tag_off"):
        tag = kept.get(name)
        if tag is not None and (tag != tag.strip() or not tag.isprintable()):
            raise misfit("not written as it must be", f"actions.{name}")
    if found.tag_on is not None and found.tag_on == found.tag_off:
        raise misfit("the tag that is put on", "actions.tag_off")
    if found.coupon is not None:
        check_template(session, found.coupon.template, "actions.coupon.template")
    if found.message is not None:
        kept["message"]["content"] = _content(session, found.message, gift_words(session, found, now))
    return kept


def gift_words(session: Session, done: Actions, now: datetime) -> dict[str, dict[str, str]]:
    """By language what stands for `{coupon}` and `{points_given}` in its message, of those that are given."""
    gift = Gift(
        points=0 if done.points is None else done.points.points,
        coupon_template="" if done.coupon is None else done.coupon.template,
        coupons=0 if done.coupon is None else done.coupon.count,
    )
    return words_for(gift, offer_of(session, gift, now))


def _content(session: Session, message: Message, gift: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    try:
        return content.read(session, message.content, message.channel, gift)
    except CampaignMalformed as fault:
        what, _, _ = str(fault.data["reason"]).partition(" - at ")
        raise misfit(what, f"actions.message.{fault.data['field']}") from None


def kept(data: dict[str, Any]) -> Actions:
    """What was read and kept."""
    found: Actions = struct(data, Actions, "actions")
    return found
