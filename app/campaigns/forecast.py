"""Before anything is sent: of so many in the segment, so many can be reached, and why the others cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Integer, String, column, except_, text

from app.campaigns.campaign import one
from app.campaigns.cost import Cost, cost_of, dearest
from app.campaigns.hold_out import HELD_OUT
from app.campaigns.models import Campaign
from app.campaigns.telling import Telling
from app.db import transaction
from app.messages.may import values, verdicts_of
from app.messages.policy import MessagePolicy
from app.policies import in_force
from app.segments.asking import PREVIEW_S, SegmentTooSlow, patient, read_only, take_place
from app.segments.segment import SegmentView
from app.segments.segment import one as segment
from app.segments.snapshot import meant_by
from app.segments.unknown import UnknownWord, unknown_words


@dataclass(frozen=True, kw_only=True)
class ByChannel:
    """`asked`: those whom no channel before it reaches."""

    channel: str
    asked: int
    reached: int
    refused: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """As things are now. `members` less `held_out` are `reached` by one of the channels, or by none; what it costs if
    all of these are told. `unknown` are words of its segments' rules that no member has."""

    members: int
    held_out: int
    reached: int
    channels: tuple[ByChannel, ...]
    cost: Cost
    unknown: tuple[UnknownWord, ...]


_FIRST = verdicts_of("m.id IN (SELECT c.id FROM chosen c WHERE NOT c.held)")
_SECOND = verdicts_of(
    "m.id IN (SELECT f.member_id FROM first f WHERE f.refused IS NOT NULL AND :else_inbox)",
    channel="'inbox'",
    template_id="NULL",
)
# One statement: who is meant is found out once, and each is looked at as for a message. Inside of
# another, because the audience comes before it and brings the WITH.
_COUNT = f"""
    SELECT x.place, x.refused, x.members FROM (
    WITH chosen AS MATERIALIZED (SELECT a.id, {HELD_OUT.format(member="a.id")} AS held FROM audience a),
    first AS MATERIALIZED (SELECT v.member_id, v.refused FROM {_FIRST} v),
    second AS (SELECT v.refused FROM {_SECOND} v)
    SELECT 0 AS place, CASE WHEN held THEN 'held' END AS refused, CAST(count(*) AS integer) AS members
    FROM chosen GROUP BY held
    UNION ALL SELECT 1, refused, CAST(count(*) AS integer) FROM first GROUP BY refused
    UNION ALL SELECT 2, refused, CAST(count(*) AS integer) FROM second GROUP BY refused) x"""  # noqa: S608  # our own


def forecast(*, campaign_id: str, app_id: str | None, now: datetime) -> Forecast:
    """For the time at which it begins, if that is to come. Raises `NotFound`, `SegmentsBusy`, `SegmentTooSlow`."""
    with transaction() as session:
        read_only(session)
        campaign = one(session, campaign_id)
        at = now if campaign.starts_at is None else max(now, campaign.starts_at)
        telling = telling_of(campaign, app_id)
        fitting = values(telling.asked(campaign.channel, at), in_force(session, MessagePolicy).value)
        fitting |= {
            "else_inbox": len(telling.channels) > 1,
            "campaign_id": campaign.id,
            "hold_out_bp": campaign.hold_out_bp,
        }
        meant = [segment(session, each) for each in (campaign.audience_id, *campaign.excluded_ids)]
        unknown = unknown_words(session, [one.rule for one in meant])
        question = (
            text(_COUNT)
            .bindparams(**fitting)
            .columns(column("place", Integer), column("refused", String), column("members", Integer))
            .add_cte(_audience(meant, now))
        )
        take_place(session)
        with patient(session, PREVIEW_S):
            found = session.execute(question).all()
        counts, channels = _told(telling.channels, [tuple(row) for row in found])
        return Forecast(
            members=sum(counts.values()),
            held_out=counts.get("held", 0),
            reached=sum(one.reached for one in channels),
            channels=channels,
            cost=cost_of(session, campaign, {one.channel: one.reached for one in channels}, now),
            unknown=unknown,
        )


def telling_of(campaign: Campaign, app_id: str | None) -> Telling:
    return Telling(
        channel=campaign.channel,
        else_inbox=campaign.else_inbox,
        content=campaign.content,
        app_id=app_id,
        came_from=("campaign", campaign.id),
    )


def _audience(segments: Sequence[SegmentView], now: datetime) -> CTE:
    """The first less the others."""
    meant = [meant_by(one, now) for one in segments]
    return (except_(*meant) if len(meant) > 1 else meant[0]).cte("audience")


@dataclass(frozen=True, kw_only=True)
class Most:
    """`members` are told at most and cost `fen`; None: not found out in time, or `members` not needed for that."""

    members: int | None
    fen: int | None
    coupon_worth_known: bool


def at_most(*, campaign_id: str, now: datetime) -> Most:
    """Whoever is reached and by whatever channel. Raises `NotFound`, `SegmentsBusy`, and `SegmentTooSlow` where it
    costs something or gives something and there is no budget: nothing would bound it."""
    with transaction() as session:
        campaign = one(session, campaign_id)
        channel = dearest(session, telling_of(campaign, None).channels)
        each = cost_of(session, campaign, {channel: 1}, now)
        known = each.coupon_worth_known
        if each.most_fen == 0 and not campaign.gift:
            return Most(members=None, fen=0, coupon_worth_known=known)  # nobody has to be counted for that
    try:
        found = forecast(campaign_id=campaign_id, app_id=None, now=now)
        people = found.members - found.held_out
    except SegmentTooSlow:
        if campaign.budget_fen is None:
            raise
        return Most(members=None, fen=campaign.budget_fen, coupon_worth_known=known)
    with transaction() as session:
        cost = cost_of(session, campaign, {channel: people}, now)
        fen = cost.most_fen if cost.budget_fen is None else min(cost.most_fen, cost.budget_fen)
        return Most(members=people, fen=fen, coupon_worth_known=cost.coupon_worth_known)


def _told(names: tuple[str, ...], rows: list[Any]) -> tuple[dict[str | None, int], tuple[ByChannel, ...]]:
    """Those who are meant, by whether they are held out; and what becomes of the others."""
    counts: dict[int, dict[str | None, int]] = {0: {}, 1: {}, 2: {}}
    for place, refused, members in rows:
        counts[place][refused] = members
    channels = tuple(
        ByChannel(
            channel=name,
            asked=sum(counts[place].values()),
            reached=counts[place].get(None, 0),
            refused={reason: n for reason, n in sorted(counts[place].items(), key=str) if reason is not None},
        )
        for place, name in enumerate(names, start=1)
    )
    return counts[0], channels
