"""Who a rule would mean, before it is saved; and what rules can ask."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.segments.fields.field import Field
from app.segments.fields.registry import GROUPS
from app.segments.preview import preview
from app.segments.rule import parse
from app.staff.roles import MANAGE_SEGMENTS
from app.texts.words import TEXTS
from app.throttle import Limit
from office_api.guard import STAFF, me, my_stores, need, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.parts import parts
from web.schemas import Strict

blueprint = Blueprint(
    "segment_previews",
    __name__,
    url_prefix="/office/v1",
    description="What segments can ask, and whom they mean",
)
guarded(blueprint, require_staff)

#: Each is a question to all members: more than a builder's page asks while somebody clicks together a rule.
PREVIEWS = Limit("segment_previews", 60, 600)


def rule_field(**options: Any) -> fields.Dict:
    """The rule as JSON; its own reader looks into it (app/segments/rule.py)."""
    return fields.Dict(
        keys=fields.String(),
        metadata={
            "description": "all, any, not over conditions of field, op, value and days: docs/segments.md",
            "example": {"all": [{"field": "purchases", "op": "at_least", "value": 3, "days": 90}]},
        },
        **options,
    )


class UnknownWordSchema(Strict):
    field = fields.String(required=True)
    word = fields.String(required=True)


def unknown_field() -> fields.List[Any]:
    """A hint, and no refusal (app/segments/unknown.py)."""
    return fields.List(
        fields.Nested(UnknownWordSchema()),
        required=True,
        data_key="unknown",
        attribute="unknown",
        metadata={
            "description": "tags, article numbers and categories that no member has, mistyped perhaps; 50 at most"
        },
    )


class SegmentWordSchema(Strict):
    zh = fields.String(required=True)
    en = fields.String(required=True)


class SegmentCodedWordSchema(SegmentWordSchema):
    code = fields.String(required=True)


class SegmentFieldSchema(Strict):
    field = fields.String(required=True)
    group = fields.Nested(SegmentCodedWordSchema(), required=True)
    words = fields.Nested(SegmentWordSchema(), required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf(("number", "fen", "days", "flag", "words", "months"))
    )
    ops = fields.List(fields.Nested(SegmentCodedWordSchema()), required=True)
    most = fields.Integer(required=True, allow_none=True, metadata={"description": "of a number"})
    days = fields.String(
        required=True,
        validate=validate.OneOf(("none", "optional", "required")),
        metadata={
            "description": "whether it takes `days`: the last, or of what is to come the next whole days"
        },
    )
    choices = fields.List(
        fields.Nested(SegmentCodedWordSchema()),
        required=True,
        allow_none=True,
        metadata={"description": "all the words there are; null: others may be written"},
    )
    names = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("tier", "store", "coupon_template", "list", "campaign")),
        metadata={"description": "what its words name"},
    )


class SegmentFieldsSchema(Strict):
    items = fields.List(fields.Nested(SegmentFieldSchema()), required=True)


def _words(key: str) -> dict[str, str]:
    zh, en = TEXTS[key]
    return {"zh": zh, "en": en}


def _dump(group: str, field: Field) -> dict[str, Any]:
    numeric = field.kind in ("number", "fen", "days")
    choices = field.choices
    return {
        "field": field.name,
        "group": {"code": group, **_words(f"segment.group.{group}")},
        "words": _words(f"segment.field.{field.name}"),
        "kind": field.kind,
        "ops": [{"code": op, **_words(f"segment.op.{op}")} for op in field.ops],
        "most": field.most if numeric else None,
        "days": "required" if field.needs_days else "optional" if field.windowed else "none",
        "choices": None
        if choices is None
        else [{"code": one, **_words(f"segment.choice.{field.name}.{one}")} for one in choices],
        "names": field.names,
    }


@blueprint.get("/segment-fields")
@blueprint.response(200, SegmentFieldsSchema())
@blueprint.doc(security=STAFF)
def list_fields() -> Response:
    """Everything a rule can ask about a member, with the words for it: for whoever builds a page."""
    my_stores(MANAGE_SEGMENTS)
    return answer({"items": [_dump(group, field) for group, found in GROUPS.items() for field in found]})


class PreviewWishSchema(Strict):
    rule = rule_field(required=True)


class SampledMemberSchema(Strict):
    member_no = fields.String(required=True, metadata={"description": "masked, as the name is"})
    name = fields.String(required=True)
    tier = fields.String(required=True)
    joined_at = fields.AwareDateTime(required=True)


class SegmentPreviewSchema(Strict):
    count = fields.Integer(required=True)
    sample = fields.List(
        fields.Nested(SampledMemberSchema()), required=True, metadata={"description": "twenty at most"}
    )
    unknown_ = unknown_field()


@blueprint.post("/segments/previews")
@blueprint.arguments(PreviewWishSchema())
@blueprint.response(200, SegmentPreviewSchema())
@blueprint.doc(security=STAFF)
def preview_rule(arguments: Mapping[str, Any]) -> Response:
    """How many members the rule means at this moment, and some of them. Saves nothing.

    503 `segment_too_slow` when it is not found out within ten seconds, `segments_busy` while others are counted.
    """
    need(MANAGE_SEGMENTS, None)
    rule = parse(arguments["rule"])
    parts().throttle.hit(PREVIEWS, me().id)
    return answer(asdict(preview(rule=rule, now=clock.now())))
