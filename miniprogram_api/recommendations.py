"""What the member may like."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app.recommendations.pick import BEST_SELLER, BOUGHT_WITH, Recommended, recommendations
from app.texts import say
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.schemas import Strict

blueprint = Blueprint(
    "recommendations", __name__, url_prefix="/api/v1/me", description="What the member may like"
)
guarded(blueprint, require_member)


class BecauseSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf((BOUGHT_WITH, BEST_SELLER)))
    name = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the product they bought that it goes with; null of a best seller"},
    )
    text = fields.String(required=True, metadata={"description": "says it"})


class RecommendationSchema(Strict):
    sku = fields.String(required=True)
    name = fields.String(required=True)
    because = fields.Nested(BecauseSchema(), required=True)


class RecommendationsSchema(Strict):
    personalised = fields.Boolean(
        required=True,
        metadata={
            "description": "false: the member wants none made from what they bought; the same for everybody"
        },
    )
    items = fields.List(
        fields.Nested(RecommendationSchema()),
        required=True,
        metadata={"description": "ten at most, best first; none where nothing was counted yet"},
    )


def _dump(one: Recommended) -> dict[str, Any]:
    text = say(f"recommended.{one.because}", language(), name=one.name_bought)
    because = {"kind": one.because, "name": one.name_bought, "text": text}
    return {"sku": one.sku, "name": one.name, "because": because}


@blueprint.get("/recommendations")
@blueprint.response(200, RecommendationsSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """Products that go with what one bought, then those that most members buy; counted by night."""
    found = recommendations(member_id=me().id)
    return answer({"personalised": found.personalised, "items": [_dump(one) for one in found.items]})
