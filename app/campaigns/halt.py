"""Take back, pause, resume, stop, and how a campaign ends by itself. Messages that wait are called back by the worker.

Whoever halts it waits for the batches that are being planned: after that there are no new messages, and the worker
cancels those that no other worker has taken in hand, some thousand at a time, and gives the credits back.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.campaigns.campaign import CampaignView, locked, shared, view
from app.campaigns.models import Campaign
from app.db import reading, transaction
from app.errors import VersionConflict
from app.messages.cancel import call_back
from app.pruning import always

BATCH = 2_000
PAUSED, STOPPED = "campaign_paused", "campaign_stopped"

_PENDING = text("""
    SELECT c.member_id, c.message_id FROM campaign_members c JOIN messages m ON m.id = c.message_id
    WHERE c.campaign_id = :id AND c.member_id > :after AND m.state = 'pending' ORDER BY c.member_id LIMIT :most""")
# What it would have cost goes back into the budget; what was given is theirs, and paid for.
_NOT_CHARGED = text("""
    WITH back AS (
        UPDATE campaign_members c SET message_cost = 0 FROM campaign_members former
        WHERE c.campaign_id = :id AND c.member_id = ANY(CAST(:member_ids AS bigint[]))
            AND c.message_id = ANY(CAST(:messages AS text[])) AND c.message_cost > 0
            AND (former.campaign_id, former.member_id) = (c.campaign_id, c.member_id)
        RETURNING former.message_cost)
    UPDATE campaigns SET spent = spent - coalesce((SELECT sum(message_cost) FROM back), 0)
    WHERE id = :id AND EXISTS (SELECT FROM back)""")
_WAIT_AGAIN = text("""
    UPDATE campaign_members SET state = 'waiting', message_id = NULL, told_at = NULL
    WHERE campaign_id = :id AND member_id = ANY(CAST(:member_ids AS bigint[]))
        AND message_id = ANY(CAST(:messages AS text[]))""")
_WAITS = """EXISTS (SELECT FROM campaign_members m JOIN messages g ON g.id = m.message_id
        WHERE m.campaign_id = c.id AND g.state IN ('pending', 'leased'))"""
_CALLED_BACK = text(f"UPDATE campaigns c SET to_call_back = false WHERE id = :id AND NOT {_WAITS}")  # noqa: S608
_RUNNING = text("SELECT id FROM campaigns WHERE state = 'running' ORDER BY id")
_DONE = text(f"""
    UPDATE campaigns c SET state = 'done', ended_at = :now WHERE id = :id AND state = 'running' AND NOT {_WAITS}
        AND NOT EXISTS (SELECT FROM campaign_members w WHERE w.campaign_id = c.id AND w.state = 'waiting')""")  # noqa: S608


def take_back(*, campaign_id: str, version: int, actor: audit.Actor, now: datetime) -> CampaignView:
    """What was agreed to and has not begun is a draft again, and needs a second person anew.

    Raises `NotFound`, `CampaignInOtherState`, `VersionConflict`, `Busy`.
    """
    with transaction() as session:
        campaign = locked(session, campaign_id, "scheduled")
        if campaign.version != version:
            raise VersionConflict(version=campaign.version)
        approval_id = campaign.approval_id
        campaign.state, campaign.approval_id, campaign.versions = "draft", None, None
        if campaign.starts_at is not None and campaign.starts_at <= now:
            campaign.starts_at = None  # a draft takes no time that is over
        return _recorded(session, campaign, "campaign.take_back", actor, now, approval_id=approval_id)


def pause(*, campaign_id: str, actor: audit.Actor, now: datetime) -> CampaignView:
    """Whom nobody was telling yet waits until it is resumed. Raises `NotFound`, `CampaignInOtherState`, `Busy`."""
    with transaction() as session:
        campaign = locked(session, campaign_id, "running")
        campaign.state, campaign.to_call_back = "paused", True
        return _recorded(session, campaign, "campaign.pause", actor, now)


def resume(*, campaign_id: str, actor: audit.Actor, now: datetime) -> CampaignView:
    """Those whose time came meanwhile are told at once. Raises as `pause`."""
    with transaction() as session:
        campaign = locked(session, campaign_id, "paused")
        campaign.state, campaign.to_call_back = "running", False
        campaign.rounds += 1
        return _recorded(session, campaign, "campaign.resume", actor, now)


def stop(*, campaign_id: str, actor: audit.Actor, now: datetime) -> CampaignView:
    """For good. Raises as `pause`."""
    with transaction() as session:
        campaign = locked(session, campaign_id, "scheduled", "running", "paused")
        campaign.to_call_back = campaign.state != "scheduled"
        campaign.state, campaign.ended_at, campaign.ended_for = "stopped", now, "staff"
        return _recorded(session, campaign, "campaign.stop", actor, now)


def call_back_all(campaign_id: str, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Cancel what waits of a campaign that was halted; how many messages. Safe twice and in several processes."""
    total, after = 0, 0
    while keep_going():
        with transaction() as session:
            campaign = shared(session, campaign_id)
            if not campaign.to_call_back:
                return total
            asked = {"id": campaign_id, "after": after, "most": BATCH}
            found = {row.member_id: row.message_id for row in session.execute(_PENDING, asked)}
            if not found:
                session.execute(_CALLED_BACK, {"id": campaign_id})
                return total
            total += _call_back(session, campaign, found, now)
            after = max(found)
    return total


def _call_back(session: Session, campaign: Campaign, found: dict[int, str], now: datetime) -> int:
    paused = campaign.state == "paused"
    gone = call_back(session, found, reason=PAUSED if paused else STOPPED, now=now)
    values = {"id": campaign.id, "member_ids": list(found), "messages": gone}
    session.execute(_NOT_CHARGED, values)
    if paused:
        session.execute(_WAIT_AGAIN, values)
    return len(gone)


def finish(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """End what has nobody left to tell and nothing left to send; how many campaigns."""
    with reading() as connection:
        running = list(connection.execute(_RUNNING).scalars())
    total = 0
    for campaign_id in running:
        if not keep_going():
            break
        with transaction() as session:
            ended = session.execute(_DONE, {"id": campaign_id, "now": now})
            total += ended.rowcount  # type: ignore[attr-defined]
    return total


def _recorded(
    session: Session, campaign: Campaign, action: str, actor: audit.Actor, now: datetime, **data: Any
) -> CampaignView:
    session.flush()
    audit.record(session, actor, action, "campaign", campaign.id, now=now, **data)
    return view(campaign)
