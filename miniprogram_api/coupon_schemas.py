"""How coupons are told to their holders."""

from typing import Any, get_args

from marshmallow import fields, validate

from app.coupons.explain import Names, effect_text, rules_text
from app.coupons.face import Face
from app.coupons.wallet import Held, Reason
from app.texts import say
from web.language import language
from web.pictures import picture_url, picture_url_field
from web.schemas import Strict


class FaceSchema(Strict):
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    picture_url = picture_url_field()
    kind = fields.String(required=True, validate=validate.OneOf(("amount", "percent", "free", "gift")))
    effect = fields.String(required=True, metadata={"description": "what it does, and from what on"})
    rules = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "for whom, where and when it holds; a sentence each"},
    )
    terms = fields.String(required=True, metadata={"description": "the brand's own words; may be empty"})
    at_least_fen = fields.Integer(required=True)
    at_least_pieces = fields.Integer(required=True)
    transferable = fields.Boolean(required=True, metadata={"description": "may be passed on to a friend"})


class CouponSchema(FaceSchema):
    id = fields.String(required=True)
    template_id = fields.String(required=True)
    uses = fields.Integer(
        required=True, metadata={"description": "how often it could be used when it was issued"}
    )
    uses_left = fields.Integer(required=True)
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(
        required=True, metadata={"description": "this instant is no longer in time"}
    )
    valid_through = fields.Date(
        required=True,
        metadata={"description": "the last day, by the calendar of the chain; the date to show"},
    )
    ends_soon = fields.Boolean(required=True, metadata={"description": "within 7 days"})
    usable = fields.Boolean(
        required=True,
        metadata={"description": "now, and in the store if one was named; the bill may ask for more"},
    )
    reason = fields.String(required=True, allow_none=True, validate=validate.OneOf(get_args(Reason)))
    reason_text = fields.String(required=True, allow_none=True, metadata={"description": "for people"})
    offered_until = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "there is a link to pass it on"}
    )


def dump_face(face: Face, names: Names) -> dict[str, Any]:
    asked = language()
    english = asked == "en"
    return {
        "name": face.name_en if english else face.name_zh,
        "picture_url": picture_url(face.picture_id),
        "kind": face.effect.__struct_config__.tag,
        "effect": effect_text(face, asked),
        "rules": rules_text(face, names, asked),
        "terms": face.terms_en if english else face.terms_zh,
        "at_least_fen": face.at_least_fen,
        "at_least_pieces": face.at_least_pieces,
        "transferable": face.transferable,
    }


class Dumper:
    """Dumps the coupons of one wallet: what many of them share is put into words once."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._faces: dict[int, dict[str, Any]] = {}

    def __call__(self, held: Held) -> dict[str, Any]:
        face = self._faces.get(held.face_id)
        if face is None:
            face = self._faces[held.face_id] = dump_face(held.face, self._names)
        return face | {
            "id": held.coupon_id,
            "template_id": held.template_id,
            "uses": held.uses,
            "uses_left": held.uses_left,
            "valid_from": held.valid_from,
            "valid_until": held.valid_until,
            "valid_through": held.valid_through,
            "ends_soon": held.ends_soon,
            "usable": held.reason is None,
            "reason": held.reason,
            "reason_text": held.reason and say(f"coupon.why.{held.reason}", language()),
            "offered_until": held.offered_until,
        }
