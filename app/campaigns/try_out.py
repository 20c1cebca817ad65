"""A campaign sent to some people by name, to see it as members will.

It obeys consent, addresses and credits. It leaves out what is there for the sake of many: hold-out, time, quiet hours
and caps; but it counts in the caps of who gets it, like any marketing. It names what is given, and gives nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app import audit, idempotency
from app.campaigns.campaign import one
from app.campaigns.forecast import telling_of
from app.campaigns.gift import gift_words
from app.campaigns.models import Campaign
from app.campaigns.telling import tell_each
from app.campaigns.wording import with_gift
from app.db import transaction
from app.ids import new_id
from app.messages.campaign import KIND
from app.messages.policy import MessagePolicy
from app.policies import in_force
from app.segments.by_number import Named, named

MOST_MEMBERS = 5


@dataclass(frozen=True, kw_only=True)
class Tried:
    """`channel` None: not told, because of `refused`; `not_found` for the number of no active member."""

    member_no: str
    channel: str | None
    refused: str | None


@dataclass(frozen=True, kw_only=True)
class TriedOut:
    items: tuple[Tried, ...]


def try_out(
    *,
    campaign_id: str,
    numbers: Sequence[str],
    app_id: str | None,
    actor: audit.Actor,
    request: idempotency.Request,
    now: datetime,
) -> TriedOut:
    """Tell these members now, in whatever state the campaign is. Raises `NotFound`, `KeyReused`, `Busy`."""
    with transaction() as session:
        former = idempotency.claim(session, request, TriedOut)
        if former is not None:
            return former
        campaign = one(session, campaign_id)
        people = named(session, numbers)
        outcome = _tell(session, campaign, people.ids, app_id, now)
        tried = TriedOut(items=tuple(_told(people, numbers, outcome)))
        told: dict[str, Any] = {"members": list(people.ids), "version": campaign.version}
        audit.record(session, actor, "campaign.test", "campaign", campaign_id, now=now, **told)
        idempotency.remember(session, request, tried, now)
        return tried


def _tell(
    session: Session, campaign: Campaign, member_ids: Sequence[int], app_id: str | None, now: datetime
) -> dict[int, tuple[str | None, str | None]]:
    """By member, the channel or what stood against it."""
    in_policy = in_force(session, MessagePolicy).value
    policy = msgspec.structs.replace(in_policy, quiet_from=None, most_a_day=None, most_a_week=None)
    content = with_gift(campaign.content, gift_words(session, campaign.gift, now))
    found = tell_each(
        session,
        replace(telling_of(campaign, app_id), content=content),
        member_ids,
        kind=KIND,
        subject=f"campaign-test:{new_id(now)}",
        policy=policy,
        now=now,
        test=True,
        wait=True,
    )
    # Whose credit went in this very moment is not told either.
    outcome: dict[int, tuple[str | None, str | None]] = dict.fromkeys(member_ids, (None, "no_credit"))
    outcome |= {member_id: (None, refused) for member_id, refused in found.refused.items()}
    for channel, told in found.told.items():
        outcome |= dict.fromkeys(told, (channel, None))
    return outcome


def _told(
    people: Named, numbers: Sequence[str], outcome: dict[int, tuple[str | None, str | None]]
) -> list[Tried]:
    """In the order in which they were named."""
    tried = []
    for number in dict.fromkeys(numbers):
        channel, refused = outcome.get(people.by_number.get(number, 0), (None, "not_found"))
        tried.append(Tried(member_no=number, channel=channel, refused=refused))
    return tried
