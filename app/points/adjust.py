"""Points given or taken by hand: with a reason, by a name, and above a limit only with a second person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from msgspec import Meta
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import audit, idempotency, policies
from app.approvals import second_person
from app.clock import business_date
from app.db import transaction
from app.errors import Invalid, NotFound
from app.ids import new_id
from app.ledger.post import POINTS, Cause, Posting, post
from app.members.hold import hold
from app.members.models import Member
from app.points.lots import ends_at
from app.points.models import Adjustment
from app.points.rules import NEVER, Expiry
from app.staff.models import Staff
from app.staff.roles import ADJUST_POINTS
from app.staff.sign_in import may_still
from app.stores.models import Store

APPROVAL_KIND = "points_adjustment"
#: Why points are moved by hand; each with its words in `app/texts`.
REASONS = ("goodwill", "correction", "complaint", "promotion")


class AdjustmentPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much one person may move alone: at once, and within 24 hours; above it somebody else must agree."""

    NAME: ClassVar[str] = "points_adjustment"

    alone_points: Annotated[int, Meta(ge=0, le=1_000_000)] = 500
    alone_points_a_day: Annotated[int, Meta(ge=0, le=10_000_000)] = 2_000
    most_points: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000
    #: Whole days that given points last; None: they never end.
    lifetime_days: Annotated[int, Meta(ge=1, le=3_660)] | None = 365


class AdjustmentTooLarge(Invalid):
    """Data: `most`, points."""

    code = "adjustment_too_large"


@dataclass(frozen=True, kw_only=True)
class Adjusted:
    """`state` is `posted`, or `pending` with the request that waits for a second person.

    `points_after` is what the member may spend then.
    """

    adjustment_id: str
    state: str
    approval_id: str | None
    points: int
    points_after: int | None


def adjust(
    *,
    member_no: str,
    points: int,
    reason: str,
    note: str,
    store_id: int,
    staff_id: int,
    request: idempotency.Request,
    now: datetime,
) -> Adjusted:
    """Give (positive) or take points in the name of a store.

    Raises `NotFound` for an unknown or inactive member, `AdjustmentTooLarge`, `NotEnough` when there is less to take,
    `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Adjusted)
        if former is not None:
            return former
        policy = policies.in_force(session, AdjustmentPolicy).value
        if abs(points) > policy.most_points:
            raise AdjustmentTooLarge(most=policy.most_points)
        adjustment = Adjustment(
            id=new_id(now),
            member_id=_member(session, member_no),
            store_id=store_id,
            points=points,
            reason=reason,
            note=note,
            alone_points=policy.alone_points,
            requested_by=staff_id,
            created_at=now,
        )
        answer = _carry_out_or_ask(session, adjustment, member_no, policy, now)
        idempotency.remember(session, request, answer, now)
        return answer


def _member(session: Session, member_no: str) -> int:
    found = session.execute(
        select(Member.id).where(Member.member_no == member_no, Member.status == "active")
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def _carry_out_or_ask(
    session: Session, adjustment: Adjustment, member_no: str, policy: AdjustmentPolicy, now: datetime
) -> Adjusted:
    after = None
    alone = _may_alone(session, adjustment, policy, now)
    if not alone:
        asked = _ask(session, adjustment, member_no, now)
        if asked.subject != adjustment.id:
            return Adjusted(
                adjustment_id=asked.subject,
                state="pending",
                approval_id=asked.id,
                points=adjustment.points,
                points_after=None,
            )
        adjustment.approval_id = asked.id
    session.add(adjustment)
    session.flush()
    if alone:
        after = _post(session, adjustment, policy, now)
    actor = audit.Actor(type="staff", id=adjustment.requested_by)
    audit.record(
        session,
        actor,
        "points.adjust",
        "adjustment",
        adjustment.id,
        now=now,
        store_id=adjustment.store_id,
        points=adjustment.points,
        approval_id=adjustment.approval_id,
    )
    return Adjusted(
        adjustment_id=adjustment.id,
        state="posted" if alone else "pending",
        approval_id=adjustment.approval_id,
        points=adjustment.points,
        points_after=after,
    )


def _ask(session: Session, adjustment: Adjustment, member_no: str, now: datetime) -> second_person.Alike:
    """The request for it: the one that waits already, where the person has asked for the very same."""
    wish: second_person.Wish = {
        "kind": APPROVAL_KIND,
        "details": {
            "member_no": member_no,
            "points": adjustment.points,
            "reason": adjustment.reason,
            "note": adjustment.note,
        },
        "store_id": adjustment.store_id,
        "staff_id": adjustment.requested_by,
        "now": now,
    }
    alike = second_person.same(session, **wish)
    if alike is not None:
        return alike
    approval_id = second_person.ask(session, subject=adjustment.id, **wish)
    return second_person.Alike(id=approval_id, subject=adjustment.id)


_MOVED_ALONE = text("""
    SELECT coalesce(sum(abs(points)), 0)::bigint FROM points_adjustments
    WHERE requested_by = :staff_id AND approval_id IS NULL AND created_at >= :since""")


def _may_alone(session: Session, adjustment: Adjustment, policy: AdjustmentPolicy, now: datetime) -> bool:
    if abs(adjustment.points) > policy.alone_points:
        return False
    # One at a time for each person, or two halves of a day's limit would each look like the first.
    # Not a full lock: refunds name the person after they took the account, and the two would wait for each other.
    lock = select(Staff.id).where(Staff.id == adjustment.requested_by).with_for_update(key_share=True)
    session.execute(lock)
    # Not a calendar day: it begins at another time in each store's zone, and would count twice between them.
    since = now - timedelta(hours=24)
    moved = session.execute(_MOVED_ALONE, {"staff_id": adjustment.requested_by, "since": since}).scalar_one()
    return bool(moved + abs(adjustment.points) <= policy.alone_points_a_day)


def carry_out(session: Session, approved: second_person.Approved, now: datetime) -> None:
    """Post what a second person has agreed to, with the lifetime that holds now.

    Raises `ApprovalOutdated` when it could not be asked for any more: the member is not active, whoever asked has lost
    the right or the account, the store has closed, the limit has been lowered; `NotEnough`.
    """
    adjustment = session.execute(select(Adjustment).where(Adjustment.id == approved.subject)).scalar_one()
    policy = policies.in_force(session, AdjustmentPolicy).value
    if abs(adjustment.points) > policy.most_points:
        raise second_person.ApprovalOutdated
    member = hold(session, adjustment.member_id)
    store = session.execute(select(Store.status).where(Store.id == adjustment.store_id)).scalar_one()
    if member != "active" or store != "open":
        raise second_person.ApprovalOutdated
    if not may_still(session, adjustment.requested_by, ADJUST_POINTS, adjustment.store_id):
        raise second_person.ApprovalOutdated
    _post(session, adjustment, policy, now)


def _post(session: Session, adjustment: Adjustment, policy: AdjustmentPolicy, now: datetime) -> int:
    zone = _zone(session, adjustment.store_id)
    day = business_date(now, zone)
    lifetime = NEVER if policy.lifetime_days is None else Expiry(kind="days", n=policy.lifetime_days)
    cause = Cause(
        kind="adjust",
        source_type="adjustment",
        source_id=adjustment.id,
        store_id=adjustment.store_id,
        staff_id=adjustment.requested_by,
        note=adjustment.reason,
        occurred_at=now,
        business_date=day,
    )
    movement = Posting(
        member_id=adjustment.member_id,
        unit=POINTS,
        amount=adjustment.points,
        house="points_adjusted",
        expires_at=ends_at(lifetime, day, zone) if adjustment.points > 0 else None,
    )
    [posted] = post(session, cause, [movement])
    return posted.balance_after - posted.pending


def _zone(session: Session, store_id: int) -> str:
    return session.execute(select(Store.time_zone).where(Store.id == store_id)).scalar_one()
