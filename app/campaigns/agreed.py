"""What a campaign may give and cost at most: its budget, or else what the second person was told.

After the review lists are filled, rules mean more members, prices rise and faces of coupons change. Where no budget is
named, what stands in the request bounds it like one: the money, and where something is given the members as well.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.approvals.models import ApprovalRequest
from app.campaigns.models import Campaign

#: Refused because the campaign may not cost more.
BUDGET = "budget"
#: Refused because the second person agreed to less.
NOT_AGREED = "not_agreed"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """So many are told, for so many fen (None: any number); `why` the others are not."""

    members: int | None = None
    fen: int | None = None
    why: str = BUDGET


def bound_of(session: Session, campaign: Campaign) -> Bound:
    """A coupon of which nobody could say what it is worth is bound by the members alone."""
    if campaign.budget_fen is not None:
        return Bound(fen=campaign.budget_fen)
    told = session.get_one(ApprovalRequest, campaign.approval_id).details
    known = told.get("coupon_worth_known", False)
    return Bound(
        members=told.get("most_members") if campaign.gift else None,
        fen=told.get("most_fen") if known else None,
        why=NOT_AGREED,
    )
