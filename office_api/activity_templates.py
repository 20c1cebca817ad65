"""Ready templates of activities: which there are, what their forms ask, and the draft that a form makes."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.approvals.explain import why_text
from app.engagement import fill_form
from app.engagement.definitions import MOST_BUDGET
from app.engagement.fill_form import Form, Made
from app.engagement.form_fields import Field, Words
from app.engagement.forms import TEMPLATES, Template
from app.points.rules import MOST_NAMED, MOST_POINTS
from app.staff.roles import MANAGE_ACTIVITIES
from office_api.activities import codes_of
from office_api.activity_schemas import ActivitySchema, dump_activity
from office_api.guard import STAFF, actor, my_stores, need, require_staff, stores_named
from office_api.waiting import ExceededSchema
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.schemas import Strict, flag, text, whole

blueprint = Blueprint(
    "activity_templates",
    __name__,
    url_prefix="/office/v1/activity-templates",
    description="Activities from ready templates",
)
guarded(blueprint, require_staff)
#: Its items stand in the mall, which belongs to all stores together.
_OF_ALL_STORES = ("exchange_festival",)
_MOST_VALUES = 10


class WordsSchema(Strict):
    zh = fields.String(required=True)
    en = fields.String(required=True)


class FormFieldSchema(Strict):
    name = fields.String(required=True)
    type = fields.String(
        required=True,
        validate=validate.OneOf(("text", "whole", "moment", "flag", "stores", "tiers", "id", "ids")),
    )
    label = fields.Nested(WordsSchema(), required=True)
    help = fields.Nested(WordsSchema(), required=True)
    required = fields.Boolean(required=True)
    default = fields.Raw(required=True, allow_none=True)
    low = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of a number, of a text's length, or of how many are in a list"},
    )
    high = fields.Integer(required=True, allow_none=True)


class ActivityTemplateSchema(Strict):
    code = fields.String(required=True)
    name = fields.Nested(WordsSchema(), required=True)
    about = fields.Nested(WordsSchema(), required=True)
    fields_ = fields.List(
        fields.Nested(FormFieldSchema()),
        required=True,
        data_key="fields",
        metadata={"description": "stand in the form itself"},
    )
    values = fields.List(
        fields.Nested(FormFieldSchema()), required=True, metadata={"description": "stand in its `values`"}
    )


class ActivityTemplatesSchema(Strict):
    items = fields.List(fields.Nested(ActivityTemplateSchema()), required=True)


def _dump_template(template: Template) -> dict[str, Any]:
    common = [
        _dump_field(field, required=template.ends and field.name == "ends_at") for field in template.fields()
    ]
    return {
        "code": template.code,
        "name": _dump_words(template.name),
        "about": _dump_words(template.about),
        "fields": common,
        "values": [_dump_field(field, required=field.required) for field in template.values],
    }


def _dump_field(field: Field, *, required: bool) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "label": _dump_words(field.label),
        "help": _dump_words(field.help),
        "required": required,
        "default": field.default,
        "low": field.low,
        "high": field.high,
    }


def _dump_words(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


@blueprint.get("")
@blueprint.response(200, ActivityTemplatesSchema())
@blueprint.doc(security=STAFF)
def list_templates() -> Response:
    """What there is, and what each form asks: types, bounds, defaults, labels and help in both languages."""
    my_stores(MANAGE_ACTIVITIES)
    return answer({"items": [_dump_template(template) for template in TEMPLATES.values()]})


def _list_of(longest: int) -> fields.List[Any]:
    return fields.List(
        text(longest), load_default=None, allow_none=True, validate=validate.Length(1, MOST_NAMED)
    )


class FormSchema(Strict):
    name_zh = text(40, load_default=None, allow_none=True)
    name_en = text(60, load_default=None, allow_none=True)
    starts_at = fields.AwareDateTime(load_default=None, allow_none=True)
    ends_at = fields.AwareDateTime(load_default=None, allow_none=True)
    stores = _list_of(32)
    tiers = _list_of(24)
    birthday_month = flag(load_default=False)
    points_at_least = whole(0, MOST_POINTS, load_default=0)
    points_most = whole(0, MOST_BUDGET, load_default=None, allow_none=True)
    coupons_most = whole(0, MOST_BUDGET, load_default=None, allow_none=True)
    values = fields.Dict(
        keys=text(24),
        values=fields.Raw(allow_none=True),
        load_default={},
        validate=validate.Length(0, _MOST_VALUES),
        metadata={"description": "what only this template asks, by name"},
    )


class MadeItemSchema(Strict):
    id = fields.String(required=True)
    name_zh = fields.String(required=True)
    name_en = fields.String(required=True)
    points = fields.Integer(required=True)
    cash_fen = fields.Integer(required=True)


class MadeActivitySchema(Strict):
    activity = fields.Nested(ActivitySchema(), required=True, metadata={"description": "a draft"})
    items = fields.List(
        fields.Nested(MadeItemSchema()),
        required=True,
        metadata={"description": "reward items that come into the mall with it"},
    )
    second_person = fields.Boolean(
        required=True, metadata={"description": "publishing it will wait for a second person"}
    )
    why = fields.List(fields.Nested(ExceededSchema()), required=True)
    to_do = fields.List(
        fields.String(validate=validate.OneOf(("publish", "announce_round"))),
        required=True,
        metadata={"description": "what is left to do until members see it, in this order"},
    )


@blueprint.post("/<string:code>")
@blueprint.arguments(FormSchema())
@blueprint.response(201, MadeActivitySchema())
@blueprint.doc(security=STAFF)
def fill(arguments: dict[str, Any], code: str) -> Response:
    """From one form the draft of everything. `POST /office/v1/activities/{id}/publish` puts all of it on."""
    codes = set(arguments["stores"] or ())
    ids = stores_named(MANAGE_ACTIVITIES, codes)
    if not codes or code in _OF_ALL_STORES:
        need(MANAGE_ACTIVITIES, None)
    given = arguments | {
        "stores": frozenset(ids[one] for one in codes) or None,
        "tiers": frozenset(arguments["tiers"] or ()) or None,
    }
    made = fill_form.make(code=code, form=Form(**given), actor=actor(), now=clock.now())
    return answer(_dump_made(made), 201)


def _dump_made(made: Made) -> dict[str, Any]:
    rounds = ["announce_round"] if made.activity.kind == "lottery" else []
    return {
        "activity": dump_activity(made.activity, codes_of([made.activity])),
        "items": [
            {
                "id": item.item_id,
                "name_zh": item.reward.name_zh,
                "name_en": item.reward.name_en,
                "points": item.reward.price.points,
                "cash_fen": item.reward.price.cash_fen,
            }
            for item in made.items
        ],
        "second_person": made.second_person,
        "why": [
            {"policy": one.policy, "field": one.field, "limit": one.limit, "text": why_text(one, language())}
            for one in made.why
        ],
        "to_do": ["publish", *rounds],
    }
