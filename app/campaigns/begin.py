"""A campaign begins: who is meant is frozen, and each gets an arm and a time, in one transaction."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.campaigns.agreed import NOT_AGREED, bound_of
from app.campaigns.campaign import locked_if_free
from app.campaigns.hold_out import HELD_OUT, LATER_S
from app.campaigns.models import Campaign
from app.db import Busy, DatabaseAway, transaction
from app.errors import DomainError
from app.segments import snapshot
from app.segments.asking import SNAPSHOT_S, patient

_FILL = text(f"""
    INSERT INTO campaign_members (campaign_id, member_id, arm, state, due_after)
    SELECT CAST(:campaign_id AS text), s.member_id,
        CASE WHEN {HELD_OUT.format(member="s.member_id")} THEN 'held_out' ELSE 'told' END, 'waiting',
        CAST(:at AS timestamptz) + {LATER_S.format(member="s.member_id")} * interval '1 second'
    FROM snapshot_members s WHERE s.snapshot_id = :audience AND NOT EXISTS (
        SELECT FROM snapshot_members x
        WHERE x.snapshot_id = ANY(CAST(:excluded AS text[])) AND x.member_id = s.member_id)""")  # noqa: S608
# In the order in which they are planned, of either arm from the first one on who is told and was not agreed to: those
# held out stay as those who are told.
_CUT = text("""
    UPDATE campaign_members SET state = 'refused', refused = :why
    WHERE campaign_id = :campaign_id AND state = 'waiting' AND (due_after, member_id) >= (
        SELECT due_after, member_id FROM campaign_members
        WHERE campaign_id = :campaign_id AND state = 'waiting' AND arm = 'told'
        ORDER BY due_after, member_id OFFSET :most LIMIT 1)""")


def begin(campaign_id: str, *, now: datetime) -> bool:
    """Whether it began here. One whose segments are not what was agreed to any more stops, and says why."""
    try:
        with transaction() as session:
            campaign = locked_if_free(session, campaign_id)
            if campaign is None or campaign.state != "scheduled" or campaign.starts_at is None:
                return False
            if campaign.starts_at > now:
                return False
            _begin(session, campaign, now)
            return True
    except (Busy, DatabaseAway):
        return False  # the next beat tries again
    except DomainError as error:
        _stop(campaign_id, error.code, now)
        return False


def _begin(session: Session, campaign: Campaign, now: datetime) -> None:
    taken = [
        snapshot.take_agreed(session, one, (campaign.versions or {})[one], actor=audit.SYSTEM, now=now).id
        for one in (campaign.audience_id, *campaign.excluded_ids)
    ]
    with patient(session, SNAPSHOT_S):
        session.execute(
            _FILL,
            {
                "campaign_id": campaign.id,
                "audience": taken[0],
                "excluded": taken[1:],
                "hold_out_bp": campaign.hold_out_bp,
                "drip_s": campaign.drip_hours * 3600,
                "at": now,
            },
        )
        bound = bound_of(session, campaign)
        if bound.members is not None:
            values = {"campaign_id": campaign.id, "most": bound.members, "why": NOT_AGREED}
            session.execute(_CUT, values)
    campaign.state, campaign.began_at = "running", now
    session.flush()
    audit.record(session, audit.SYSTEM, "campaign.begin", "campaign", campaign.id, now=now, snapshot=taken[0])


def _stop(campaign_id: str, why: str, now: datetime) -> None:
    with transaction() as session:
        campaign = locked_if_free(session, campaign_id)
        if campaign is None or campaign.state != "scheduled":
            return
        campaign.state, campaign.ended_at, campaign.ended_for = "stopped", now, why
        session.flush()
        audit.record(session, audit.SYSTEM, "campaign.stop", "campaign", campaign_id, now=now, why=why)
