"""Points moved by hand, and the second person that these and other things need."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.approvals import second_person
from app.approvals.listing import Approval, listing
from app.checkout.decide import decide, vouch
from app.points.adjust import REASONS, Adjusted, adjust
from app.staff.roles import ADJUST_POINTS, APPROVE, stores_with
from app.stores.setup import store_codes
from office_api.guard import STAFF, me, my_stores, require_staff, store_named
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, flag, prose, text

blueprint = Blueprint(
    "approvals", __name__, url_prefix="/office/v1", description="Points moved by hand; the second person"
)
guarded(blueprint, require_staff)

#: Beyond every policy: a number of this size is a slip of the finger.
MOST_POINTS = 10_000_000


def _not_zero(points: int) -> None:
    if points == 0:
        raise ValidationError("Must not be zero.")


class AdjustmentSchema(Strict):
    member_no = text(20, required=True)
    points = fields.Integer(
        strict=True,
        required=True,
        validate=[validate.Range(-MOST_POINTS, MOST_POINTS), _not_zero],
        metadata={"description": "positive gives, negative takes"},
    )
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))
    note = text(200, required=True, metadata={"description": "for colleagues; nothing that names a person"})
    store = text(32, required=True, metadata={"description": "code of the store it is done for"})


class AdjustedSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("posted", "pending")))
    approval_id = fields.String(required=True, allow_none=True)
    points = fields.Integer(required=True)
    points_after = fields.Integer(required=True, allow_none=True)


def _dump_adjusted(adjusted: Adjusted) -> dict[str, Any]:
    return {
        "id": adjusted.adjustment_id,
        "state": adjusted.state,
        "approval_id": adjusted.approval_id,
        "points": adjusted.points,
        "points_after": adjusted.points_after,
    }


@blueprint.post("/points-adjustments")
@blueprint.arguments(AdjustmentSchema())
@blueprint.response(201, AdjustedSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def add_adjustment(arguments: dict[str, Any]) -> Response:
    """Give or take points by hand; `pending` above what one may do alone, until a second person agrees."""
    store_id = store_named(ADJUST_POINTS, arguments["store"])
    adjusted = adjust(
        member_no=arguments["member_no"],
        points=arguments["points"],
        reason=arguments["reason"],
        note=arguments["note"],
        store_id=store_id,
        staff_id=me().id,
        request=keyed(f"staff:{me().id}"),
        now=clock.now(),
    )
    return answer(_dump_adjusted(adjusted), 201)


class ApprovalsArguments(PageArguments):
    state = fields.String(load_default="pending", validate=validate.OneOf(("pending", "all")))


class ApprovalSchema(Strict):
    id = fields.String(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    details = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "what would be carried out"}
    )
    store = fields.String(
        required=True, allow_none=True, metadata={"description": "null: about all stores, or several"}
    )
    state = fields.String(
        required=True,
        validate=validate.OneOf(("pending", "approved", "rejected", "withdrawn", "outdated", "expired")),
    )
    requested_by = fields.String(required=True, metadata={"description": "staff number"})
    requested_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    decided_by = fields.String(required=True, allow_none=True, metadata={"description": "staff number"})
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "why it was refused, if they said"}
    )
    requester_proven = fields.Boolean(
        required=True,
        metadata={"description": "false: a till only named who asked; somebody must vouch for it first"},
    )
    vouched_by = fields.String(
        required=True, allow_none=True, metadata={"description": "staff number; who spoke for it"}
    )


_PAGE = page_of(ApprovalSchema)


def _dump_approval(approval: Approval, codes: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": approval.id,
        "kind": approval.kind,
        "subject": approval.subject,
        "details": _readable(approval.details, codes),
        "store": approval.store,
        "state": approval.state,
        "requested_by": approval.requested_by,
        "requested_at": approval.requested_at,
        "expires_at": approval.expires_at,
        "decided_by": approval.decided_by,
        "decided_at": approval.decided_at,
        "reason": approval.reason,
        "requester_proven": approval.requester_proven,
        "vouched_by": approval.vouched_by,
    }


#: Where what was asked for says its conditions: of a rule, of a coupon.
_DEFINED = ("definition", "face")


def _stores_in(details: Mapping[str, Any]) -> list[int]:
    """The ids of the stores it names."""
    return [
        store for part in _DEFINED for store in details.get(part, {}).get("conditions", {}).get("stores", ())
    ]


def _readable(details: dict[str, Any], codes: Mapping[int, str]) -> dict[str, Any]:
    """With codes of stores in place of ids."""
    told = dict(details)
    for part in _DEFINED:
        if stores := details.get(part, {}).get("conditions", {}).get("stores"):
            named = {**details[part]["conditions"], "stores": sorted(codes[store] for store in stores)}
            told[part] = {**details[part], "conditions": named}
    return told


@blueprint.get("/approvals")
@blueprint.arguments(ApprovalsArguments(), location="query")
@blueprint.response(200, _PAGE)
@blueprint.doc(security=STAFF)
def list_approvals(arguments: dict[str, Any]) -> Response:
    """What waits for a second person in the caller's stores, newest first."""
    return _listed(arguments, stores=my_stores(APPROVE))


class OwnApprovalsArguments(PageArguments):
    state = fields.String(load_default="all", validate=validate.OneOf(("pending", "all")))


@blueprint.get("/me/approvals")
@blueprint.arguments(OwnApprovalsArguments(), location="query")
@blueprint.response(200, _PAGE)
@blueprint.doc(security=STAFF)
def list_my_approvals(arguments: dict[str, Any]) -> Response:
    """What the caller has asked for and what became of it, newest first. For everybody, also without other rights."""
    return _listed(arguments, stores=None, asked_by=me().id)


def _listed(
    arguments: dict[str, Any], *, stores: frozenset[int] | None, asked_by: int | None = None
) -> Response:
    wanted = asked(arguments)
    found = listing(
        stores=stores,
        pending=arguments["state"] == "pending",
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
        asked_by=asked_by,
    )
    codes = store_codes({store for approval in found for store in _stores_in(approval.details)})
    return answer(page(found, wanted, lambda approval: approval.id, partial(_dump_approval, codes=codes)))


class DecisionSchema(Strict):
    error_messages = {"of_a_yes": "A yes has no reason."}  # noqa: RUF012  # as the library declares it

    agree = flag(required=True)
    reason = prose(
        200,
        load_default=None,
        allow_none=True,
        metadata={"description": "of a no, for who asked; nothing that names a person"},
    )

    @validates_schema
    def _of_a_no(self, data: dict[str, Any], **_: Any) -> None:
        if data["agree"] and data["reason"] is not None:
            raise ValidationError(self.error_messages["of_a_yes"], "reason")


@blueprint.post("/approvals/<string:approval_id>/decision")
@blueprint.arguments(DecisionSchema())
@blueprint.response(204)
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for another person")
@blueprint.doc(security=STAFF)
def decision(arguments: dict[str, Any], approval_id: str) -> Response:
    """Agree, and it is carried out at once; or not. Saying no to one's own request withdraws it, for which one needs no
    right.

    202: who asked was only named by a till. Now the caller has spoken for it, and somebody else must agree.
    """
    decided = decide(
        approval_id=approval_id,
        agree=arguments["agree"],
        reason=arguments["reason"],
        stores=my_stores(APPROVE) if arguments["agree"] else stores_with(me().grants, APPROVE),
        staff_id=me().id,
        now=clock.now(),
    )
    if decided == "vouch":
        return answer_waiting(second_person.Waiting(approval_id=approval_id))
    return nothing()


@blueprint.post("/approvals/<string:approval_id>/vouch")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def vouch_for(approval_id: str) -> Response:
    """Say that one did ask for it oneself, where a till only claimed so. For everybody, also without other rights."""
    vouch(approval_id=approval_id, staff_id=me().id, now=clock.now())
    return nothing()
