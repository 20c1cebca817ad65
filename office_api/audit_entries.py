"""The audit log, for whoever answers for what staff do."""

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app.staff.audit_trail import Entry, Place, Wanted, entries
from app.staff.roles import SEE_AUDIT
from office_api.guard import STAFF, my_stores, require_staff, store_named
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import BadCursor, Page, PageArguments, asked, matched, page, page_of
from web.schemas import Strict, text

blueprint = Blueprint(
    "audit_entries", __name__, url_prefix="/office/v1/audit-entries", description="Who did what, and when"
)
guarded(blueprint, require_staff)

_WORD = "[a-z][a-z_]*"


class AuditEntriesArguments(PageArguments):
    actor = text(16, load_default=None, metadata={"description": "staff number"})
    action = fields.String(
        load_default=None,
        validate=[validate.Length(1, 40), validate.Regexp(rf"{_WORD}(\.{_WORD})?\Z", error="Invalid value.")],
        metadata={"description": "`staff.change`, or what stands before the dot, `staff`, for all of it"},
    )
    object_type = fields.String(
        load_default=None,
        validate=[validate.Length(1, 24), validate.Regexp(rf"{_WORD}\Z", error="Invalid value.")],
    )
    object_id = text(
        40,
        load_default=None,
        metadata={"description": "of a member the number; with `object_type`, and that with it"},
    )
    store = text(
        32, load_default=None, metadata={"description": "code; without it all that the caller may see"}
    )
    from_ = fields.AwareDateTime(load_default=None, data_key="from", metadata={"description": "at or after"})
    until = fields.AwareDateTime(load_default=None, metadata={"description": "before"})

    @validates_schema
    def of_its_type(self, data: dict[str, Any], **_: Any) -> None:
        for one, other in (("object_type", "object_id"), ("object_id", "object_type")):
            if data[one] is not None and data[other] is None:
                raise ValidationError("Missing data for required field.", other)


class AuditEntrySchema(Strict):
    id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    actor_type = fields.String(
        required=True, validate=validate.OneOf(("staff", "member", "operator", "system"))
    )
    actor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "staff number or member number; null for the operator and the system"},
    )
    action = fields.String(required=True)
    object_type = fields.String(required=True)
    object_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "as the API calls it; of a member the number"},
    )
    store = fields.String(
        required=True, allow_none=True, metadata={"description": "null: about no store, or several"}
    )
    data = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "what was before and after, by action"}
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def _key(entry: Entry) -> str:
    return f"{(entry.at - _EPOCH) // _MICROSECOND}-{entry.id}"


def _place(wanted: Page) -> Place | None:
    """Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    if found is None:
        return None
    try:
        return _EPOCH + int(found[1]) * _MICROSECOND, int(found[2])
    except OverflowError:
        raise BadCursor from None


@blueprint.get("")
@blueprint.arguments(AuditEntriesArguments(), location="query")
@blueprint.response(200, page_of(AuditEntrySchema))
@blueprint.doc(security=STAFF)
def list_entries(arguments: dict[str, Any]) -> Response:
    """What was done in the caller's stores, newest first; who answers for all stores also sees what is about none."""
    wanted, store = asked(arguments), arguments["store"]
    found = entries(
        wanted=Wanted(
            actor=arguments["actor"],
            action=arguments["action"],
            object_type=arguments["object_type"],
            object_id=arguments["object_id"],
            stores=my_stores(SEE_AUDIT) if store is None else {store_named(SEE_AUDIT, store)},
            since=arguments["from_"],
            until=arguments["until"],
        ),
        limit=wanted.limit + 1,
        before=_place(wanted),
    )
    return answer(page(found, wanted, _key, asdict))
