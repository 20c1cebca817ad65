"""Settlement between the stores: drafts, closing, reopening. What they say: office_api/settlement_figures.py."""

from typing import Any

import msgspec
from flask import Response
from marshmallow import fields, validate

from app import clock
from app.approvals.second_person import Waiting
from app.settlement import close, draft
from app.settlement.statement import Header, PastClosing, closings, listing
from app.staff.roles import SETTLE
from office_api.guard import STAFF, actor, me, my_stores, need, require_staff
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, text, whole

blueprint = Blueprint(
    "settlements", __name__, url_prefix="/office/v1/settlements", description="Settlement between the stores"
)
guarded(blueprint, require_staff)

_STATES = ("draft", "closed", "reopened")


class SettlementVersionSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


class SettlementSchema(Strict):
    settlement_no = fields.Integer(required=True)
    version = fields.Integer(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(_STATES),
        metadata={"description": "reopened: what a former closing said"},
    )
    from_ = fields.Date(required=True, data_key="from", metadata={"description": "first business date in it"})
    until = fields.Date(required=True, metadata={"description": "first business date after it"})
    policy_version = fields.Integer(required=True)
    policy = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "`settlement`, docs/policies.md; frozen when it is closed"},
    )
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_by = fields.String(required=True, allow_none=True, metadata={"description": "staff number"})


def dump_header(header: Header) -> dict[str, Any]:
    return {
        "settlement_no": header.settlement_no,
        "version": header.version,
        "state": header.state,
        "from": header.from_date,
        "until": header.until_date,
        "policy_version": header.policy_version,
        "policy": msgspec.to_builtins(header.policy),
        "closed_at": header.closed_at,
        "closed_by": header.closed_by,
    }


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(SettlementSchema))
@blueprint.doc(security=STAFF)
def list_settlements(arguments: dict[str, Any]) -> Response:
    """Statements, newest first; drafts only for whoever settles all stores."""
    drafts, wanted = my_stores(SETTLE) is None, asked(arguments)
    found = listing(drafts=drafts, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda header: header.settlement_no, dump_header))


class NewSettlementSchema(Strict):
    until = fields.Date(
        required=True,
        metadata={
            "description": "first business date after it, today at the latest; it begins where the last ends"
        },
    )


class SettlementChangedSchema(Strict):
    settlement_no = fields.Integer(required=True)
    version = fields.Integer(required=True)


def _answer_changed(changed: draft.Changed, status: int = 200) -> Response:
    return answer({"settlement_no": changed.settlement_no, "version": changed.version}, status)


@blueprint.post("")
@blueprint.arguments(NewSettlementSchema())
@blueprint.response(201, SettlementChangedSchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Open a draft, from the end of the last statement on."""
    need(SETTLE, None)
    return _answer_changed(draft.create(**arguments, actor=actor(), now=clock.now()), 201)


class SettlementPeriodSchema(NewSettlementSchema, SettlementVersionSchema):
    pass


@blueprint.put("/<int:settlement_no>/period")
@blueprint.arguments(SettlementPeriodSchema())
@blueprint.response(200, SettlementChangedSchema())
@blueprint.doc(security=STAFF)
def change(arguments: dict[str, Any], settlement_no: int) -> Response:
    """Another end for a draft."""
    need(SETTLE, None)
    return _answer_changed(
        draft.change(settlement_no=settlement_no, **arguments, actor=actor(), now=clock.now())
    )


@blueprint.post("/<int:settlement_no>/discard")
@blueprint.arguments(SettlementVersionSchema())
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def discard(arguments: dict[str, Any], settlement_no: int) -> Response:
    """Drop a draft that was never closed."""
    need(SETTLE, None)
    draft.discard(settlement_no=settlement_no, **arguments, actor=actor(), now=clock.now())
    return nothing()


@blueprint.post("/<int:settlement_no>/close")
@blueprint.arguments(SettlementVersionSchema())
@blueprint.response(200, SettlementChangedSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def close_(arguments: dict[str, Any], settlement_no: int) -> Response:
    """Freeze a draft as it stands at this moment.

    202 when it owes more than one person may close alone.
    """
    need(SETTLE, None)
    closed = close.close(settlement_no=settlement_no, **arguments, staff_id=me().id, now=clock.now())
    return answer_waiting(closed) if isinstance(closed, Waiting) else _answer_changed(closed)


class ReopenSettlementSchema(SettlementVersionSchema):
    reason = text(200, required=True, metadata={"description": "for colleagues; nothing that names a person"})


@blueprint.post("/<int:settlement_no>/reopen")
@blueprint.arguments(ReopenSettlementSchema())
@blueprint.response(200, SettlementChangedSchema())
@blueprint.doc(security=STAFF)
def reopen(arguments: dict[str, Any], settlement_no: int) -> Response:
    """Make the last closed statement a draft again. What it said stays on record."""
    need(SETTLE, None)
    return _answer_changed(
        close.reopen(settlement_no=settlement_no, **arguments, actor=actor(), now=clock.now())
    )


class SettlementClosingSchema(Strict):
    version = fields.Integer(required=True)
    from_ = fields.Date(required=True, data_key="from")
    until = fields.Date(required=True)
    policy_version = fields.Integer(required=True)
    owed_fen = fields.Integer(required=True)
    closed_at = fields.AwareDateTime(required=True)
    closed_by = fields.String(required=True, allow_none=True, metadata={"description": "staff number"})
    reopened_at = fields.AwareDateTime(required=True, allow_none=True)
    reopened_by = fields.String(required=True, allow_none=True, metadata={"description": "staff number"})
    reason = fields.String(required=True, allow_none=True)


def _dump_closing(closing: PastClosing) -> dict[str, Any]:
    told = {name: getattr(closing, name) for name in PastClosing.__dataclass_fields__}
    return told | {"from": told.pop("from_date"), "until": told.pop("until_date")}


@blueprint.get("/<int:settlement_no>/closings")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(SettlementClosingSchema))
@blueprint.doc(security=STAFF)
def list_closings(arguments: dict[str, Any], settlement_no: int) -> Response:
    """How often the statement was closed, newest first, and why a closing did not stand."""
    need(SETTLE, None)
    wanted = asked(arguments)
    found = closings(settlement_no=settlement_no, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda closing: closing.version, _dump_closing))
