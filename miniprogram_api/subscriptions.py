"""Asking for WeChat's subscribe messages: which are worth it now, and what the member answered."""

from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.identity.models import WECHAT_MINI
from app.messages import subscriptions
from app.messages.models import MOMENTS
from app.messages.subscriptions import App, Outcome
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.parts import parts
from web.schemas import Strict, text

blueprint = Blueprint(
    "subscriptions",
    __name__,
    url_prefix="/api/v1/me/subscriptions",
    description="Asking for subscribe messages",
)
guarded(blueprint, require_member)


class MomentSchema(Strict):
    at = fields.String(load_default="any", validate=validate.OneOf(MOMENTS))


class WorthAskingSchema(Strict):
    template_id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("receipt", "template")))
    name = fields.String(required=True, metadata={"description": "of a template; empty for the receipt"})


class WorthAskingListSchema(Strict):
    items = fields.List(fields.Nested(WorthAskingSchema()), required=True)


@blueprint.get("/ask")
@blueprint.arguments(MomentSchema(), location="query")
@blueprint.response(200, WorthAskingListSchema())
@blueprint.doc(security=MEMBER)
def ask(arguments: dict[str, Any]) -> Response:
    """At most three templates, for one call of `wx.requestSubscribeMessage`; none: do not ask now."""
    settings = parts().settings
    app = App(
        provider=WECHAT_MINI,
        app_id=settings.wechat_app_id or "",
        receipt=settings.wechat_receipt_template,
    )
    found = subscriptions.worth_asking(member_id=me().id, moment=arguments["at"], app=app, now=clock.now())
    return answer(
        {"items": [{"template_id": one.template_id, "kind": one.kind, "name": one.name} for one in found]}
    )


class SubscribeAnswerSchema(Strict):
    template_id = text(64, required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(get_args(Outcome)))


class SubscribeReportSchema(Strict):
    results = fields.List(
        fields.Nested(SubscribeAnswerSchema()), required=True, validate=validate.Length(1, 10)
    )


class SubscribeReportedSchema(Strict):
    counted = fields.Integer(
        required=True,
        metadata={"description": "credits that this report added: none where WeChat's events decide"},
    )


@blueprint.post("")
@blueprint.arguments(SubscribeReportSchema())
@blueprint.response(200, SubscribeReportedSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def report(arguments: dict[str, Any]) -> Response:
    """What `wx.requestSubscribeMessage` answered, by template; of one that is named twice the last."""
    here = parts()
    reported = subscriptions.report(
        member_id=me().id,
        results={one["template_id"]: one["outcome"] for one in arguments["results"]},
        receipt=here.settings.wechat_receipt_template,
        pushed=here.wechat_push is not None,
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer({"counted": reported.counted})
