"""A campaign as it is read, and how it is kept from being changed by two at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.db import transaction
from app.errors import Conflict, NotFound

# Not the row: whoever plans shares this for each batch, and a person who wants to pause stands in a queue that is
# fair, while shared locks on a row could be taken again and again before their turn.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(concat('campaign ', CAST(:id AS text)), 0))")
_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(concat('campaign ', CAST(:id AS text)), 0))")
_SHARE = text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended(concat('campaign ', CAST(:id AS text)), 0))"
)


class CampaignInOtherState(Conflict):
    """Data: `state`, the one it is in."""

    code = "campaign_in_other_state"


@dataclass(frozen=True, kw_only=True)
class CampaignView:
    """As `Campaign`."""

    id: str
    name: str
    state: str
    version: int
    audience_id: str
    excluded_ids: tuple[str, ...]
    channel: str
    else_inbox: bool
    content: Mapping[str, Any]
    starts_at: datetime | None
    drip_hours: int
    hold_out_bp: int
    attribution_days: int
    gift: Mapping[str, Any]
    budget_fen: int | None
    approval_id: str | None
    created_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    ended_for: str | None


def view(row: Campaign) -> CampaignView:
    values = {
        name: getattr(row, name) for name in CampaignView.__dataclass_fields__ if name != "excluded_ids"
    }
    return CampaignView(excluded_ids=tuple(row.excluded_ids), **values)


def one(session: Session, campaign_id: str) -> Campaign:
    """As it is at this moment. Raises `NotFound`."""
    asked = select(Campaign).where(Campaign.id == campaign_id).execution_options(populate_existing=True)
    found = session.execute(asked).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def locked(session: Session, campaign_id: str, *states: str) -> Campaign:
    """Nobody changes it or plans for it until the transaction ends. Raises `NotFound`, `CampaignInOtherState`."""
    session.execute(_LOCK, {"id": campaign_id})
    campaign = one(session, campaign_id)
    if states and campaign.state not in states:
        raise CampaignInOtherState(state=campaign.state)
    return campaign


def locked_if_free(session: Session, campaign_id: str) -> Campaign | None:
    """The same for whoever does not wait."""
    if not session.execute(_TRY, {"id": campaign_id}).scalar_one():
        return None
    return one(session, campaign_id)


def shared(session: Session, campaign_id: str) -> Campaign:
    """Nobody changes it until the transaction ends; others may plan for it as well."""
    session.execute(_SHARE, {"id": campaign_id})
    return one(session, campaign_id)


def show(*, campaign_id: str) -> CampaignView:
    """Raises `NotFound`."""
    with transaction() as session:
        return view(one(session, campaign_id))


def list_campaigns(*, state: str | None, limit: int, before: str | None) -> Sequence[CampaignView]:
    """Newest first; without a `state` all but those that were discarded."""
    asked = select(Campaign).order_by(Campaign.id.desc()).limit(limit)
    asked = asked.where(Campaign.state != "discarded" if state is None else Campaign.state == state)
    if before is not None:
        asked = asked.where(Campaign.id < before)
    with transaction() as session:
        return [view(row) for row in session.scalars(asked)]
