"""What a role may do, and where."""

from dataclasses import dataclass

from app.errors import Forbidden

SELL = "sell"
REFUND = "sales.refund"
MANAGE_STAFF = "staff.manage"
MANAGE_STORES = "stores.manage"
MANAGE_KEYS = "api_keys.manage"
MANAGE_RULES = "rules.manage"
MANAGE_ACTIVITIES = "activities.manage"
ADJUST_POINTS = "points.adjust"
APPROVE = "approvals.decide"
SEE_SHIFTS = "shifts.see"
SEE_AUDIT = "audit.see"
SETTLE = "settlements.manage"
ANSWER_FEEDBACK = "feedback.answer"
EDIT_MEMBERS = "members.edit"
MANAGE_SEGMENTS = "segments.manage"
MANAGE_CAMPAIGNS = "campaigns.manage"

RIGHTS: dict[str, frozenset[str]] = {
    "clerk": frozenset({SELL, REFUND, EDIT_MEMBERS}),
    "marketer": frozenset({MANAGE_ACTIVITIES, MANAGE_SEGMENTS, MANAGE_CAMPAIGNS}),
    "manager": frozenset(
        {
            SELL,
            REFUND,
            MANAGE_STAFF,
            MANAGE_KEYS,
            MANAGE_RULES,
            MANAGE_ACTIVITIES,
            ADJUST_POINTS,
            APPROVE,
            SEE_SHIFTS,
            SEE_AUDIT,
            SETTLE,
            ANSWER_FEEDBACK,
            EDIT_MEMBERS,
            MANAGE_SEGMENTS,
            MANAGE_CAMPAIGNS,
        }
    ),
    "admin": frozenset(
        {
            SELL,
            REFUND,
            MANAGE_STAFF,
            MANAGE_STORES,
            MANAGE_KEYS,
            MANAGE_RULES,
            MANAGE_ACTIVITIES,
            ADJUST_POINTS,
            APPROVE,
            SEE_SHIFTS,
            SEE_AUDIT,
            SETTLE,
            ANSWER_FEEDBACK,
            EDIT_MEMBERS,
            MANAGE_SEGMENTS,
            MANAGE_CAMPAIGNS,
        }
    ),
}


@dataclass(frozen=True)
class Grant:
    """A role in one store, or (None) in all of them."""

    role: str
    store_id: int | None


def stores_with(grants: tuple[Grant, ...], right: str) -> frozenset[int] | None:
    """In which stores the grants give the right; None means in all of them."""
    fitting = [grant for grant in grants if right in RIGHTS[grant.role]]
    if any(grant.store_id is None for grant in fitting):
        return None
    return frozenset(grant.store_id for grant in fitting if grant.store_id is not None)


def stores_of(grants: tuple[Grant, ...]) -> frozenset[int] | None:
    """The stores in which the grants give any role at all; None means all of them."""
    if any(grant.store_id is None for grant in grants):
        return None
    return frozenset(grant.store_id for grant in grants if grant.store_id is not None)


def require(grants: tuple[Grant, ...], right: str, store_id: int | None) -> None:
    """Raise `Forbidden`, which names the right, unless the grants give it in that store (None: in all stores)."""
    where = stores_with(grants, right)
    if where is None or (store_id is not None and store_id in where):
        return
    # Who has it somewhere is told that it is about all stores, and may name theirs.
    raise Forbidden(right=right, **({"reason": "all_stores"} if store_id is None and where else {}))
