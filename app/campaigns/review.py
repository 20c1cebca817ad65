"""The second person: nothing is told to many by one alone."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved
from app.campaigns.campaign import CampaignView, locked, view
from app.campaigns.draft import editable
from app.campaigns.forecast import at_most
from app.campaigns.gift import gift_words, read_gift
from app.db import transaction
from app.segments.save import SegmentArchived
from app.segments.segment import one as segment
from app.staff.roles import MANAGE_CAMPAIGNS
from app.staff.sign_in import may_still

APPROVAL_KIND = "campaign"


def submit(*, campaign_id: str, version: int, staff_id: int, now: datetime) -> CampaignView:
    """Put it before a second person, with the segments as they are now: of others it will not be told.

    Who decides sees what it may cost at most. Raises `NotFound`, `VersionConflict`, `CampaignInOtherState`,
    `SegmentArchived`, `CampaignMalformed` for a coupon that is not to be had any more, and as `at_most`.
    """
    most = at_most(campaign_id=campaign_id, now=now)
    with transaction() as session:
        campaign = editable(session, campaign_id, version, now)
        segments = [segment(session, one) for one in (campaign.audience_id, *campaign.excluded_ids)]
        if any(one.state == "archived" for one in segments):
            raise SegmentArchived
        read_gift(session, campaign.gift, campaign.budget_fen, now)
        campaign.versions = {one.id: one.version for one in segments}
        campaign.approval_id = second_person.ask(
            session,
            kind=APPROVAL_KIND,
            subject=campaign_id,
            details={
                "name": campaign.name,
                "version": campaign.version,
                "audience": segments[0].name,
                "excluded": [one.name for one in segments[1:]],
                "segments": campaign.versions,
                "channel": campaign.channel,
                "else_inbox": campaign.else_inbox,
                "content": campaign.content,
                "starts_at": None if campaign.starts_at is None else campaign.starts_at.isoformat(),
                "drip_hours": campaign.drip_hours,
                "hold_out_bp": campaign.hold_out_bp,
                "attribution_days": campaign.attribution_days,
                "gift": campaign.gift,
                "coupon": gift_words(session, campaign.gift, now)["zh"].get("coupon"),
                "budget_fen": campaign.budget_fen,
                "most_members": most.members,
                "most_fen": most.fen,
                "coupon_worth_known": most.coupon_worth_known,
            },
            store_id=None,
            staff_id=staff_id,
            now=now,
        )
        campaign.state = "in_review"
        session.flush()
        actor = audit.Actor(type="staff", id=staff_id)
        told: dict[str, Any] = {"approval_id": campaign.approval_id, "version": version}
        audit.record(session, actor, "campaign.submit", "campaign", campaign_id, now=now, **told)
        return view(campaign)


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """It begins at its time, or at once. Raises `ApprovalOutdated` when whoever asked may not any more."""
    campaign = locked(session, approved.subject)
    if campaign.state != "in_review" or campaign.approval_id != approved.id:
        raise ApprovalOutdated
    if not may_still(session, approved.requested_by, MANAGE_CAMPAIGNS, None):
        raise ApprovalOutdated
    campaign.state = "scheduled"
    campaign.starts_at = now if campaign.starts_at is None else max(campaign.starts_at, now)
    session.flush()


def close_refused(session: Session, campaign_id: str) -> None:
    """A second person has said no, or who asked has withdrawn it: a draft again."""
    campaign = locked(session, campaign_id)
    if campaign.state == "in_review":
        campaign.state, campaign.approval_id, campaign.versions = "draft", None, None
        session.flush()
