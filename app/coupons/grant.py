"""Coupons for members that the back office names: the wish is written down first, then each member gets theirs.

One transaction for all of them would lose everything by one member's limit, and hold the stock against everybody else.
So what a killed process leaves is half a grant, never a member with half of theirs; app/coupons/grant_run.py goes on.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import audit, idempotency, policies
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved
from app.coupons.grant_models import CouponGrant, CouponGrantMember
from app.coupons.grant_rows import Found, Row, found
from app.coupons.policy import CouponPolicy
from app.coupons.template import load, only
from app.db import into, transaction
from app.ids import new_id
from app.members.phones import PhoneVault
from app.staff.models import Staff
from app.staff.roles import MANAGE_ACTIVITIES
from app.staff.sign_in import may_still

APPROVAL_KIND = "coupon_grant"
#: For one call, and for each member in it.
MOST_MEMBERS, MOST_EACH = 1_000, 10
#: With what is left of each: more do not go into the body of a request.
MOST_HOLDINGS = 500
_DAY = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`count` coupons of the template for each of the members."""

    template_id: str
    rows: Sequence[Row]
    count: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What is kept for the key: the grant alone. How it stands is read anew."""

    grant_id: str


def start(
    *, wish: Wish, staff_id: int, request: idempotency.Request, vault: PhoneVault, now: datetime
) -> Granted:
    """Write the wish down; above what the person may give alone it waits for a second one.

    Raises `NotFound` for an unknown template, `KeyReused`, `Busy`. What stands against a member is told by member.
    """
    if any(row.phone is not None for row in wish.rows):
        # What was asked holds numbers, and a plain hash of one is soon guessed.
        request = replace(request, hash=vault.blind(request.hash))
    with transaction() as session:
        former = idempotency.claim(session, request, Granted)
        if former is not None:
            return former
        granted = _write_down(session, wish, staff_id, vault, request.hash, now)
        idempotency.remember(session, request, granted, now)
        return granted


def _write_down(
    session: Session, wish: Wish, staff_id: int, vault: PhoneVault, digest: bytes, now: datetime
) -> Granted:
    """`digest` is that of what was asked."""
    template = load(session, wish.template_id, now=now)
    stores = template.stores
    named = found(session, wish.rows, template.face, vault, now)
    grant = CouponGrant(
        id=new_id(now),
        template_id=wish.template_id,
        count=wish.count,
        coupons=wish.count * sum(one.refusal is None for one in named),
        reason=wish.reason,
        requested_by=staff_id,
        alone_grants=policies.in_force(session, CouponPolicy).value.alone_grants,
        state="open",
        created_at=now,
    )
    by_phone = sum(row.phone is not None for row in wish.rows)
    if not _may_alone(session, grant, now):
        waiting = _ask(session, grant, named, digest if by_phone else None, stores, now)
        if waiting.subject != grant.id:
            _record(session, grant, "coupons.grant_again", waiting.subject, only(stores), by_phone, now)
            return Granted(grant_id=waiting.subject)
        grant.approval_id, grant.state = waiting.id, "waiting"
    session.add(grant)
    session.flush()
    session.execute(into(CouponGrantMember), _rows(grant.id, named))
    _record(session, grant, "coupons.grant", grant.id, only(stores), by_phone, now)
    return Granted(grant_id=grant.id)


def _rows(grant_id: str, named: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {
            "grant_id": grant_id,
            "place": place,
            "state": "left" if one.refusal is None else "refused",
            **asdict(one),
        }
        for place, one in enumerate(named, start=1)
    ]


def _may_alone(session: Session, grant: CouponGrant, now: datetime) -> bool:
    if grant.coupons > grant.alone_grants:
        return False
    # One at a time for each person, or two halves of a day's limit would each look like the first.
    lock = select(Staff.id).where(Staff.id == grant.requested_by).with_for_update(key_share=True)
    session.execute(lock)
    given = select(func.coalesce(func.sum(CouponGrant.coupons), 0)).where(
        CouponGrant.requested_by == grant.requested_by,
        CouponGrant.approval_id.is_(None),
        CouponGrant.created_at >= now - _DAY,
    )
    most = policies.in_force(session, CouponPolicy).value.alone_grants_a_day
    return bool(session.execute(given).scalar_one() + grant.coupons <= most)


def _ask(
    session: Session,
    grant: CouponGrant,
    named: Sequence[Found],
    digest: bytes | None,
    stores: frozenset[int] | None,
    now: datetime,
) -> second_person.Alike:
    """The request for it: the one that waits already, where the person has asked for the very same.

    Phone numbers stand in none, so there `digest` tells one list from another.
    """
    wish: second_person.Wish = {
        "kind": APPROVAL_KIND,
        "details": {
            "template_id": grant.template_id,
            "count": grant.count,
            "coupons": grant.coupons,
            "reason": grant.reason,
            **_told(named),
            **({} if digest is None else {"digest": digest.hex()}),
        },
        "store_id": only(stores),
        "staff_id": grant.requested_by,
        "now": now,
    }
    alike = second_person.same(session, **wish)
    if alike is not None:
        return alike
    return second_person.Alike(id=second_person.ask(session, subject=grant.id, **wish), subject=grant.id)


def _told(named: Sequence[Found]) -> dict[str, Any]:
    """For the second person: who, what is left of theirs where somebody has said so, and who gets nothing."""
    if all((one.uses, one.valid_through, one.refusal) == (None, None, None) for one in named):
        return {"member_nos": [one.member_no for one in named]}
    return {
        "holdings": [
            {
                "member_no": one.member_no,
                "uses_left": one.uses,
                "valid_through": None if one.valid_through is None else one.valid_through.isoformat(),
                "refusal": one.refusal,
            }
            for one in named
        ]
    }


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Open it: the worker gives each member theirs.

    Raises `ApprovalOutdated` when whoever asked has lost the right or the account.
    """
    grant = session.execute(select(CouponGrant).where(CouponGrant.id == approved.subject)).scalar_one()
    stores = load(session, grant.template_id, now=now).stores
    if not all(
        may_still(session, approved.requested_by, MANAGE_ACTIVITIES, store) for store in stores or (None,)
    ):
        raise ApprovalOutdated
    grant.state = "open"
    session.flush()


def close_refused(session: Session, grant_id: str) -> None:
    """A second person has said no, or who asked has withdrawn it."""
    session.execute(
        update(CouponGrant)
        .where(CouponGrant.id == grant_id, CouponGrant.state == "waiting")
        .values(state="closed")
    )


def _record(
    session: Session,
    grant: CouponGrant,
    action: str,
    grant_id: str,
    store_id: int | None,
    by_phone: int,
    now: datetime,
) -> None:
    audit.record(
        session,
        audit.Actor(type="staff", id=grant.requested_by),
        action,
        "coupon_grant",
        grant_id,
        now=now,
        store_id=store_id,
        template_id=grant.template_id,
        coupons=grant.coupons,
        by_phone=by_phone,
        reason=grant.reason,
        approval_id=grant.approval_id,
    )
