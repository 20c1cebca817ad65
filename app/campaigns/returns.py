"""What a campaign cost and what it brought back: coupons used, money, and the return on it.

Costs are messages that went out, at the price when they were planned; coupons, by what their uses took off or were
worth; points, at their value as it is now. The gain is what the told bought more than as many of those held out, or,
with nobody held out, all that they bought; at prices before the campaign's coupons, or these would count twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, text

from app.campaigns.gift import gift_of
from app.campaigns.giving import SOURCE
from app.campaigns.models import Campaign
from app.coupons.costs import USED_FEN
from app.policies import in_force
from app.settlement.policy import SettlementPolicy

_SENT = text("""
    SELECT coalesce(sum(c.message_cost), 0)::bigint FROM campaign_members c JOIN messages m ON m.id = c.message_id
    WHERE c.campaign_id = :id AND m.state IN ('sent', 'unknown')""")
_GIVEN = text("SELECT count(*)::bigint FROM campaign_members WHERE campaign_id = :id AND given")
# `off_fen`: what they took off bills that count for those who were told.
_REDEEMED = text(f"""
    WITH used AS MATERIALIZED (
        SELECT c.issued_to, r.sale_id, r.discount_fen, {USED_FEN} AS fen
        FROM coupons c JOIN coupon_faces f ON f.id = c.face_id
        JOIN coupon_redemptions r ON r.coupon_id = c.id AND r.undone_at IS NULL
        WHERE c.source = '{SOURCE}' AND c.source_id = :id),
    sold AS MATERIALIZED (
        SELECT s.id, b.kept_fen, b.kept_fen > 0 AND t.member_id IS NOT NULL AS counts
        FROM (SELECT DISTINCT sale_id FROM used) u JOIN sales s ON s.id = u.sale_id
        CROSS JOIN LATERAL (SELECT s.amount_fen - coalesce(sum(f.amount_fen), 0) AS kept_fen
            FROM refunds f WHERE f.sale_id = s.id) b
        LEFT JOIN campaign_members t ON t.campaign_id = :id AND t.member_id = s.member_id AND t.arm = 'told'
            AND t.state = 'planned' AND s.occurred_at >= t.told_at
            AND s.occurred_at < t.told_at + CAST(:lasts AS interval))
    SELECT count(*)::integer AS coupons, count(DISTINCT u.issued_to)::integer AS members,
        coalesce(sum(u.fen), 0)::bigint AS cost_fen,
        (SELECT coalesce(sum(kept_fen), 0) FROM sold)::bigint AS revenue_fen,
        coalesce(sum(u.discount_fen) FILTER (WHERE s.counts), 0)::bigint AS off_fen
    FROM used u LEFT JOIN sold s ON s.id = u.sale_id""")  # noqa: S608  # constants of our own


@dataclass(frozen=True, kw_only=True)
class Arm:
    """`members` whose time has come, those of them who bought, and how often; `rate_bp` of them, None of nobody."""

    members: int = 0
    buyers: int = 0
    sales: int = 0
    revenue_fen: int = 0

    @property
    def rate_bp(self) -> int | None:
        return None if self.members == 0 else (self.buyers * 10_000 + self.members // 2) // self.members


def uplift_bp(told: Arm, control: Arm) -> int | None:
    """The rate of the one less that of the other; None where there is nobody to compare with."""
    ours, theirs = told.rate_bp, control.rate_bp
    return None if ours is None or theirs is None else ours - theirs


@dataclass(frozen=True, kw_only=True)
class Redeemed:
    """Uses of the campaign's coupons that were not undone, of how many members' coupons, and the bills they were used
    on, less refunds."""

    coupons: int
    members: int
    revenue_fen: int


@dataclass(frozen=True, kw_only=True)
class Returns:
    """`spent_fen` is what was taken off the budget: the most it may cost. `cost_fen`, what it has cost up to now, is
    messages, points and coupons. `roi_bp`: what was gained beyond the cost, of the cost; None where nothing cost or
    nobody was told."""

    given: int
    redeemed: Redeemed
    budget_fen: int | None
    spent_fen: int
    messages_fen: int
    points_fen: int
    coupons_fen: int
    cost_fen: int
    gain_fen: int
    roi_bp: int | None


def returns(connection: Connection, campaign: Campaign, arms: Mapping[str, Arm]) -> Returns:
    this = {"id": campaign.id}
    found = connection.execute(_REDEEMED, {**this, "lasts": timedelta(days=campaign.attribution_days)}).one()
    given = connection.execute(_GIVEN, this).scalar_one()
    messages_fen = -(-connection.execute(_SENT, this).scalar_one() // 1000)
    policy = in_force(connection, SettlementPolicy).value
    points_fen = policy.points_fen(given * gift_of(campaign.gift).points)
    cost_fen = messages_fen + points_fen + found.cost_fen
    gain_fen = _gain(arms["told"], arms["held_out"], found.off_fen)
    nothing = cost_fen == 0 or arms["told"].members == 0
    return Returns(
        given=given,
        redeemed=Redeemed(coupons=found.coupons, members=found.members, revenue_fen=found.revenue_fen),
        budget_fen=campaign.budget_fen,
        spent_fen=-(-campaign.spent // 1000),
        messages_fen=messages_fen,
        points_fen=points_fen,
        coupons_fen=found.cost_fen,
        cost_fen=cost_fen,
        gain_fen=gain_fen,
        roi_bp=None if nothing else (gain_fen - cost_fen) * 10_000 // cost_fen,
    )


def _gain(told: Arm, control: Arm, off_fen: int) -> int:
    brought = told.revenue_fen + off_fen
    if control.members == 0:
        return brought
    return brought - control.revenue_fen * told.members // control.members
