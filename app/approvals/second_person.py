"""Asking for a second person, and their decision. What is approved is carried out by the story that asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NotRequired, TypedDict

from sqlalchemy import and_, or_, select, text, update
from sqlalchemy.orm import Session

from app.approvals.models import ApprovalRequest
from app.audit import AuditRow
from app.db import into
from app.errors import Conflict, Forbidden, Gone, NotFound
from app.ids import new_id

#: Long enough for a week with a holiday in it; what nobody wanted by then is not wanted.
LIFE = timedelta(days=7)
#: For so long an account is not independent of who made it, reset it or gave it its roles.
DEPENDENT = timedelta(days=30)


class ApprovalDecided(Conflict):
    """Somebody decided before. Data: `state`."""

    code = "approval_decided"


class ApprovalExpired(Gone):
    code = "approval_expired"


class ApprovalOutdated(Conflict):
    """What was asked for is no longer allowed, or no longer what it was: something has changed since."""

    code = "approval_outdated"


class ApproverIsRequester(Forbidden):
    code = "approver_is_requester"


class ApproverVouched(Forbidden):
    """Who spoke for the request is one of two people, and cannot be the other one too."""

    code = "approver_vouched"


class ApproverDependsOnRequester(Forbidden):
    """One of the two has lately made the other's account, or changed its password or roles: both may be one person."""

    code = "approver_depends_on_requester"


@dataclass(frozen=True, kw_only=True)
class Approved:
    """What the second person agreed to, in the words in which it was put before them."""

    id: str
    kind: str
    subject: str
    details: dict[str, Any]
    requested_by: int


@dataclass(frozen=True, kw_only=True)
class Exceeded:
    """What one person may do alone, and was gone beyond: a field of a policy, and its value."""

    policy: str
    field: str
    limit: int | str | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Nothing was done: a second person has been asked. `why` names each limit that was gone beyond."""

    approval_id: str
    why: tuple[Exceeded, ...] = ()


class Wish(TypedDict):
    """What `ask` and `same` are told."""

    kind: str
    details: Mapping[str, Any]
    store_id: int | None
    staff_id: int
    now: datetime
    proven: NotRequired[bool]


def ask(
    session: Session,
    *,
    kind: str,
    subject: str,
    details: Mapping[str, Any],
    store_id: int | None,
    staff_id: int,
    now: datetime,
    proven: bool = True,
) -> str:
    """Put it before the others, who see `details`; the request's id.

    Without a store only those decide who may everywhere. Who asks again for the very same while it waits is answered
    with the request that waits. `proven`: it is known that it is them, and not only claimed (app/staff/pins.py).
    """
    alike = same(
        session, kind=kind, details=details, store_id=store_id, staff_id=staff_id, now=now, proven=proven
    )
    if alike is not None and alike.subject == subject:
        return alike.id
    approval_id = new_id(now)
    session.execute(
        into(ApprovalRequest),
        {
            "id": approval_id,
            "kind": kind,
            "subject": subject,
            "details": dict(details),
            "store_id": store_id,
            "requested_by": staff_id,
            "requested_at": now,
            "expires_at": now + LIFE,
            "requester_proven": proven,
        },
    )
    return approval_id


@dataclass(frozen=True, kw_only=True)
class Alike:
    """A request that waits."""

    id: str
    subject: str


def same(
    session: Session,
    *,
    kind: str,
    details: Mapping[str, Any],
    store_id: int | None,
    staff_id: int,
    now: datetime,
    proven: bool = True,
) -> Alike | None:
    """The request in which this person has asked for the very same, if it still waits: a press too many.

    Who has proven meanwhile that it is them speaks for it with that. One person's requests of a kind come one after the
    other from here on, until the transaction ends.
    """
    words = f"approval {kind} {staff_id}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:words, 0))"), {"words": words})
    found = session.execute(
        select(ApprovalRequest.id, ApprovalRequest.subject)
        .where(
            ApprovalRequest.kind == kind,
            ApprovalRequest.details == dict(details),
            ApprovalRequest.store_id.is_not_distinct_from(store_id),
            ApprovalRequest.requested_by == staff_id,
            ApprovalRequest.state == "pending",
            ApprovalRequest.expires_at > now,
        )
        .order_by(ApprovalRequest.id)
    ).first()
    if found is None:
        return None
    if proven:
        _speak_for(session, found.id, staff_id)
    return Alike(id=found.id, subject=found.subject)


def waits(session: Session, approval_id: str | None, *, now: datetime) -> bool:
    """Whether it can still be decided about."""
    request = session.get_one(ApprovalRequest, approval_id)
    return request.state == "pending" and request.expires_at > now


def _speak_for(session: Session, approval_id: str, staff_id: int) -> None:
    """Who asked, whoever spoke for it before: that one may approve then."""
    session.execute(
        update(ApprovalRequest)
        .where(
            ApprovalRequest.id == approval_id,
            ApprovalRequest.state == "pending",
            ApprovalRequest.requester_proven.is_(False),
        )
        .values(vouched_by=staff_id)
    )


def vouch(session: Session, approval_id: str, *, staff_id: int, now: datetime) -> None:
    """Say by one's own sign-in that one did ask: then one other person is enough. Twice is as good as once.

    Raises `NotFound` for what somebody else has asked for, `ApprovalDecided`, `ApprovalExpired`.
    """
    request = _pending(session, approval_id, None, now)
    if request.requested_by != staff_id:
        raise NotFound
    _speak_for(session, approval_id, staff_id)


def outdate(session: Session, approval_id: str, *, staff_id: int, now: datetime) -> None:
    """What the person agreed to could not be carried out, and never will be: it does not wait any more."""
    session.execute(
        update(ApprovalRequest)
        .where(ApprovalRequest.id == approval_id, ApprovalRequest.state == "pending")
        .values(state="outdated", decided_by=staff_id, decided_at=now)
    )


def approve(
    session: Session, approval_id: str, *, stores: Collection[int] | None, staff_id: int, now: datetime
) -> Approved | None:
    """Agree; the caller carries it out in the same transaction.

    Where nobody has proven who asked, it may be the very person who agrees now: the first to agree only speaks for it
    (None), and it takes another one to approve. `stores`: where the person may approve (None: everywhere); what lies
    elsewhere is not found. Raises `NotFound`, `ApproverIsRequester`, `ApproverVouched`, `ApproverDependsOnRequester`,
    `ApprovalDecided`, `ApprovalExpired`.
    """
    request = _pending(session, approval_id, stores, now)
    if not request.requester_proven and request.vouched_by is None:
        request.vouched_by = staff_id
        return None
    if request.requested_by == staff_id:
        raise ApproverIsRequester
    if request.vouched_by == staff_id:
        raise ApproverVouched
    others = {request.requested_by, request.vouched_by or request.requested_by}
    if any(_depends(session, staff_id, other, now) for other in others):
        raise ApproverDependsOnRequester
    _end(request, "approved", staff_id, now)
    return Approved(**{name: getattr(request, name) for name in Approved.__dataclass_fields__})


def _depends(session: Session, approver: int, requester: int, now: datetime) -> bool:
    """Either way: who makes an account can ask through it as well as agree through it."""
    touched = select(AuditRow.id).where(
        AuditRow.object_type == "staff",
        AuditRow.actor_type == "staff",
        or_(
            and_(AuditRow.object_id == str(approver), AuditRow.actor_id == requester),
            and_(AuditRow.object_id == str(requester), AuditRow.actor_id == approver),
        ),
        AuditRow.at > now - DEPENDENT,
    )
    return bool(session.execute(select(touched.exists())).scalar_one())


def reject(
    session: Session,
    approval_id: str,
    *,
    stores: Collection[int] | None,
    staff_id: int,
    now: datetime,
    reason: str | None,
) -> tuple[str, str]:
    """Say no, and why; who asked withdraws instead, wherever they may approve. Raises as `approve`.

    Kind and subject, for what was kept until the decision.
    """
    request = _pending(session, approval_id, stores, now, asked_by=staff_id)
    _end(request, "withdrawn" if request.requested_by == staff_id else "rejected", staff_id, now)
    request.reason = reason
    return request.kind, request.subject


def _pending(
    session: Session,
    approval_id: str,
    stores: Collection[int] | None,
    now: datetime,
    *,
    asked_by: int | None = None,
) -> ApprovalRequest:
    """One of those stores, or that this person asked for."""
    request = session.execute(
        select(ApprovalRequest).where(ApprovalRequest.id == approval_id).with_for_update()
    ).scalar_one_or_none()
    if request is None or not (
        stores is None or request.store_id in stores or request.requested_by == asked_by
    ):
        raise NotFound
    if request.state != "pending":
        raise ApprovalDecided(state=request.state)
    if request.expires_at <= now:
        raise ApprovalExpired
    return request


def _end(request: ApprovalRequest, state: str, staff_id: int, now: datetime) -> None:
    request.state, request.decided_by, request.decided_at = state, staff_id, now
