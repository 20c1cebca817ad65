"""Drafts of campaigns: made, changed whole, copied. What a second person looks at is not a draft any more."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.campaigns.campaign import CampaignInOtherState, CampaignView, locked, one, view
from app.campaigns.content import misfit, read
from app.campaigns.gift import gift_words, read_gift
from app.campaigns.models import Campaign
from app.db import transaction
from app.errors import NotFound, VersionConflict
from app.ids import new_id
from app.segments.asking import SegmentTooSlow
from app.segments.save import SegmentArchived
from app.segments.segment import one as segment

MOST_EXCLUDED = 10
#: Whoever plans for later than this has mistyped the year.
_FURTHEST = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`else_inbox`: whom the channel does not reach is told in the inbox. `starts_at` None: as soon as it is agreed to.

    `drip_hours`: they are told one after another, over so many hours. `hold_out_bp` of them are not told at all. `gift`
    is what those who are told are given, and `budget_fen` what all of it may cost at most (None: what is agreed to).
    """

    name: str
    audience_id: str
    excluded_ids: tuple[str, ...]
    channel: str
    else_inbox: bool
    content: Mapping[str, Any]
    starts_at: datetime | None
    drip_hours: int
    hold_out_bp: int
    attribution_days: int
    gift: Mapping[str, Any] = field(default_factory=dict)
    budget_fen: int | None = None


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> CampaignView:
    """Raises `CampaignMalformed`, `NotFound` and `SegmentArchived` for a segment."""
    with transaction() as session:
        return _written(session, _checked(session, draft, now), "campaign.create", actor, now)


def change(
    *, campaign_id: str, version: int, draft: Draft, actor: audit.Actor, now: datetime
) -> CampaignView:
    """Whole. Raises as `create`, and `CampaignInOtherState`, `VersionConflict`."""
    with transaction() as session:
        campaign = editable(session, campaign_id, version, now)
        before = asdict(_draft(campaign))
        columns = _columns(_checked(session, draft, now))
        for column, value in columns.items():
            setattr(campaign, column, value)
        campaign.state, campaign.approval_id, campaign.versions = "draft", None, None
        campaign.version += 1
        session.flush()
        told: dict[str, Any] = {"before": _told(before), "after": _told(columns)}
        audit.record(session, actor, "campaign.change", "campaign", campaign_id, now=now, **told)
        return view(campaign)


def discard(*, campaign_id: str, version: int, actor: audit.Actor, now: datetime) -> CampaignView:
    """A draft that nobody needs: for good, and lists leave it out.

    Raises `NotFound`, `CampaignInOtherState`, `VersionConflict`.
    """
    with transaction() as session:
        campaign = locked(session, campaign_id, "draft")
        if campaign.version != version:
            raise VersionConflict(version=campaign.version)
        campaign.state = "discarded"
        session.flush()
        audit.record(session, actor, "campaign.discard", "campaign", campaign_id, now=now, version=version)
        return view(campaign)


def duplicate(*, campaign_id: str, name: str, actor: audit.Actor, now: datetime) -> CampaignView:
    """A draft of the same under another name, to begin as soon as it is agreed to.

    Raises as `create`: what it is about may have been put away since.
    """
    with transaction() as session:
        former = _draft(one(session, campaign_id))
        copied = replace(former, name=name, starts_at=None)
        return _written(
            session, _checked(session, copied, now), "campaign.duplicate", actor, now, of=campaign_id
        )


def editable(session: Session, campaign_id: str, version: int, now: datetime) -> Campaign:
    """A draft, what nobody has looked at in time, or what could not begin only because its segments took too long.

    Raises `NotFound`, `CampaignInOtherState`, `VersionConflict`.
    """
    campaign = locked(session, campaign_id, "draft", "in_review", "stopped")
    if campaign.state == "stopped":
        if campaign.ended_for != SegmentTooSlow.code:
            raise CampaignInOtherState(state=campaign.state)
        campaign.ended_at = campaign.ended_for = None
    if campaign.version != version:
        raise VersionConflict(version=campaign.version)
    if campaign.state == "in_review" and second_person.waits(session, campaign.approval_id, now=now):
        raise CampaignInOtherState(state=campaign.state)
    return campaign


def _written(
    session: Session, draft: Draft, action: str, actor: audit.Actor, now: datetime, **data: Any
) -> CampaignView:
    columns = _columns(draft)
    campaign = Campaign(
        id=new_id(now),
        version=1,
        state="draft",
        rounds=0,
        to_call_back=False,
        created_by=actor.id,
        created_at=now,
        **columns,
    )
    session.add(campaign)
    session.flush()
    audit.record(session, actor, action, "campaign", campaign.id, now=now, after=_told(columns), **data)
    return view(campaign)


def _checked(session: Session, draft: Draft, now: datetime) -> Draft:
    """With its content as it is kept."""
    if draft.starts_at is not None and not now <= draft.starts_at <= now + _FURTHEST:
        raise misfit("in the past, or more than a year away", "starts_at")
    if len(set(draft.excluded_ids)) < len(draft.excluded_ids):
        raise misfit("the same segment twice", "excluded")
    if draft.audience_id in draft.excluded_ids:
        raise misfit("the audience is among them", "excluded")
    for place, segment_id in (
        ("audience", draft.audience_id),
        *(("excluded", x) for x in draft.excluded_ids),
    ):
        _check_segment(session, place, segment_id)
    gift = read_gift(session, draft.gift, draft.budget_fen, now)
    content = read(session, draft.content, draft.channel, gift_words(session, gift, now))
    return replace(draft, content=content, gift=gift)


def _check_segment(session: Session, place: str, segment_id: str) -> None:
    try:
        found = segment(session, segment_id)
    except NotFound:
        raise NotFound(field=place) from None
    if found.state == "archived":
        raise SegmentArchived(field=place)


def _draft(campaign: Campaign) -> Draft:
    values = {name: getattr(campaign, name) for name in Draft.__dataclass_fields__}
    return Draft(**{**values, "excluded_ids": tuple(campaign.excluded_ids)})


def _columns(draft: Draft) -> dict[str, Any]:
    return asdict(draft) | {"excluded_ids": list(draft.excluded_ids)}


def _told(columns: Mapping[str, Any]) -> dict[str, Any]:
    """For the audit log, in what JSON knows."""
    starts_at = columns["starts_at"]
    return {**columns, "starts_at": None if starts_at is None else starts_at.isoformat()}
