"""Making and changing templates. What gives anything to members needs a second person first; taking away does not."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Waiting
from app.coupons import template as rows
from app.coupons.face import Face, FaceMalformed, face_of
from app.coupons.template import CouponStockBelowIssued, Draft, Template
from app.coupons.terms import check, give_more, terms_of
from app.db import transaction
from app.errors import Conflict, NotFound, VersionConflict
from app.ids import new_id
from app.pictures import may_name
from app.points.known_names import check_names
from app.staff.roles import MANAGE_ACTIVITIES
from app.staff.sign_in import may_still

APPROVAL_KIND = "coupon_template"


class CouponInReview(Conflict):
    """A second person looks at it: what they see must not change meanwhile."""

    code = "coupon_in_review"


class CouponTemplateState(Conflict):
    """Not in this state. Data: `state`."""

    code = "coupon_template_state"


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> Template:
    """A draft, which nobody gets anything of yet. Raises `FaceMalformed`, `RuleNamesUnknown`."""
    check(draft.face, draft.terms, now)
    template_id = new_id(now)
    with transaction() as session:
        _check_named(session, draft.face, None)
        rows.add(session, template_id, draft, actor.id if actor.type == "staff" else None, now)
        rows.record(session, actor, "create", template_id, now)
        return rows.load(session, template_id, now=now)


def change(
    *, template_id: str, version: int, draft: Draft, actor: audit.Actor, now: datetime
) -> Template | Waiting:
    """Set face and terms anew, whole. Of one that members may have: what gives more waits for a second person.

    One that gets a stock after it had none is stopped before: members claim without a lock that it could wait for.
    Raises `NotFound`, `VersionConflict`, `FaceMalformed`, `CouponInReview`, `CouponTemplateState`,
    `CouponStockBelowIssued`, `RuleNamesUnknown`.
    """
    check(draft.face, draft.terms, now)
    with transaction() as session:
        former = rows.locked(session, template_id, version, now=now)
        _check_named(session, draft.face, former.face.picture_id)
        if former.state == "in_review":
            raise CouponInReview
        _check_stock(former, draft)
        if former.state != "draft" and _gives_more(former, draft):
            waiting = _ask(session, former, draft, "change", actor, now)
            if waiting is not None:
                return waiting
        rows.write(session, former, draft, state=former.state, now=now)
        rows.record(session, actor, "change", template_id, now)
        return rows.load(session, template_id, now=now)


def _check_named(session: Session, face: Face, former_picture: str | None) -> None:
    check_names(session, face.conditions)
    if not may_name(session, face.picture_id, former=former_picture):
        raise FaceMalformed(reason="picture_id: there is no such picture")


def _check_stock(former: Template, draft: Draft) -> None:
    if former.state == "live" and former.terms.stock is None and draft.terms.stock is not None:
        raise CouponTemplateState(state=former.state)


def submit(*, template_id: str, version: int, actor: audit.Actor, now: datetime) -> Template | Waiting:
    """Put a draft before a second person, with whose word it is live; the operator's is enough by itself.

    Raises `NotFound`, `VersionConflict`, `CouponInReview`, `CouponTemplateState`, `FaceMalformed`.
    """
    with transaction() as session:
        former = _in_state(session, template_id, version, "draft", now)
        check(former.face, former.terms, now)
        waiting = _ask(session, former, former, "publish", actor, now)
        rows.set_state(session, former, "in_review" if waiting else "live")
        rows.record(session, actor, "submit" if waiting else "publish", template_id, now)
        return waiting or rows.load(session, template_id, now=now)


def stop(*, template_id: str, version: int, actor: audit.Actor, now: datetime) -> Template:
    """Nobody gets any more; what members hold stays good. Raises as `submit`, but for `FaceMalformed`."""
    return _turn(template_id, version, "live", "stopped", "stop", actor, now)


def resume(*, template_id: str, version: int, actor: audit.Actor, now: datetime) -> Template:
    """What was agreed to before may be had again. Raises as `stop`."""
    return _turn(template_id, version, "stopped", "live", "resume", actor, now)


def _turn(
    template_id: str, version: int, before: str, after: str, action: str, actor: audit.Actor, now: datetime
) -> Template:
    with transaction() as session:
        rows.set_state(session, _in_state(session, template_id, version, before, now), after)
        rows.record(session, actor, action, template_id, now)
        return rows.load(session, template_id, now=now)


def _in_state(session: Session, template_id: str, version: int, state: str, now: datetime) -> Template:
    found = rows.locked(session, template_id, version, now=now)
    if found.state == "in_review":
        raise CouponInReview
    if found.state != state:
        raise CouponTemplateState(state=found.state)
    return found


def _gives_more(before: Draft, after: Draft) -> bool:
    """Of two faces nobody can say in general which gives more."""
    return after.face != before.face or give_more(before.terms, after.terms)


def _ask(
    session: Session, former: Template, draft: Draft, what: str, actor: audit.Actor, now: datetime
) -> Waiting | None:
    """The operator need not ask. `version` is the one it must still have when it is carried out."""
    if actor.type != "staff" or actor.id is None:
        return None
    details: dict[str, Any] = {
        "what": what,
        "version": former.version + (what == "publish"),
        "face": msgspec.to_builtins(draft.face, order="deterministic"),
        "terms": msgspec.to_builtins(draft.terms),
    }
    approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject=former.id,
        details=details,
        store_id=rows.only(_stores(former, draft)),
        staff_id=actor.id,
        now=now,
    )
    return Waiting(approval_id=approval_id)


def _stores(before: Draft, after: Draft) -> frozenset[int] | None:
    """Those that it was or will be about; None: all."""
    if before.stores is None or after.stores is None:
        return None
    return before.stores | after.stores


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Make live, or change, what a second person has agreed to.

    Raises `ApprovalOutdated` when it has another version since, when its time is over, when as many are out as the
    stock would be, or when whoever asked has lost the right or the account.
    """
    asked = approved.details
    try:
        former = rows.locked(session, approved.subject, asked["version"], now=now)
        draft = Draft(face=face_of(asked["face"]), terms=terms_of(asked["terms"]))
        check(draft.face, draft.terms, now)
        for store in _stores(former, draft) or (None,):
            if not may_still(session, approved.requested_by, MANAGE_ACTIVITIES, store):
                raise ApprovalOutdated
        _check_stock(former, draft)
        if asked["what"] == "publish":
            rows.set_state(session, former, "live")
        else:
            rows.write(session, former, draft, state=former.state, now=now)
    except (NotFound, VersionConflict, FaceMalformed, CouponTemplateState, CouponStockBelowIssued) as error:
        raise ApprovalOutdated from error
    actor = audit.Actor(type="staff", id=approved.requested_by)
    rows.record(session, actor, asked["what"], approved.subject, now, approval_id=approved.id)


def close_refused(session: Session, template_id: str) -> None:
    """Somebody has said no to it, or who asked has withdrawn it: one that was never live is a draft again."""
    rows.end_review(session, template_id)
