"""A coupon template as the API speaks of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

import msgspec
from marshmallow import fields, validate

from app.coupons.claim_link import claim_link
from app.coupons.face import MOST_USES, CostBearer, face_of
from app.coupons.template import MOST_OF_A_SCENE, Draft, Template
from app.coupons.terms import MOST_PER_CLERK, MOST_PER_MEMBER, MOST_STOCK, terms_of
from app.discounts.effects import BASIS, MOST_FEN, MOST_FREE
from app.discounts.rules import LEAST_PRIORITY, MOST_PIECES, MOST_PRIORITY
from app.points.rules import MOST_DAYS
from office_api.rule_schemas import ConditionsSchema, conditions_of, dump_conditions, given
from web.pictures import picture_id_field
from web.schemas import Strict, flag, text, whole

STATES = ("draft", "in_review", "live", "stopped")


def _maybe(least: int, most: int, description: str) -> fields.Integer:
    return whole(least, most, load_default=None, allow_none=True, metadata={"description": description})


class CouponEffectSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(("amount", "percent", "free", "gift")))
    off_fen = _maybe(1, MOST_FEN, "amount")
    percent_bp = _maybe(1, BASIS, "percent: ten-thousandths that are taken off")
    most_fen = _maybe(1, MOST_FEN, "percent: at most; null is any")
    pieces = _maybe(1, MOST_FREE, "free: so many of the dearest pieces; null is one")
    item_zh = text(40, load_default=None, allow_none=True, metadata={"description": "gift: what it is"})
    item_en = text(60, load_default=None, allow_none=True, metadata={"description": "gift"})
    sku = text(64, load_default=None, allow_none=True, metadata={"description": "gift: its article number"})


class CouponValiditySchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(("between", "days")))
    begins_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "between: the same for every coupon"}
    )
    ends_at = fields.AwareDateTime(load_default=None, allow_none=True)
    days = _maybe(1, MOST_DAYS, "days: whole days that it is good")
    after_days = _maybe(0, 366, "days: how many days after the day of issue they begin; null is 0")


class CouponFaceSchema(Strict):
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    terms_zh = text(500, 0, load_default="")
    terms_en = text(1_000, 0, load_default="")
    picture_id = picture_id_field()
    effect = fields.Nested(CouponEffectSchema(), required=True)
    validity = fields.Nested(CouponValiditySchema(), required=True)
    conditions = fields.Nested(ConditionsSchema(), load_default=None, allow_none=True)
    at_least_fen = whole(0, MOST_FEN, load_default=0)
    at_least_pieces = whole(0, MOST_PIECES, load_default=0)
    group = fields.String(
        load_default="",
        validate=validate.Regexp(r"^[a-z0-9_-]{0,24}\Z", error="Must be a code of a-z, 0-9, - and _."),
        metadata={"description": "of one group at most one is applied; empty: none"},
    )
    alone = flag(load_default=False, metadata={"description": "nothing else beside it"})
    priority = whole(LEAST_PRIORITY, MOST_PRIORITY, load_default=0)
    uses = whole(1, MOST_USES, load_default=1, metadata={"description": "one for each bill"})
    use_value_fen = whole(0, MOST_FEN, load_default=0, metadata={"description": "what one use is worth"})
    cost_bearer = fields.String(load_default="brand", validate=validate.OneOf(get_args(CostBearer)))
    without_sale = flag(load_default=False, metadata={"description": "a till may redeem it by itself"})
    transferable = flag(load_default=False)
    forfeited = flag(load_default=False, metadata={"description": "does not come back with a refund"})
    restore_days = whole(0, 366, load_default=7)


class CouponTermsSchema(Strict):
    per_member = _maybe(1, MOST_PER_MEMBER, "null: as many as they like")
    per_member_a_day = _maybe(1, MOST_PER_MEMBER, "by the chain's calendar; null: as many as they like")
    per_clerk_a_day = whole(
        0, MOST_PER_CLERK, load_default=0, metadata={"description": "what one clerk may give away at tills"}
    )
    in_centre = flag(load_default=False, metadata={"description": "members find it themselves"})
    by_link = flag(load_default=False, metadata={"description": "whoever has the link may claim it"})
    claim_from = fields.AwareDateTime(load_default=None, allow_none=True)
    claim_until = fields.AwareDateTime(load_default=None, allow_none=True)
    stock = _maybe(0, MOST_STOCK, "null: as many as are wanted")


class CouponTemplateDraftSchema(Strict):
    face = fields.Nested(CouponFaceSchema(), required=True)
    terms = fields.Nested(CouponTermsSchema(), load_default=lambda: CouponTermsSchema().load({}))


class ClaimLinkSchema(Strict):
    page = fields.String(required=True, metadata={"description": "of the mini-program, which the code opens"})
    scene = fields.String(
        required=True,
        validate=validate.Length(1, MOST_OF_A_SCENE),
        metadata={"description": "what a mini-program code carries"},
    )
    path = fields.String(required=True, metadata={"description": "of the mini-program, as a link"})


class CouponTemplateSchema(CouponTemplateDraftSchema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    face_version = fields.Integer(required=True)
    claim_key = fields.String(
        required=True, allow_none=True, metadata={"description": "what the link holds; null: there is none"}
    )
    claim_link = fields.Nested(
        ClaimLinkSchema(), required=True, allow_none=True, metadata={"description": "to print and to send"}
    )
    created_at = fields.AwareDateTime(required=True)
    pending_approval_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "what waits for a second person, the newest; null: nothing does"},
    )
    pending_terms = fields.Nested(
        CouponTermsSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "what the terms would be with the second person's word"},
    )


def stores_in(arguments: Mapping[str, Any]) -> set[str]:
    """The codes of the stores a draft names."""
    return set((arguments["face"]["conditions"] or {}).get("stores") or ())


def draft_of(arguments: Mapping[str, Any], store_ids: Mapping[str, int]) -> Draft:
    """Raises `FaceMalformed`."""
    face = dict(arguments["face"])
    face["conditions"] = conditions_of(face["conditions"] or {}, store_ids)
    face["effect"], face["validity"] = given(face["effect"]), given(face["validity"])
    return Draft(face=face_of(face), terms=terms_of(arguments["terms"]))


def dump_template(template: Template, store_codes: Mapping[int, str]) -> dict[str, Any]:
    face: dict[str, Any] = {name: getattr(template.face, name) for name in CouponFaceSchema._declared_fields}
    face["effect"] = msgspec.to_builtins(template.face.effect)
    face["validity"] = msgspec.structs.asdict(template.face.validity) | {
        "kind": template.face.validity.__struct_config__.tag
    }
    face["conditions"] = dump_conditions(template.face.conditions, store_codes)
    link = claim_link(template)
    return {
        "id": template.id,
        "version": template.version,
        "state": template.state,
        "face_version": template.face_version,
        "claim_key": template.claim_key,
        "claim_link": link and asdict(link),
        "created_at": template.created_at,
        "pending_approval_id": template.pending_approval_id,
        "pending_terms": template.pending_terms and msgspec.structs.asdict(template.pending_terms),
        "face": face,
        "terms": msgspec.structs.asdict(template.terms),
    }
