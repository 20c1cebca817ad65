"""Making, changing and ending offers; what gives more than one person may give alone waits for a second one."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app import audit, policies
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Exceeded, Waiting
from app.coupons.template import load
from app.db import transaction
from app.errors import NotFound, VersionConflict
from app.staff.roles import MANAGE_RULES
from app.staff.sign_in import may_still
from app.stored_value.offers import (
    Draft,
    Offer,
    OfferInThePast,
    OfferMalformed,
    add,
    check,
    newest,
    next_no,
    one_after_another,
)
from app.stored_value.policy import StoredValuePolicy
from app.typed import convert

APPROVAL_KIND = "top_up_offer"
_WHOLE_BP = 10_000


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> Offer | Waiting:
    """A new offer; above what its maker may give alone it waits. Raises `OfferInThePast`, `OfferMalformed`."""
    with transaction() as session:
        one_after_another(session)
        _check_coupon(session, draft, now)
        waiting = _ask(session, None, 0, draft, actor, "offer.create", now)
        return waiting or add(session, next_no(session), 1, draft, actor, "offer.create", now)


def change(
    *, offer_no: int, version: int, draft: Draft, actor: audit.Actor, now: datetime
) -> Offer | Waiting:
    """The next version; it takes the place of those that were to begin later, too. It may wait as `create`.

    `version` is the newest one the caller has seen. Raises `NotFound`, `VersionConflict`, `OfferInThePast`,
    `OfferMalformed`.
    """
    with transaction() as session:
        one_after_another(session)
        newest(session, offer_no, version)
        _check_coupon(session, draft, now)
        waiting = _ask(session, offer_no, version, draft, actor, "offer.change", now)
        return waiting or add(session, offer_no, version + 1, draft, actor, "offer.change", now)


def end(*, offer_no: int, version: int, actor: audit.Actor, now: datetime) -> Offer:
    """End it now, by a version that begins and ends at once. Raises `NotFound`, `VersionConflict`."""
    with transaction() as session:
        one_after_another(session)
        known = asdict(newest(session, offer_no, version))
        for name in ("id", "offer_no", "version"):
            del known[name]
        draft = Draft(**known | {"effective_from": now, "effective_until": now})
        return add(session, offer_no, version + 1, draft, actor, "offer.end", now)


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Make the version that a second person has agreed to. If its time has come meanwhile it begins now.

    Raises `ApprovalOutdated` when the offer has another version since, when its time is over, or when whoever asked has
    lost the right or the account.
    """
    one_after_another(session)
    if not may_still(session, approved.requested_by, MANAGE_RULES, None):
        raise ApprovalOutdated
    asked = dict(approved.details)
    offer_no, version = asked.pop("offer_no"), asked.pop("version")
    begins, ends = (
        convert(asked.pop(name), datetime | None) for name in ("effective_from", "effective_until")
    )
    if begins is not None:
        begins = max(begins, now)
    draft = Draft(**asked, effective_from=begins, effective_until=ends)
    actor, action = (
        audit.Actor(type="staff", id=approved.requested_by),
        "offer.create" if offer_no is None else "offer.change",
    )
    try:
        if offer_no is None:
            offer_no = next_no(session)
        else:
            newest(session, offer_no, version)
        add(session, offer_no, version + 1, draft, actor, action, now, approval_id=approved.id)
    except (VersionConflict, OfferInThePast, OfferMalformed) as error:
        raise ApprovalOutdated from error


def _check_coupon(session: Session, draft: Draft, now: datetime) -> None:
    """Raises `OfferMalformed` for a template that nobody gets anything of."""
    if draft.coupon_template_id is None:
        return
    try:
        template = load(session, draft.coupon_template_id, now=now)
    except NotFound:
        raise OfferMalformed(reason="coupon_template_id: there is no such template") from None
    if template.state != "live":
        raise OfferMalformed(reason="coupon_template_id: the template is not live")


def exceeded(session: Session, draft: Draft) -> tuple[Exceeded, ...]:
    """The limits that keep one person from offering so much; a top-up takes one offer, so they do not add up.

    What a coupon of the template is worth a second person has agreed to; to give it for every top-up is another gift.
    """
    policy = policies.in_force(session, StoredValuePolicy).value
    beyond = {
        "alone_bonus_bp": draft.bonus_fen * _WHOLE_BP > draft.pay_fen * policy.alone_bonus_bp,
        "alone_points": draft.points > policy.alone_points,
        "alone_coupons": draft.coupon_count > policy.alone_coupons,
    }
    return tuple(
        Exceeded(policy=policy.NAME, field=field, limit=getattr(policy, field))
        for field, too_much in beyond.items()
        if too_much
    )


def _ask(
    session: Session,
    offer_no: int | None,
    version: int,
    draft: Draft,
    actor: audit.Actor,
    action: str,
    now: datetime,
) -> Waiting | None:
    """Put it before a second person, unless the actor may do it alone; the operator always may."""
    check(draft, action, now)
    if actor.type != "staff" or actor.id is None:
        return None
    why = exceeded(session, draft)
    if not why:
        return None
    asked: dict[str, Any] = {**msgspec.to_builtins(draft), "offer_no": offer_no, "version": version}
    approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject="new" if offer_no is None else str(offer_no),
        details=asked,
        store_id=None,
        staff_id=actor.id,
        now=now,
    )
    return Waiting(approval_id=approval_id, why=why)
