"""How far a campaign is and what came of it: told, sent, read, bought; and the same of who was held out.

Both arms are those who could be told when their turn came, so that they differ in nothing but in being told. What they
bought from then on, for so many days, counts less what went back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from app.campaigns.campaign import one
from app.campaigns.forecast import telling_of
from app.campaigns.models import Campaign
from app.campaigns.returns import Arm, Returns, returns, uplift_bp
from app.db import transaction

_PROGRESS = text("""
    SELECT c.arm, c.state, c.refused, m.channel, m.state AS message, count(*)::integer AS members,
        count(i.read_at)::integer AS read, count(c.clicked_at)::integer AS clicked
    FROM campaign_members c LEFT JOIN messages m ON m.id = c.message_id
    LEFT JOIN inbox_items i ON i.message_id = c.message_id
    WHERE c.campaign_id = :id GROUP BY 1, 2, 3, 4, 5""")
# A purchase counts while something of it is kept, as in segments.
_BOUGHT = text("""
    WITH meant AS MATERIALIZED (
        SELECT member_id, arm, told_at FROM campaign_members
        WHERE campaign_id = :id AND state = 'planned' AND told_at <= :now),
    bought AS (
        SELECT t.member_id, count(*) AS sales, sum(s.amount_fen - coalesce(r.back_fen, 0)) AS fen
        FROM meant t JOIN sales s ON s.member_id = t.member_id
            AND s.occurred_at >= t.told_at AND s.occurred_at < t.told_at + CAST(:lasts AS interval)
        LEFT JOIN LATERAL (SELECT sum(f.amount_fen) AS back_fen FROM refunds f WHERE f.sale_id = s.id) r ON true
        WHERE r.back_fen IS NULL OR r.back_fen < s.amount_fen GROUP BY t.member_id)
    SELECT t.arm, count(*)::integer AS members, count(b.member_id)::integer AS buyers,
        coalesce(sum(b.sales), 0)::integer AS sales, coalesce(sum(b.fen), 0)::bigint AS revenue_fen
    FROM meant t LEFT JOIN bought b USING (member_id) GROUP BY t.arm""")


@dataclass(frozen=True, kw_only=True)
class Messages:
    """What became of them: by one channel, or by all. `pending` are also those that a worker has in hand."""

    pending: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0


@dataclass(frozen=True, kw_only=True)
class Report:
    """`targeted` are all who were meant: `held_out`, `waiting`, `planned` or `refused`.

    What was planned is pending, sent, failed, unknown or cancelled, in all and `by_channel`; `read` are those who
    opened it in the inbox, `clicked` those who came into the mini-program by a tap on it.
    `uplift_bp` is the rate of those told less that of those held out, None where there is nobody to compare with.
    """

    state: str
    targeted: int
    held_out: int
    waiting: int
    planned: int
    refused: Mapping[str, int]
    messages: Messages
    by_channel: Mapping[str, Messages]
    read: int
    clicked: int
    told: Arm
    control: Arm
    uplift_bp: int | None
    returns: Returns


def report(*, campaign_id: str, now: datetime) -> Report:
    """Raises `NotFound`."""
    with transaction() as session:
        campaign = one(session, campaign_id)
        return _report(session.connection(), campaign, now)


def _report(connection: Connection, campaign: Campaign, now: datetime) -> Report:
    rows = connection.execute(_PROGRESS, {"id": campaign.id}).all()
    told = [row for row in rows if row.arm == "told"]
    refused: dict[str, int] = {}
    for row in told:
        if row.refused is not None:
            refused[row.refused] = refused.get(row.refused, 0) + row.members
    arms = _arms(connection, campaign, now)
    return Report(
        state=campaign.state,
        targeted=sum(row.members for row in rows),
        held_out=sum(row.members for row in rows if row.arm == "held_out"),
        waiting=sum(row.members for row in told if row.state == "waiting"),
        planned=sum(row.members for row in told if row.state == "planned"),
        refused=dict(sorted(refused.items())),
        messages=_messages(told),
        by_channel={
            channel: _messages([row for row in told if row.channel == channel])
            for channel in telling_of(campaign, None).channels
        },
        read=sum(row.read for row in told),
        clicked=sum(row.clicked for row in told),
        told=arms["told"],
        control=arms["held_out"],
        uplift_bp=uplift_bp(arms["told"], arms["held_out"]),
        returns=returns(connection, campaign, arms),
    )


def _messages(rows: Sequence[Any]) -> Messages:
    states: dict[str, int] = {}
    for row in rows:
        if row.message is not None:
            state = "pending" if row.message == "leased" else row.message
            states[state] = states.get(state, 0) + row.members
    return Messages(**states)


def _arms(connection: Connection, campaign: Campaign, now: datetime) -> dict[str, Arm]:
    asked = {"id": campaign.id, "now": now, "lasts": timedelta(days=campaign.attribution_days)}
    arms = {"told": Arm(), "held_out": Arm()}
    for row in connection.execute(_BOUGHT, asked):
        arms[row.arm] = Arm(
            members=row.members, buyers=row.buyers, sales=row.sales, revenue_fen=row.revenue_fen
        )
    return arms
