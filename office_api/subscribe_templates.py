"""WeChat's subscribe templates as the brand uses them."""

from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates

from app import clock
from app.messages import templates
from app.messages.models import MOMENTS
from app.messages.templates import Draft, Template
from app.providers.wechat.fields import TYPES
from app.staff.roles import MANAGE_ACTIVITIES
from office_api.guard import STAFF, actor, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.parts import parts
from web.schemas import Strict, flag, text, whole

blueprint = Blueprint(
    "subscribe_templates",
    __name__,
    url_prefix="/office/v1/subscribe-templates",
    description="Templates of WeChat subscribe messages",
)
guarded(blueprint, require_staff)

_MOST_FIELDS = 5
_KEY = validate.Regexp(
    rf"({'|'.join(sorted(TYPES))})[0-9]{{1,3}}\Z",
    error="Must be a key of the template's, as thing1, of a type that can be filled in.",
)
_PAGE = validate.Regexp(
    r"pages/[!-~]{1,194}\Z", error="Must be a page of the mini-program, as pages/code/index."
)


class FieldSchema(Strict):
    key = fields.String(required=True, validate=_KEY)
    label = text(20, required=True)


class MessageTemplateDraftSchema(Strict):
    name = text(60, required=True)
    category = fields.String(
        required=True,
        validate=validate.OneOf(("service", "marketing")),
        metadata={"description": "`service` takes the right to manage rules"},
    )
    long_term = flag(load_default=False, metadata={"description": "one yes is for any number of messages"})
    fields_ = fields.List(
        fields.Nested(FieldSchema()),
        required=True,
        data_key="fields",
        attribute="fields",
        validate=validate.Length(1, _MOST_FIELDS),
        metadata={"description": "WeChat's keys in their order, and what the template calls them"},
    )
    page = fields.String(
        load_default="pages/messages/index",
        validate=_PAGE,
        metadata={"description": "where a tap on the message leads; may carry a query"},
    )
    asked_when = fields.String(load_default="any", validate=validate.OneOf(MOMENTS))
    enough = whole(1, 20, load_default=3, metadata={"description": "with so many credits nobody is asked"})
    active = flag(load_default=True, metadata={"description": "false: retired"})

    @validates("fields_")
    def distinct(self, value: list[dict[str, str]], **_: object) -> None:
        keys = [field["key"] for field in value if "key" in field]
        if len(set(keys)) < len(keys):
            raise ValidationError("Must not name a key twice.")


class NewMessageTemplateSchema(MessageTemplateDraftSchema):
    template_id = fields.String(
        required=True,
        validate=validate.Regexp(r"[!-~]{1,64}\Z", error="Must be an id of WeChat's."),
        metadata={"description": "WeChat's id of the template; it stays"},
    )


class MessageTemplateChangeSchema(MessageTemplateDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the one that was read"})


class ShownFieldSchema(Strict):
    key = fields.String(required=True)
    label = fields.String(required=True)


class MessageTemplateSchema(Strict):
    template_no = fields.Integer(required=True)
    template_id = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(required=True)
    long_term = fields.Boolean(required=True)
    fields_ = fields.List(fields.Nested(ShownFieldSchema()), required=True, data_key="fields")
    page = fields.String(required=True)
    asked_when = fields.String(required=True)
    enough = fields.Integer(required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)


def _dump(template: Template) -> dict[str, Any]:
    return {
        "template_no": template.id,
        "template_id": template.template_id,
        "name": template.name,
        "category": template.category,
        "long_term": template.long_term,
        "fields": [{"key": key, "label": label} for key, label in template.fields],
        "page": template.page,
        "asked_when": template.asked_when,
        "enough": template.enough,
        "active": template.active,
        "version": template.version,
    }


def _draft(arguments: dict[str, Any]) -> Draft:
    pairs = tuple((field["key"], field["label"]) for field in arguments.pop("fields"))
    return Draft(**arguments, fields=pairs)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(MessageTemplateSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """By number, retired ones among them; the receipt's is a setting and not in the list."""
    my_stores(MANAGE_ACTIVITIES)
    wanted = asked(arguments)
    found = templates.listing(limit=wanted.limit + 1, after=numeric(wanted))
    return answer(page(found, wanted, lambda template: template.id, _dump))


@blueprint.post("")
@blueprint.arguments(NewMessageTemplateSchema())
@blueprint.response(201, MessageTemplateSchema())
@blueprint.doc(security=STAFF)
def add(arguments: dict[str, Any]) -> Response:
    """Register a template that the brand has with WeChat."""
    added = templates.add(
        template_id=arguments.pop("template_id"),
        draft=_draft(arguments),
        receipt=parts().settings.wechat_receipt_template,
        actor=actor(),
        grants=me().grants,
        now=clock.now(),
    )
    return answer(_dump(added), 201)


@blueprint.put("/<int:template_no>")
@blueprint.arguments(MessageTemplateChangeSchema())
@blueprint.response(200, MessageTemplateSchema())
@blueprint.doc(security=STAFF)
def change(arguments: dict[str, Any], template_no: int) -> Response:
    """Change a template, whole, or retire it: nobody is asked for it any more, and nothing is sent by it."""
    version = arguments.pop("version")
    changed = templates.change(
        template_no=template_no,
        version=version,
        draft=_draft(arguments),
        actor=actor(),
        grants=me().grants,
        now=clock.now(),
    )
    return answer(_dump(changed))
